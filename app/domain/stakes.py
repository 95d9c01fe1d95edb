"""What is at stake in each open question: the gate, a grade, a driver, the safety of an option.

Read off the worlds in which each question was answered (``worlds.py``), as the questions are; told
in words for the plan of a person and for the GuidanceResponse.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.content_tables import Asked
from app.domain.unlocking import Unlocking


class Stake(NamedTuple):
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
    for said, where in _about(content, considered, changes).items():
        for name in _questions_in(where, content.baseline.asked_in):
            if name in found:
                found[name][said] = None
    return tuple([Stake(name, tuple(could_change)) for name, could_change in found.items()])


def _questions_in(worlds: int, asked_in: Sequence[Asked]) -> Iterator[str]:
    """Whose answers the worlds are, each question once."""
    while worlds:
        asked = asked_in[(worlds & -worlds).bit_length() - 2]
        yield asked.input
        worlds &= ~asked.bits


def _about(
    content: Content, considered: Sequence[str], changes: Mapping[int, int]
) -> dict[str, int]:
    """What in words the slots are about that some answer changes, and the worlds in which."""
    told: dict[str, int] = {}
    subjects = content.tables.subjects
    for slot, where in changes.items():
        said = subjects.get(slot)
        if said is not None:
            told[said] = told.get(said, 0) | where
    for activity in considered:
        where = 0
        for slot in content.safety_slots.get(activity, ()):
            where |= changes.get(slot, 0)
        told[f"whether {activity} is safe"] = where
    return told


def subjects_of(rules: Iterable[Rule], driver_by_rule: Mapping[str, str]) -> dict[int, str]:
    """What each rule whose change is worth a question is about, by its slot."""
    return {r.slot: _said(r, driver_by_rule.get(r.id, "")) for r in rules if r.concludes}


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
