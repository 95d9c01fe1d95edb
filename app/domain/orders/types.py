"""What a review of orders is made of: the orders, what is said of them, what could not be said."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from app.domain.facts import CodedMedicine, Fact

SystemCode = tuple[str, str]
PATIENT_VIEW = "patient-view"
ORDER_HOOKS = ("order-select", "order-sign")


class Indicator(Enum):
    """How urgent a card is (CH-33), most urgent first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class ActionKind(Enum):
    """What an action of a suggestion does (CH-47)."""

    DELETE = "delete"
    UPDATE = "update"
    CREATE = "create"


class Order(NamedTuple):
    """One draft order, read leniently: what it orders and why, as far as it says.

    ``reference`` is ``Type/id``, or its place (``draftOrders.entry[2]``) where it has no id;
    ``type`` is the R4 type (a ``MedicationOrder`` of older shapes is a ``MedicationRequest``).
    ``codings`` and ``text`` say what is ordered, ``reasons`` are the codings of each reason (of a
    Condition that a reason refers to, too), ``reason_text`` their words. ``stops`` says that the
    order ends or cancels what was taken. ``medicine`` is what a MedicationRequest orders;
    ``supply_days`` how long the supply lasts with its repeats, None where it does not say.
    """

    reference: str
    type: str
    codings: tuple[SystemCode, ...]
    text: str
    at: datetime
    reasons: tuple[tuple[SystemCode, ...], ...] = ()
    reason_text: str = ""
    status: str = "draft"
    is_selected: bool = True
    stops: bool = False
    medicine: CodedMedicine | None = None
    supply_days: Decimal | None = None


class Action(NamedTuple):
    """One action. ``what`` names a template of content (``PT-01``, ``naloxone``), "" for a delete.

    ``order`` is the reference of the order that is deleted or updated, "" for a create. ``amount``
    is the most (mg a day) that an update leaves, None where it changes no dose.
    """

    kind: ActionKind
    order: str = ""
    what: str = ""
    amount: Decimal | None = None


class Suggestion(NamedTuple):
    """Actions that go together; ``what`` keeps apart the suggestions of one card."""

    what: str
    label: str
    actions: tuple[Action, ...]
    is_recommended: bool = False


class Advice(NamedTuple):
    """What one order rule says of one order ("" : of the patient, in patient-view).

    ``summary`` is under 140 characters with its placeholders filled. ``detail`` are sentences with
    numbers and the facts they rest on. ``rules`` are the rules that hold (order rule first, then
    the safety rules behind it), ``evidence`` ids of citations, ``overrides`` override-reason codes.
    ``is_lowered`` says that something unknown lowered it to info.
    """

    rule: str
    order: str
    indicator: Indicator
    summary: str
    detail: tuple[str, ...]
    facts: tuple[Fact, ...]
    rules: tuple[str, ...]
    evidence: tuple[str, ...]
    suggestions: tuple[Suggestion, ...] = ()
    overrides: tuple[str, ...] = ()
    is_lowered: bool = False
    order_class: str = ""


class Undecided(NamedTuple):
    """A rule that could not be decided for an order, and the inputs that it lacks."""

    rule: str
    order: str
    lacks: tuple[str, ...]


class Fault(NamedTuple):
    """A rule that failed: named in the answer, never taken for "no advice".

    ``error`` is the kind of error (``IndexError``), for the log; it holds no patient data.
    """

    rule: str
    order: str
    error: str = ""


class Suppressed(NamedTuple):
    """Advice that was not shown, and why: ``snoozed``, ``capped`` or ``retired``."""

    rule: str
    order: str
    why: str


class PlanOnRecord(NamedTuple):
    """The last plan of the patient, as patient-view speaks of it; None where it says nothing."""

    decision: str
    as_of: datetime
    mechanism: str
    review_due: datetime | None


class Snooze(NamedTuple):
    """An accepted override: the rule is silent about this class of order until then."""

    rule: str
    order_class: str
    until: datetime


class Review(NamedTuple):
    """Everything that was said and not said: ``shown`` in the order in which it is shown.

    ``left_out`` are the references of orders that were not looked at: there were too many.
    """

    as_of: datetime
    hook: str
    shown: tuple[Advice, ...]
    suppressed: tuple[Suppressed, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: tuple[str, ...] = ()
