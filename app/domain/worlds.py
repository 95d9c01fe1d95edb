"""Evaluating every rule once, in many worlds at a time.

World 0 is the patient as known. Every other world forces the answer to one question that is open,
so one pass over the rules tells both what holds and what each answer would change.

The truth of a statement is one integer with two bits a world: in the lower half whether it holds
there, in the upper half whether it can hold. True is both, unknown the upper one alone, false
none. So false < unknown < true, and Kleene's "and" and "or" are ``&`` and ``|`` of whole integers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.domain.content import AtLeast, Content, Finding, Reading, Rule, WhatIf
from app.domain.standing import Standing, Standings
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth

HERE = 1


class World(NamedTuple):
    """One possible answer to one open question, the bit that stands for it, and its place there."""

    input: str
    answer: WhatIf
    bit: int
    position: int


class Asked(NamedTuple):
    """An open question: its possible answers are the worlds from number ``first`` on, ``bits``."""

    input: str
    first: int
    answers: tuple[WhatIf, ...]
    bits: int

    @staticmethod
    def of(name: str, first: int, answers: tuple[WhatIf, ...]) -> "Asked":
        """The answers to one input, beside those that are there."""
        return Asked(name, first, answers, (1 << first + len(answers)) - (1 << first))


@dataclass(frozen=True, slots=True)
class Worlds:
    """The truth of every slot in ``count`` worlds, two bits a world (see above)."""

    values: Sequence[int]
    count: int
    asked: tuple[Asked, ...]

    @property
    def all(self) -> int:
        """Every world, the patient as known among them."""
        return (1 << self.count) - 1

    @property
    def others(self) -> tuple[World, ...]:
        """Every world but the patient as known, in the order of asking."""
        return tuple(
            World(asked.input, answer, 1 << (asked.first + position), position)
            for asked in self.asked
            for position, answer in enumerate(asked.answers)
        )

    def within(self, wanted: int) -> Iterator[World]:
        """Those of the others that are among the worlds ``wanted``, in the order of asking."""
        for asked in self.asked:
            if not wanted & asked.bits:
                continue
            for position, answer in enumerate(asked.answers):
                bit = 1 << (asked.first + position)
                if wanted & bit:
                    yield World(asked.input, answer, bit, position)

    def truth(self, slot: int, world: int = HERE) -> Truth:
        """What holds in one world (by default the patient as known)."""
        value = self.values[slot]
        if value & world:
            return TRUE
        return UNKNOWN if value >> self.count & world else FALSE

    def is_true(self, slot: int, world: int = HERE) -> bool:
        """Known to hold."""
        return self.values[slot] & world != 0

    def is_unknown(self, slot: int, world: int = HERE) -> bool:
        """Neither known to hold nor known not to."""
        value = self.values[slot]
        return not value & world and value >> self.count & world != 0

    def true_in(self, slot: int) -> int:
        """The worlds in which it is known to hold."""
        return self.values[slot] & self.all

    def false_in(self, slot: int) -> int:
        """The worlds in which it is known not to hold."""
        return self.all & ~(self.values[slot] >> self.count)

    def changed(self, slot: int) -> int:
        """The worlds in which this slot stands otherwise than here."""
        return self.changed_by((slot,))

    def changed_by(self, slots: Iterable[int]) -> int:
        """The worlds in which any of these slots stands otherwise than here."""
        values, true, unknown = self.values, _true(self.count), _unknown(self.count)
        can_here = HERE << self.count
        found = 0
        for slot in slots:
            value = values[slot]
            found |= value ^ (true if value & HERE else unknown if value & can_here else 0)
        return (found | found >> self.count) & self.all

    def changing(self, slots: Iterable[int]) -> Iterator[int]:
        """Those of the slots that stand otherwise than here in some world."""
        everywhere_alike = frozenset((0, _true(self.count), _unknown(self.count)))
        return (slot for slot in slots if self.values[slot] not in everywhere_alike)


def _true(count: int) -> int:
    """Holds, and can hold, in every world."""
    return (1 << 2 * count) - 1


def _unknown(count: int) -> int:
    """Can hold in every world."""
    return ((1 << count) - 1) << count


def packed(true: int, false: int, count: int) -> int:
    """From the worlds in which a statement is true and those in which it is false."""
    return _unknown(count) ^ (false << count) | true


def evaluate(content: Content, standings: Standings, rules: Sequence[Rule] | None = None) -> Worlds:
    """The rules in file order (by default those of the plan); each uses only what stands above."""
    asked, count = _open_questions(content, standings)
    true, unknown = _true(count), _unknown(count)
    values = [unknown] * len(content.slot_names)
    for name, first, _, _ in asked:
        for slot, makes_true, makes_false in content.effects[name]:
            values[slot] = unknown ^ makes_false << first + count | makes_true << first
    for slot, standing in standings.by_slot.items():
        if standing.truth is TRUE:
            values[slot] = true
        elif standing.truth is FALSE:
            values[slot] = 0
    facts = standings.facts
    for one in asked:
        if one.input in facts:
            _replace(one, content, values, count)
    for rule in content.plan_rules if rules is None else rules:
        values[rule.slot] = _value(rule, values, true, count)
    return Worlds(values, count, asked)


def _open_questions(content: Content, standings: Standings) -> tuple[tuple[Asked, ...], int]:
    """Every question that the facts leave open, wholly or in part; and the number of worlds."""
    facts, known = standings.facts, standings.by_slot
    asked: list[Asked] = []
    count = 1
    for name in content.ask_order:
        if name in facts and _is_answered(content.readings.get(name, ()), known):
            continue
        answers = content.what_if.get(name, ())
        asked.append(Asked.of(name, count, answers))
        count += len(answers)
    return tuple(asked), count


def _is_answered(readings: Iterable[Reading], known: Mapping[int, Standing]) -> bool:
    """Every statement about it is settled; bounds or an assessment may settle only some."""
    for reading in readings:
        standing = known.get(reading.slot)
        if standing is None or standing.truth is UNKNOWN:
            return False
    return True


def _replace(asked: Asked, content: Content, values: list[int], count: int) -> None:
    """Each answer in place of what older facts settled; what earlier words or others say stays."""
    readings = content.readings[asked.input]
    is_by_clinician = content.inputs[asked.input].asked_of == "clinician"
    for position, answer in enumerate(asked.answers):
        if answer.answer is False and not is_by_clinician:
            continue  # a patient's no takes nothing back
        holds = 1 << (asked.first + position)
        can_hold = holds << count
        for slot in answer.makes_true:
            values[slot] |= holds | can_hold
        stays = {r.slot for r in readings if _stays(r.finding, answer, content)}
        for slot in answer.makes_false:
            if slot not in stays:
                values[slot] &= ~(holds | can_hold)


def _stays(finding: Finding, answer: WhatIf, content: Content) -> bool:
    """About earlier answers; or about another author's word, which only a no takes back."""
    if finding.earlier:
        return True
    is_by_clinician = content.inputs[finding.input].asked_of == "clinician"
    author = "clinician" if is_by_clinician else "patient"
    return answer.answer is not False and finding.said_by not in ("", author)


def _value(rule: Rule, values: Sequence[int], true: int, count: int) -> int:
    value = true
    for slot in rule.all_of:
        value &= values[slot]
    if rule.any_of:
        some = 0
        for slot in rule.any_of:
            some |= values[slot]
        value &= some
    if rule.none_of:
        some = 0
        for slot in rule.none_of:
            some |= values[slot]
        value &= _negated(some, true, count)
    if rule.open_of:
        opened = 0
        for slot in rule.open_of:
            opened |= values[slot] >> count & ~values[slot]
        value &= opened << count | opened
    if rule.at_least is not None:
        value &= _enough(rule.at_least, values, true)
    return value


def _negated(value: int, true: int, count: int) -> int:
    """Not: what cannot hold holds, what does not hold can; unknown stays unknown."""
    everywhere = true >> count
    return true ^ ((value & everywhere) << count | value >> count)


def _enough(wanted: AtLeast, values: Sequence[int], true: int) -> int:
    """At least ``n`` of them: each slot lifts every count below it by one where it holds."""
    counted = [true] + [0] * wanted.n
    for slot in wanted.of:
        for n in range(wanted.n, 0, -1):
            counted[n] |= counted[n - 1] & values[slot]
    return counted[-1]
