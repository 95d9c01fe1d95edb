"""Evaluating every rule once, in many worlds at a time.

World 0 is the patient as known. Every other world forces the answer to one question that is open,
so one pass over the rules tells both what holds and what each answer would change. The worlds are
the same for every patient; those of a question that is answered are like world 0 in everything.

The patient of whom nothing is known is worked out once, when the content is loaded (``baseline``).
For anybody else only what the facts settle is set anew, and only the rules that rest on it are
evaluated again, by the same function and in the same order; all others stand as in the baseline,
for they see nothing else than they saw there. Nothing goes from one patient to the next.

The truth of a statement is one integer with two bits a world: in the lower half whether it holds
there, in the upper half whether it can hold. True is both, unknown the upper one alone, false
none. So false < unknown < true, and Kleene's "and" and "or" are ``&`` and ``|`` of whole integers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Finding, Reading, Rule
from app.domain.content_tables import Asked, Baseline, WhatIf
from app.domain.standing import Standing, Standings
from app.domain.steps import step_of
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth

HERE = 1
HOLDS, OPEN, FAILS = b"TUF"


_IF_HOLDS, _IF_OPEN = bytes.maketrans(b"TUF", b"100"), bytes.maketrans(b"TUF", b"010")


class World(NamedTuple):
    """One possible answer to one open question, the bit that stands for it, and its place there."""

    input: str
    answer: WhatIf
    bit: int
    position: int


@dataclass(frozen=True, slots=True)
class Worlds:
    """The truth of every slot in ``count`` worlds, two bits a world; ``asked`` is what is open.

    ``letters`` says of each slot once more how it stands here (T, U or F), ``holding`` and
    ``open`` are the slots that hold and that are unknown, as bits: many at once are asked for by
    one "and".
    """

    values: Sequence[int]
    count: int
    asked: tuple[Asked, ...]
    letters: bytes = field(repr=False)
    holding: int = field(init=False, repr=False)
    open: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        backwards = self.letters[::-1]
        object.__setattr__(self, "holding", int(backwards.translate(_IF_HOLDS), 2))
        object.__setattr__(self, "open", int(backwards.translate(_IF_OPEN), 2))

    @staticmethod
    def of(values: Sequence[int], count: int, asked: tuple[Asked, ...]) -> "Worlds":
        """From the truths alone."""
        return Worlds(values, count, asked, _letters(values, count))

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
        return self.changes((slot,)).get(slot, 0)

    def changes(self, slots: Iterable[int]) -> dict[int, int]:
        """Those of the slots that stand otherwise than here in some world, and those worlds."""
        values, count = self.values, self.count
        true, unknown, everywhere = _true(count), _unknown(count), self.all
        alike, can_here = frozenset((0, true, unknown)), HERE << count
        found: dict[int, int] = {}
        for slot in slots:
            value = values[slot]
            if value not in alike:
                other = value ^ (true if value & HERE else unknown if value & can_here else 0)
                found[slot] = (other | other >> count) & everywhere
        return found


def _true(count: int) -> int:
    """Holds, and can hold, in every world."""
    return (1 << 2 * count) - 1


def _unknown(count: int) -> int:
    """Can hold in every world."""
    return ((1 << count) - 1) << count


def packed(true: int, false: int, count: int) -> int:
    """From the worlds in which a statement is true and those in which it is false."""
    return _unknown(count) ^ (false << count) | true


def baseline(content: Content, rules: tuple[Rule, ...]) -> Baseline:
    """The patient of whom nothing is known: every question is open, every rule is evaluated."""
    asked: list[Asked] = []
    count = 1
    for name in content.ask_order:
        answers = content.what_if.get(name, ())
        asked.append(Asked.of(name, count, answers))
        count += len(answers)
    unknown = _unknown(count)
    values = [unknown] * len(content.slot_names)
    for one in asked:
        for slot, makes_true, makes_false in content.effects.get(one.input, ()):
            values[slot] = unknown ^ makes_false << one.first + count | makes_true << one.first
    steps = tuple((rule.slot, step_of(rule, count)) for rule in rules)
    for slot, step in steps:
        values[slot] = step(values)
    return Baseline(
        asked=tuple(asked),
        count=count,
        values=tuple(values),
        letters=_letters(values, count),
        rules=rules,
        steps=steps,
        above=_above(rules),
        asked_in=tuple(one for one in asked for _ in one.answers),
    )


def _above(rules: Sequence[Rule]) -> dict[int, int]:
    """From the last rule to the first: a rule has only rules further down above it."""
    above: dict[int, int] = {}
    for place, rule in reversed(tuple(enumerate(rules))):
        reached = 1 << place | above.get(rule.slot, 0)
        counted = () if rule.at_least is None else rule.at_least.of
        for slot in (*rule.all_of, *rule.any_of, *rule.none_of, *rule.open_of, *counted):
            above[slot] = above.get(slot, 0) | reached
    return above


def evaluate(content: Content, standings: Standings, start: Baseline | None = None) -> Worlds:
    """Where every rule stands for this patient; ``start`` says by which rules (see above).

    By default those of the plan.
    """
    start = content.baseline if start is None else start
    count, values, above = start.count, list(start.values), start.above
    letters = bytearray(start.letters)
    true, can_here = _true(count), HERE << count
    touched = 0
    for slot, (truth, _) in standings.by_slot.items():
        if truth is UNKNOWN:
            continue
        values[slot], letters[slot] = (true, HOLDS) if truth is TRUE else (0, FAILS)
        touched |= above.get(slot, 0)
    asked, half_known = _open_questions(start.asked, content, standings)
    for one in half_known:
        _replace(one, content, values, count)
    for slot, step in compress(start.steps, _bits(touched)):
        value = values[slot] = step(values)
        letters[slot] = HOLDS if value & HERE else OPEN if value & can_here else FAILS
    return Worlds(values, count, asked, bytes(letters))


_TO_NUMBERS = bytes.maketrans(b"01", bytes((0, 1)))


def _bits(number: int) -> bytes:
    """Each bit as a byte, the lowest first."""
    return f"{number:b}"[::-1].encode().translate(_TO_NUMBERS)


def _letters(values: Iterable[int], count: int) -> bytes:
    """How each slot stands here: T, U or F."""
    can_here = HERE << count
    return bytes(HOLDS if v & HERE else OPEN if v & can_here else FAILS for v in values)


def _open_questions(
    questions: Iterable[Asked], content: Content, standings: Standings
) -> tuple[tuple[Asked, ...], list[Asked]]:
    """Every question that the facts leave open; and those that they leave open in part."""
    facts, known = standings.facts, standings.by_slot
    closed = frozenset(
        name for name in facts if _is_answered(content.readings.get(name, ()), known)
    )
    asked = tuple([one for one in questions if one.input not in closed])
    half_known = [one for one in asked if one.input in facts]
    return asked, half_known


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
