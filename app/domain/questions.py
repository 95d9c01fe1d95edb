"""What to ask next: the open questions of which some answer would change a conclusion.

Each unknown input was forced to each of its answers while the rules were evaluated
(``worlds.py``), so this only reads off what changed (``phenotyping.md`` §6, stage H).
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from app.domain.content import Content
from app.domain.truth import Truth
from app.domain.worlds import Worlds


class Change(NamedTuple):
    """A rule that would stand otherwise: ``C2 unknown -> true``."""

    rule: str
    now: Truth
    then: Truth


class Answer(NamedTuple):
    """One possible answer and what it would change."""

    answer: bool | str | int
    changes: tuple[Change, ...]


class Question(NamedTuple):
    """An input worth asking for."""

    input: str
    answers: tuple[Answer, ...]


def telling(content: Content, worlds: Worlds) -> dict[int, int]:
    """What is concluded of everybody and stands otherwise in some world: its slot, those worlds."""
    return worlds.changes(content.tables.conclusions)


def telling_of_safety(
    content: Content, worlds: Worlds, considered: Sequence[str]
) -> dict[int, int]:
    """The same of the safety rules of the activities that the plan named; no other matters."""
    return worlds.changes(
        [slot for name in considered for slot in content.safety_slots.get(name, ())]
    )


def worth_asking(content: Content, worlds: Worlds, changes: Mapping[int, int]) -> tuple[str, ...]:
    """The inputs of which some answer changes something, in the order to ask them."""
    changed = reduce(or_, changes.values(), 0)
    if not changed:
        return ()
    found = [asked.input for asked in worlds.asked if changed & asked.bits]
    return tuple([name for name in found if not _is_answered(name, content, worlds)])


def questions(content: Content, worlds: Worlds, considered: Sequence[str]) -> tuple[Question, ...]:
    """The same, with what each answer would change."""
    changes = telling(content, worlds) | telling_of_safety(content, worlds, considered)
    asked: dict[str, list[Answer]] = {name: [] for name in worth_asking(content, worlds, changes)}
    for world in worlds.others:
        if world.input not in asked:
            continue
        changed = tuple(
            Change(content.rule_by_slot[slot].id, worlds.truth(slot), worlds.truth(slot, world.bit))
            for slot, where in changes.items()
            if where & world.bit
        )
        if changed:
            asked[world.input].append(Answer(world.answer.answer, changed))
    return tuple(Question(name, tuple(answers)) for name, answers in asked.items())


def _is_answered(name: str, content: Content, worlds: Worlds) -> bool:
    """A rule has settled it already: what would come now is a correction, not an answer."""
    settling = content.inputs[name].answered_by
    if not settling:
        return False
    return not worlds.is_unknown(content.rule_by_id[settling].slot)
