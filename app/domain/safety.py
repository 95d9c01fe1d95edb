"""Safety rules of an activity: what blocks it, what asks for care, what cannot be checked.

``interventions.md`` §2: known facts block, missing facts withhold; a rule passes only when it is
known not to hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from app.domain.content import Content, Rule
from app.domain.truth import Truth
from app.domain.worlds import Worlds

PERSON = ""


class SafetyResult(Enum):
    """Worst first."""

    BLOCK = "block"
    UNKNOWN = "unknown"
    ADJUST = "adjust"
    CAUTION = "caution"
    INFO = "info"
    PASS = "pass"  # noqa: S105  (a result, no password)


WITHHOLDS = frozenset({SafetyResult.BLOCK, SafetyResult.UNKNOWN})
TOLD = (SafetyResult.BLOCK, SafetyResult.ADJUST, SafetyResult.CAUTION)
_WORST_FIRST = tuple(SafetyResult)


@dataclass(frozen=True, slots=True)
class SafetyFinding:
    """What one safety rule (``S-10``) says of one activity ("" : of the person as a whole).

    ``rules`` are those that made the result: true for a result that holds, open for unknown.
    """

    safety: str
    activity: str
    result: SafetyResult
    rules: tuple[str, ...] = ()


def check(activity: str, content: Content, worlds: Worlds) -> tuple[SafetyFinding, ...]:
    """Every safety rule that concerns an activity, in the order of their numbers."""
    return tuple(
        _finding(safety, activity, rules, worlds)
        for safety, rules in content.safety_rules.get(activity, ())
    )


def each(
    activity: str, content: Content, worlds: Worlds
) -> Iterator[tuple[str, SafetyResult, Rule]]:
    """What every single rule of an activity says, also beside one that cannot be checked."""
    for safety, rules in content.safety_rules.get(activity, ()):
        by_id = {rule.id: rule for rule in rules}
        yield from ((safety, result, by_id[id_]) for result, id_ in _results(rules, worlds))


def _finding(safety: str, activity: str, rules: tuple[Rule, ...], worlds: Worlds) -> SafetyFinding:
    results = list(_results(rules, worlds))
    worst = min((result for result, _ in results), key=_WORST_FIRST.index)
    if worst is SafetyResult.PASS:
        return SafetyFinding(safety, activity, worst)
    made = tuple(rule for result, rule in results if result is worst)
    return SafetyFinding(safety, activity, worst, made)


def _results(rules: tuple[Rule, ...], worlds: Worlds) -> Iterator[tuple[SafetyResult, str]]:
    for rule in rules:
        match worlds.truth(rule.slot):
            case Truth.TRUE:
                yield SafetyResult(rule.result), rule.id
            case Truth.UNKNOWN:
                yield SafetyResult.UNKNOWN, rule.id
            case Truth.FALSE:
                yield SafetyResult.PASS, rule.id
