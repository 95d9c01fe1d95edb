"""A batch: each entry for itself, until together their answers are as large as they may be.

Each entry is bounded by itself, and a thousand of them are not: a page of five hundred resources
or a hundred faults, a thousand times, would fill the memory of a worker.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from starlette.requests import Request

from app.api.inner_requests import InnerAnswer, answer_to, passed_over
from app.domain.problem import Problem, TooLarge
from app.fhir.reading.bundle_requests import Asked

LARGEST = 10 * 1024 * 1024
"""Bytes of all bodies of one answer together; the entries that reach it are the last."""
TOGETHER = 50
"""Writes in a row that go into one block."""


async def answered(request: Request, entries: Sequence[Asked]) -> list[InnerAnswer]:
    """What became of each entry, in their order; those for which no room is left did nothing."""
    room = LARGEST
    answers: list[InnerAnswer] = []
    for together in _runs(entries):
        if room > 0:
            said = await asyncio.gather(*(answer_to(request, asked) for asked in together))
        else:
            said = [passed_over(request, asked, no_room(asked.where)) for asked in together]
        room -= sum(len(answer.body) for answer in said)
        answers.extend(said)
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


def _runs(entries: Iterable[Asked]) -> Iterator[list[Asked]]:
    """The entries in their order; what is written in a row goes together, and into one block.

    Entries of a batch do not depend on each other (F-20). Clients read in it what they wrote
    before all the same, so only writes of different resources, without a condition, go together.
    """
    run: dict[str, Asked] = {}
    for asked in entries:
        written = _written(asked)
        if run and (not written or written in run or len(run) == TOGETHER):
            yield [*run.values()]
            run.clear()
        run[written or asked.where] = asked
        if not written:
            yield [*run.values()]
            run.clear()
    if run:
        yield [*run.values()]


def _written(asked: Asked) -> str:
    """Which resource a plain create or update writes; empty for anything else."""
    if "$" in asked.url or "?" in asked.url or "ifNoneExist" in asked.request:
        return ""
    match asked.method:
        case "POST":
            return asked.where
        case "PUT":
            return unquote(asked.url)  # one resource, however it is spelt
        case _:
            return ""
