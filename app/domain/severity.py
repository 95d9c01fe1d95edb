"""How severe the pain is for the plan: mild, moderate or severe (``interventions.md`` §6.4)."""

from enum import Enum

from app.domain.content import Content
from app.domain.worlds import Worlds

SEVERE_RULE, MODERATE_RULE, MILD_RULE = "W-severe", "W-moderate", "W-mild"


class Severity(Enum):
    """The column of the matrix; moderate while nothing is known."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


RULES = {
    Severity.MILD: MILD_RULE,
    Severity.MODERATE: MODERATE_RULE,
    Severity.SEVERE: SEVERE_RULE,
}


def severity(content: Content, worlds: Worlds) -> Severity:
    """Where the measures disagree the higher counts; the rules say so."""
    if worlds.is_true(content.rule_by_id[SEVERE_RULE].slot):
        return Severity.SEVERE
    if worlds.is_true(content.rule_by_id[MILD_RULE].slot):
        return Severity.MILD
    return Severity.MODERATE
