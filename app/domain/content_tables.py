"""What is worked out when the content is loaded, so that no patient waits for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.content_parts import Placement, Rule
from app.domain.period import Period
from app.domain.safety_types import SafetyFinding
from app.domain.standpoint import Standpoint


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One possible answer to an input and what it would make of the slots that read the input."""

    answer: bool | str | int
    makes_true: tuple[int, ...]
    makes_false: tuple[int, ...]


class Effect(NamedTuple):
    """What all possible answers to an input make of one slot, as bits: bit n for answer n."""

    slot: int
    makes_true: int
    makes_false: int


class Asked(NamedTuple):
    """A question: its possible answers are the worlds from number ``first`` on, ``bits``."""

    input: str
    first: int
    answers: tuple[WhatIf, ...]
    bits: int

    @staticmethod
    def of(name: str, first: int, answers: tuple[WhatIf, ...]) -> "Asked":
        """The answers to one input, beside those that are there."""
        return Asked(name, first, answers, (1 << first + len(answers)) - (1 << first))


@dataclass(frozen=True, slots=True)
class Baseline:
    """The patient of whom nothing is known, worked out once by ``worlds.baseline``.

    ``asked`` are all questions in their order; their answers are the same worlds for every patient.
    ``values`` is the truth of every slot in these ``count`` worlds when no fact is there, and
    ``letters`` how it stands for the patient as known; ``rules`` are those that were evaluated,
    ``steps`` the slot of each and what works it out. ``above`` says of a slot which rules rest on
    it, directly or through other rules: bit n is the rule at place n. ``asked_in`` is the question
    that is answered in each world from number 1 on.
    """

    asked: tuple[Asked, ...]
    count: int
    values: tuple[int, ...]
    letters: bytes
    rules: tuple[Rule, ...]
    steps: tuple[tuple[int, Callable[[Sequence[int]], int]], ...]
    above: Mapping[int, int]
    asked_in: tuple[Asked, ...]


NOTHING_COMPILED = Baseline((), 1, (), b"", (), (), {}, ())


@dataclass(frozen=True, slots=True)
class DriverTable:
    """A driver by slots: ``levels`` are (level, slot, rule), highest first.

    ``measures`` has for each way of looking its slots as bits, ``absent_when`` what rules it out.
    """

    levels: tuple[tuple[int, int, str], ...]
    measures: tuple[int, ...]
    absent_when: int = 0


@dataclass(frozen=True, slots=True)
class PlacementTable:
    """A placement by slots: those of ``when``, ``unless`` and ``unless_open`` as bits.

    ``from_level`` is the level of its driver from which it counts; ``turn`` its place among the
    rows of drivers of one level: modifiability, evidence mark, harm, cost, id.
    """

    placement: Placement
    when: int
    unless: int
    unless_open: int
    from_level: int = 0
    turn: tuple[int, int, int, int, str] = (0, 0, 0, 0, "")


@dataclass(frozen=True, slots=True)
class Rows:
    """The placements of one column and step, in the order in which they are placed."""

    prohibitions: tuple[PlacementTable, ...]
    others: tuple[PlacementTable, ...]
    of_drivers: tuple[PlacementTable, ...]


@dataclass(frozen=True, slots=True)
class SafetyTable:
    """The safety rules of an activity: ``slots`` of all as bits, ``passed`` when none can hold.

    ``groups`` are for each number what is said when it passes, its slots as bits, its rules.
    """

    slots: int
    passed: tuple[SafetyFinding, ...]
    groups: tuple[tuple[SafetyFinding, int, tuple[Rule, ...]], ...]


class Plain(NamedTuple):
    """What a plain yes and a plain no to an input settle: the slots that hold, those that do not.

    None where more has to be looked at than the answer and its age.
    """

    yes: tuple[tuple[int, ...], tuple[int, ...]] | None
    no: tuple[tuple[int, ...], tuple[int, ...]] | None
    known_for: Period | None


class Subscale(NamedTuple):
    """A subscale of a sum: both inputs, its own range, and the range of the items beside it."""

    total: str
    part: str
    own: tuple[int, int]
    rest: tuple[int, int]


class CatalogueItem(NamedTuple):
    """An item of the catalogue: what became of it where no row asks for it, and what is not read.

    ``not_placed`` is None where the reason depends on the mechanism.
    """

    id: str
    not_placed: Standpoint | None
    not_read: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """What the content says, turned to where it is asked for (``tables.py``).

    Slots that are asked for together are one integer, bit n for slot n. ``subjects`` says of the
    slot of a conclusion what it is about, in words; ``gate`` are the slots of the gate rules,
    ``screens`` those of the questions that a flag is screened by; ``rows`` are by severity and
    step; ``serving`` are the
    activities that serve a goal; ``plain`` are the inputs of which a yes or a no says all;
    ``with_subscales`` are the inputs of ``subscales``, of the parts and of the whole.
    """

    subjects: Mapping[int, str] = field(default_factory=dict)
    conclusions: tuple[int, ...] = ()
    drivers: Mapping[str, DriverTable] = field(default_factory=dict)
    gate: int = 0
    screens: Mapping[str, int] = field(default_factory=dict)
    safety: Mapping[str, SafetyTable] = field(default_factory=dict)
    rows: Mapping[tuple[str, int], Rows] = field(default_factory=dict)
    placements_of: Mapping[str, tuple[PlacementTable, ...]] = field(default_factory=dict)
    catalogue: tuple[CatalogueItem, ...] = ()
    serving: Mapping[str, frozenset[str]] = field(default_factory=dict)
    plain: Mapping[str, Plain] = field(default_factory=dict)
    subscales: tuple[Subscale, ...] = ()
    with_subscales: frozenset[str] = frozenset()
