"""Safety rules of an activity: what blocks it, what asks for care, what cannot be checked.

``interventions.md`` §2: known facts block, missing facts withhold; a rule passes only when it is
known not to hold.
"""

from collections.abc import Iterator, Sequence

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.safety_types import SafetyFinding, SafetyResult
from app.domain.worlds import Worlds

PERSON = ""

# By these names: looking a member up in its Enum costs several times as much.
BLOCK, NOT_KNOWN, PASSED = SafetyResult.BLOCK, SafetyResult.UNKNOWN, SafetyResult.PASS
WITHHOLDS = frozenset({BLOCK, NOT_KNOWN})
TOLD = (SafetyResult.BLOCK, SafetyResult.ADJUST, SafetyResult.CAUTION)
WORST_FIRST = tuple(SafetyResult)
# For what nothing unknown withholds: there a known caution must not hide behind a missing value.
KNOWN_FIRST = (*(r for r in SafetyResult if r not in (NOT_KNOWN, PASSED)), NOT_KNOWN, PASSED)
_RESULTS = {result.value: result for result in SafetyResult}


def check(
    activity: str, content: Content, worlds: Worlds, order: Sequence[SafetyResult] = WORST_FIRST
) -> tuple[SafetyFinding, ...]:
    """Every safety rule that concerns an activity, in the order of their numbers.

    Of several rules under one number the result is told that comes first in ``order``.
    """
    table = content.tables.safety.get(activity)
    if table is None:
        return ()
    possible = worlds.holding | worlds.open
    if not table.slots & possible:
        return table.passed
    return tuple(
        [
            _finding(passed, rules, worlds, order) if slots & possible else passed
            for passed, slots, rules in table.groups
        ]
    )


def each(
    activity: str, content: Content, worlds: Worlds
) -> Iterator[tuple[str, SafetyResult, Rule]]:
    """What every single rule of an activity says, also beside one that cannot be checked."""
    for safety, rules in content.safety_rules.get(activity, ()):
        yield from ((safety, _result(rule, worlds), rule) for rule in rules)


def _finding(
    passed: SafetyFinding, rules: tuple[Rule, ...], worlds: Worlds, order: Sequence[SafetyResult]
) -> SafetyFinding:
    results = [(_result(rule, worlds), rule.id) for rule in rules]
    first = min((result for result, _ in results), key=order.index)
    made = tuple([rule for result, rule in results if result is first])
    return SafetyFinding(passed.safety, passed.activity, first, made)


def _result(rule: Rule, worlds: Worlds) -> SafetyResult:
    if worlds.is_true(rule.slot):
        return _RESULTS[rule.result]
    return NOT_KNOWN if worlds.is_unknown(rule.slot) else PASSED
