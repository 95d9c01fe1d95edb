"""What to ask next: the open questions of which some answer would change a conclusion.

Each unknown input was forced to each of its answers while the rules were evaluated
(``worlds.py``), so this only reads off what changed (``phenotyping.md`` §6, stage H).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.content import Content, Rule
from app.domain.truth import Truth
from app.domain.worlds import Worlds


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that would stand otherwise: ``C2 unknown -> true``."""

    rule: str
    now: Truth
    then: Truth


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible answer and what it would change."""

    answer: bool | str | int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """An input worth asking for."""

    input: str
    answers: tuple[Answer, ...]


def telling(content: Content, worlds: Worlds) -> int:
    """The worlds in which something that is concluded of everybody stands otherwise."""
    return worlds.changed_by(rule.slot for rule in content.conclusions)


def worth_asking(
    content: Content, worlds: Worlds, considered: Sequence[str], changed: int
) -> tuple[str, ...]:
    """The inputs worth asking for, in the order to ask them.

    ``considered`` are the activities that the plan named: only their safety matters. ``changed``
    are the worlds that tell something anyway.
    """
    changed |= worlds.changed_by(rule.slot for rule in _safety_of(content, considered))
    return tuple(changing(content, worlds, changed))


def changing(content: Content, worlds: Worlds, changed: int) -> Iterator[str]:
    """The inputs of which some answer leads to one of the worlds ``changed``."""
    for asked in worlds.asked:
        if changed & asked.bits and not _is_answered(asked.input, content, worlds):
            yield asked.input


def questions(content: Content, worlds: Worlds, considered: Sequence[str]) -> tuple[Question, ...]:
    """The same, with what each answer would change."""
    conclusions = [(rule, worlds.changed(rule.slot)) for rule in _conclusions(content, considered)]
    asked: dict[str, list[Answer]] = {
        name: [] for name in worth_asking(content, worlds, considered, telling(content, worlds))
    }
    for world in worlds.others:
        if world.input not in asked:
            continue
        changes = tuple(
            Change(rule.id, worlds.truth(rule.slot), worlds.truth(rule.slot, world.bit))
            for rule, changed in conclusions
            if changed & world.bit
        )
        if changes:
            asked[world.input].append(Answer(world.answer.answer, changes))
    return tuple(Question(name, tuple(answers)) for name, answers in asked.items())


def _conclusions(content: Content, considered: Sequence[str]) -> Iterator[Rule]:
    """What is concluded of everybody, and the safety of what was considered for this person."""
    yield from content.conclusions
    yield from _safety_of(content, considered)


def _safety_of(content: Content, considered: Sequence[str]) -> Iterable[Rule]:
    """The safety rules of the activities considered, each once."""
    told = {
        rule.id: rule
        for name in considered
        for _, rules in content.safety_rules.get(name, ())
        for rule in rules
    }
    return told.values()


def _is_answered(name: str, content: Content, worlds: Worlds) -> bool:
    """A rule has settled it already: what would come now is a correction, not an answer."""
    settling = content.inputs[name].answered_by
    if not settling:
        return False
    return not worlds.is_unknown(content.rule_by_id[settling].slot)
