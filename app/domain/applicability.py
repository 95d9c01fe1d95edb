"""Stage A: whom the rules are for (``phenotyping.md`` §6)."""

from enum import Enum

from app.domain.content import Content
from app.domain.truth import FALSE, UNKNOWN
from app.domain.worlds import Worlds

ADULT, LOW_BACK, CHRONIC = "A1", "A2", "A3"
OUT_OF_SCOPE = "S-04"


class Applicability(Enum):
    """Whether the derivation is meant for this person.

    APPLIES: adult, low back, chronic. ELSEWHERE: known not to be low back pain. OUTSIDE: a child,
    or pain of less than three months. UNKNOWN: one of the three is not known.
    """

    APPLIES = "applies"
    ELSEWHERE = "elsewhere"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


def applicability(content: Content, worlds: Worlds) -> Applicability:
    """Known exclusions first, then what is not known."""
    adult, low_back, chronic = (
        worlds.truth(content.rule_by_id[rule].slot) for rule in (ADULT, LOW_BACK, CHRONIC)
    )
    if low_back is FALSE:
        return Applicability.ELSEWHERE
    if FALSE in (adult, chronic):
        return Applicability.OUTSIDE
    if UNKNOWN in (adult, low_back, chronic):
        return Applicability.UNKNOWN
    return Applicability.APPLIES
