"""A batch: each entry for itself, until together their answers are as large as they may be.

Each entry is bounded by itself, and a thousand of them are not: a page of five hundred resources
or a hundred faults, a thousand times, would fill the memory of a worker.
"""

from collections.abc import Sequence

from starlette.requests import Request

from app.api.inner_requests import InnerAnswer, answer_to, passed_over
from app.domain.problem import Problem, TooLarge
from app.fhir.reading.bundle_requests import Asked

LARGEST = 10 * 1024 * 1024
"""Bytes of all bodies of one answer together; the entry that reaches it is the last."""


async def answered(request: Request, entries: Sequence[Asked]) -> list[InnerAnswer]:
    """What became of each entry, in their order; those for which no room is left did nothing."""
    room = LARGEST
    answers = []
    for asked in entries:
        if room > 0:
            answer = await answer_to(request, asked)
        else:
            answer = passed_over(request, asked, no_room(asked.where))
        room -= len(answer.body)
        answers.append(answer)
    return answers


def no_room(where: str) -> TooLarge:
    """Nothing was done about this entry."""
    return TooLarge(
        Problem(
            f"The answer to this Bundle is longer than {LARGEST // 1024 // 1024} MB without this"
            " entry, which was neither read nor written.",
            where=where,
            mend="Send it again in another Bundle.",
            code="too-costly",
        )
    )
