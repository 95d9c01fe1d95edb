"""What is at stake in each open question: the gate, a grade, a driver, the safety of an option.

Read off the worlds in which each question was answered (``worlds.py``), as the questions are; told
in words for the plan of a person and for the GuidanceResponse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.content import Content, Rule
from app.domain.unlocking import Unlocking
from app.domain.worlds import Worlds


@dataclass(frozen=True, slots=True)
class Stake:
    """An input worth asking for, and in words what some answer to it alone would change."""

    input: str
    could_change: tuple[str, ...]


def stakes(
    content: Content, worlds: Worlds, asked: Iterable[str], considered: Sequence[str]
) -> tuple[Stake, ...]:
    """One for each question asked, in their order."""
    bits = {one.input: one.bits for one in worlds.asked}
    changed = tuple(_changed(content, worlds, considered).items())
    found = []
    for name in asked:
        own = bits[name]
        # A list first: a generator costs twice as much, and these are some thousand steps.
        found.append(Stake(name, tuple([said for said, where in changed if where & own])))
    return tuple(found)


def _changed(content: Content, worlds: Worlds, considered: Sequence[str]) -> dict[str, int]:
    """What each conclusion is about, in words, and the worlds in which it stands otherwise."""
    drivers = {rule: d.label for d in content.drivers.values() for _, rule in d.levels}
    rules = {rule.slot: rule for rule in content.conclusions}
    told: dict[str, list[int]] = {}
    for slot in worlds.changing(rules):
        told.setdefault(_about(rules[slot], drivers.get(rules[slot].id)), []).append(slot)
    for activity in considered:
        safety = content.safety_rules.get(activity, ())
        slots = (rule.slot for _, of_number in safety for rule in of_number)
        told[f"whether {activity} is safe"] = list(worlds.changing(slots))
    return {said: worlds.changed_by(slots) for said, slots in told.items() if slots}


def _about(rule: Rule, driver: str | None) -> str:
    if rule.flag:
        return f"the red flag {rule.flag}"
    if rule.mechanism:
        return f"the grade of {rule.mechanism} pain"
    if driver is not None:
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
