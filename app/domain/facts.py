"""Facts: what one resource says about the patient, with who said it, when, and where it stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import NamedTuple


class SaidBy(Enum):
    """Who the statement comes from (``phenotyping.md`` §5, definitions)."""

    PATIENT = "patient"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A score of which some items are missing: it lies between ``low`` and ``high``, inclusive."""

    low: Decimal
    high: Decimal


FactValue = bool | int | Decimal | str | Bounds | datetime


class Fact(NamedTuple):
    """One statement. ``at`` is the time it holds for (UTC), ``source`` the reference it came in.

    Of a partial date ``at`` is the first instant and ``until`` the last; None when they are one.
    """

    input: str
    value: FactValue
    at: datetime
    said_by: SaidBy
    source: str
    preliminary: bool = False
    until: datetime | None = None

    @property
    def latest(self) -> datetime:
        """The last instant that it may hold for: what may be recent is taken to be."""
        return self.until or self.at


@dataclass(frozen=True, slots=True)
class CodedCondition:
    """A problem-list entry as it came: its codes, whether it is current, and its dates.

    ``system_codes`` are (system, code) pairs. ``onset`` falls back to the recorded date and
    is the first instant of a partial one, ``onset_until`` the last; ``abated`` is the last instant
    at which it may have ended. None where the record does not say.
    """

    system_codes: tuple[tuple[str, str], ...]
    current: bool
    onset: datetime | None
    abated: datetime | None
    at: datetime
    source: str
    onset_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodedMedicine:
    """A medicine as it came: its codes and text, and whether it is taken now.

    ``daily_dose`` is what is taken a day in ``dose_unit`` (``mg``, of a patch ``ug/h``), None if
    unknown. ``manner`` are the words of its route and form. ``doubt`` says why it is not known
    whether it is taken. ``began`` and ``ended`` are dates that the record gives, ``ended_by`` an
    instant at which it is known to have been over. ``replaces`` are the references of entries
    that tell of the same medicine, or of the one before it. ``parts`` are the codes and words of
    each ingredient, where those are what tells it.
    """

    system_codes: tuple[tuple[str, str], ...]
    text: str
    current: bool
    at: datetime
    source: str
    daily_dose: Decimal | None = None
    dose_unit: str = "mg"
    manner: str = ""
    doubt: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    ended_by: datetime | None = None
    replaces: tuple[str, ...] = ()
    parts: tuple[tuple[tuple[tuple[str, str], ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class CodedAllergy:
    """An allergy or intolerance as it came; ``is_to_medicine`` False for food and the like."""

    system_codes: tuple[tuple[str, str], ...]
    text: str
    is_to_medicine: bool
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class ComputedScore:
    """A total that we made from items: points by item code, and the resources they came in.

    ``note`` says by which rule missing items were handled, empty when none were missing.
    """

    instrument: str
    value: Decimal
    items: tuple[tuple[str, Decimal], ...]
    at: datetime
    sources: tuple[str, ...]
    note: str = ""
    preliminary: bool = False


class NotUsed(NamedTuple):
    """Something that came in and was not used, and why; listed back, never dropped in silence."""

    reference: str
    why: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that was read about one patient, before anything is concluded."""

    facts: tuple[Fact, ...]
    conditions: tuple[CodedCondition, ...] = ()
    medicines: tuple[CodedMedicine, ...] = ()
    allergies: tuple[CodedAllergy, ...] = ()
    complete: frozenset[str] = frozenset()
    not_used: tuple[NotUsed, ...] = ()
    scores: tuple[ComputedScore, ...] = ()
