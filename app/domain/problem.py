"""The few kinds of problem that the service can have, each with what, where and how to mend it.

Only ``app/api/errors.py`` knows which HTTP status a kind becomes. Red flags and "cannot be
checked" are results, not problems.
"""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with what came in.

    ``where`` is a FHIRPath expression (``Observation.value.ofType(integer)`` style is not needed:
    element names with indices, e.g. ``QuestionnaireResponse.item[0].answer[1].valueInteger``) or
    empty when no element is meant; ``code`` is an R4 IssueType code.
    """

    what: str
    where: str = ""
    mend: str = ""
    code: str = "invalid"


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, not an error of ours)
    """What every kind carries: one or more problems, in the order found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.where}: {p.what}" if p.where else p.what for p in problems))
        self.problems = problems


class NotUnderstood(Refusal):
    """Not JSON, not the resource announced, or not valid R4 (400)."""


class Refused(Refusal):
    """Valid, and breaks a rule: two patients, another subject, out of range (422)."""


class Unauthenticated(Refusal):
    """Who asks is not proven (401); why not is for the log, never for the answer (CH-63)."""


class NotFound(Refusal):
    """No such resource, version, decision or type (404)."""


class Gone(Refusal):
    """It was here and has been erased (410)."""


class NotAllowed(Refusal):
    """The interaction is not offered for this type (405); ``allow`` names what is."""

    def __init__(self, *problems: Problem, allow: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.allow = allow


class Conflict(Refusal):
    """Something moved, or an id belongs to another patient (409)."""


class PreconditionFailed(Refusal):
    """An If-Match or a condition did not hold (412)."""


class TooLarge(Refusal):
    """More bytes, entries or depth than we take (413)."""


class TooMany(Refusal):
    """More requests than this client may send (429); ``retry_after`` is in seconds."""

    def __init__(self, *problems: Problem, retry_after: int) -> None:
        super().__init__(*problems)
        self.retry_after = retry_after


class Unavailable(Refusal):
    """Overload, a full disk, a database that is gone (503, with Retry-After)."""
