"""Evaluating every rule once, in many worlds at a time.

Each statement is two integers: in which worlds it is true and in which it is false (in neither:
unknown). World 0 is the patient as known. Every other world forces the answer to one question
that is open, so one pass over the rules tells both what holds and what each answer would change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.domain.content import AtLeast, Content, Finding, Reading, Rule, WhatIf
from app.domain.standing import Standing, Standings
from app.domain.truth import Truth

HERE = 1


class World(NamedTuple):
    """One possible answer to one open question, the bit that stands for it, and its place there."""

    input: str
    answer: WhatIf
    bit: int
    position: int


@dataclass(frozen=True, slots=True)
class Worlds:
    """The truth of every slot in every world; ``true[slot]`` and ``false[slot]`` are bit sets."""

    true: Sequence[int]
    false: Sequence[int]
    all: int
    others: tuple[World, ...]

    def truth(self, slot: int, world: int = HERE) -> Truth:
        """What holds in one world (by default the patient as known)."""
        if self.true[slot] & world:
            return Truth.TRUE
        if self.false[slot] & world:
            return Truth.FALSE
        return Truth.UNKNOWN

    def is_true(self, slot: int, world: int = HERE) -> bool:
        """Known to hold."""
        return self.true[slot] & world != 0

    def is_unknown(self, slot: int, world: int = HERE) -> bool:
        """Neither known to hold nor known not to."""
        return (self.true[slot] | self.false[slot]) & world == 0

    def changed(self, slot: int) -> int:
        """The worlds in which this slot stands otherwise than here."""
        true, false = self.true[slot], self.false[slot]
        here_true = self.all if true & HERE else 0
        here_false = self.all if false & HERE else 0
        return (true ^ here_true) | (false ^ here_false)

    def changed_by(self, slots: Iterable[int]) -> int:
        """The worlds in which any of these slots stands otherwise than here."""
        everything, found = self.all, 0
        for slot in slots:
            true, false = self.true[slot], self.false[slot]
            found |= true ^ (everything if true & HERE else 0)
            found |= false ^ (everything if false & HERE else 0)
        return found


def evaluate(content: Content, standings: Standings, rules: Sequence[Rule] | None = None) -> Worlds:
    """The rules in file order (by default those of the plan); each uses only what stands above."""
    others = _open_questions(content, standings)
    everything = (1 << (len(others) + 1)) - 1
    count = len(content.slot_names)
    true, false = [0] * count, [0] * count
    for world in others:
        for slot in world.answer.makes_true:
            true[slot] |= world.bit
        for slot in world.answer.makes_false:
            false[slot] |= world.bit
    for slot, standing in standings.by_slot.items():
        if standing.truth is Truth.TRUE:
            true[slot], false[slot] = everything, 0
        elif standing.truth is Truth.FALSE:
            true[slot], false[slot] = 0, everything
    for world in others:
        if world.input in standings.facts and _replaces(world, content):
            _replace(world, content, true, false)
    for rule in content.plan_rules if rules is None else rules:
        slot = rule.slot
        true[slot], false[slot] = _apply(rule, true, false, everything)
    return Worlds(true, false, everything, others)


def _open_questions(content: Content, standings: Standings) -> tuple[World, ...]:
    """Every question that the facts leave open, wholly or in part, with each possible answer."""
    known = standings.by_slot
    others: list[World] = []
    bit = HERE
    for name in content.ask_order:
        if name in standings.facts and _is_answered(content.readings.get(name, ()), known):
            continue
        for position, answer in enumerate(content.what_if.get(name, ())):
            bit <<= 1
            others.append(World(name, answer, bit, position))
    return tuple(others)


def _is_answered(readings: Iterable[Reading], known: Mapping[int, Standing]) -> bool:
    """Every statement about it is settled; bounds or an assessment may settle only some."""
    for reading in readings:
        standing = known.get(reading.slot)
        if standing is None or standing.truth is Truth.UNKNOWN:
            return False
    return True


def _replaces(world: World, content: Content) -> bool:
    """Whether the answer changes what is known in part: a patient's no takes nothing back."""
    return world.answer.answer is not False or content.inputs[world.input].asked_of == "clinician"


def _replace(world: World, content: Content, true: list[int], false: list[int]) -> None:
    """The answer in place of what older facts settled; what earlier words or others say stays."""
    bit = world.bit
    stays = {r.slot for r in content.readings[world.input] if _stays(r.finding, world, content)}
    for slot in world.answer.makes_true:
        true[slot], false[slot] = true[slot] | bit, false[slot] & ~bit
    for slot in world.answer.makes_false:
        if slot not in stays:
            true[slot], false[slot] = true[slot] & ~bit, false[slot] | bit


def _stays(finding: Finding, world: World, content: Content) -> bool:
    """About earlier answers; or about another author's word, which only a no takes back."""
    if finding.earlier:
        return True
    is_by_clinician = content.inputs[world.input].asked_of == "clinician"
    author = "clinician" if is_by_clinician else "patient"
    return world.answer.answer is not False and finding.said_by not in ("", author)


def _apply(
    rule: Rule, true: Sequence[int], false: Sequence[int], everything: int
) -> tuple[int, int]:
    holds, fails = everything, 0
    for slot in rule.all_of:
        holds &= true[slot]
        fails |= false[slot]
    for slot in rule.none_of:
        holds &= false[slot]
        fails |= true[slot]
    if rule.any_of:
        some, none = 0, everything
        for slot in rule.any_of:
            some |= true[slot]
            none &= false[slot]
        holds &= some
        fails |= none
    if rule.open_of:
        opened = 0
        for slot in rule.open_of:
            opened |= everything & ~(true[slot] | false[slot])
        holds &= opened
        fails |= everything & ~opened
    if rule.at_least is not None:
        enough, too_few = _count(rule.at_least, true, false, everything)
        holds &= enough
        fails |= too_few
    return holds, fails


def _count(
    wanted: AtLeast, true: Sequence[int], false: Sequence[int], everything: int
) -> tuple[int, int]:
    """Worlds in which at least ``n`` are true, and worlds in which fewer than ``n`` can be."""
    surely = [everything] + [0] * wanted.n
    possibly = [everything] + [0] * wanted.n
    for slot in wanted.of:
        for n in range(wanted.n, 0, -1):
            surely[n] |= surely[n - 1] & true[slot]
            possibly[n] |= possibly[n - 1] & ~false[slot]
    return surely[-1], everything & ~possibly[-1]
