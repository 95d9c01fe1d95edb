"""What is at stake in each open question: the gate, a grade, a driver, the safety of an option.

Read off the worlds in which each question was answered (``worlds.py``), as the questions are; told
in words for the plan of a person and for the GuidanceResponse.
"""

from collections.abc import Iterable, Iterator, Sequence
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
    bits: dict[str, int] = {}
    for world in worlds.others:
        bits[world.input] = bits.get(world.input, 0) | world.bit
    changed: dict[str, int] = {}
    for said, rule in _told(content, considered):
        where = worlds.changed(rule.slot)
        if where:
            changed[said] = changed.get(said, 0) | where
    return tuple(
        Stake(name, tuple(said for said, where in changed.items() if where & bits[name]))
        for name in asked
    )


def _told(content: Content, considered: Sequence[str]) -> Iterator[tuple[str, Rule]]:
    """Every conclusion beside the words for what it is about."""
    drivers = {rule: d.label for d in content.drivers.values() for _, rule in d.levels}
    for rule in content.conclusions:
        yield _about(rule, drivers.get(rule.id)), rule
    for activity in considered:
        for _, rules in content.safety_rules.get(activity, ()):
            for rule in rules:
                yield f"whether {activity} is safe", rule


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
