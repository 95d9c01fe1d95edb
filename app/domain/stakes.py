"""What is at stake in each open question: the gate, a grade, a driver, the safety of an option.

Read off the worlds in which each question was answered (``worlds.py``), as the questions are, and
only where a rule rests on the question at all; told in words for the plan of a person and for the
GuidanceResponse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.content import Content, Rule
from app.domain.unlocking import Unlocking


@dataclass(frozen=True, slots=True)
class Stake:
    """An input worth asking for, and in words what some answer to it alone would change."""

    input: str
    could_change: tuple[str, ...]


def stakes(
    content: Content,
    asked: Iterable[str],
    considered: Sequence[str],
    changes: Mapping[int, int],
) -> tuple[Stake, ...]:
    """One for each question asked, in their order; ``changes`` are what some answer changes."""
    found: dict[str, dict[str, None]] = {name: {} for name in asked}
    for said, slots in _about(content, considered, changes).items():
        for slot in slots:
            where = changes[slot]
            for question in content.baseline.rests_on[slot]:
                if where & question.bits and question.input in found:
                    found[question.input][said] = None
    return tuple(Stake(name, tuple(could_change)) for name, could_change in found.items())


def _about(
    content: Content, considered: Sequence[str], changes: Mapping[int, int]
) -> dict[str, list[int]]:
    """What in words the slots are about that some answer changes."""
    told: dict[str, list[int]] = {}
    for slot in changes:
        rule = content.rule_by_slot[slot]
        if rule.concludes:
            told.setdefault(_said(rule, content.driver_by_rule.get(rule.id, "")), []).append(slot)
    for activity in considered:
        slots = [s for s in content.safety_slots.get(activity, ()) if s in changes]
        told[f"whether {activity} is safe"] = slots
    return told


def _said(rule: Rule, driver: str) -> str:
    if rule.flag:
        return f"the red flag {rule.flag}"
    if rule.mechanism:
        return f"the grade of {rule.mechanism} pain"
    if driver:
        return f"the driver {driver}"
    return "the scope of the plan"


def together(unlocks: Iterable[Unlocking]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each activity with the inputs that, answered well together, let it through; once each."""
    found = (
        (one.activity, tuple(name for name, _ in one.answers))
        for one in unlocks
        if len(one.answers) > 1
    )
    return tuple(dict.fromkeys(found))
