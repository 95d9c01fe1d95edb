"""What the content knows of orders, compiled: how they are recognised, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.orders.types import ActionKind, Indicator

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OrderName:
    """Words that name an order where all of them stand in its text and none of ``unless`` does."""

    said: frozenset[str]
    unless: frozenset[str]
    acts_as: str


@dataclass(frozen=True, slots=True)
class ReasonName:
    """Words that name low back pain as a reason; the first of them is the one that is denied.

    ``unless`` are words that deny it where one stands shortly before ("no low back pain").
    """

    said: tuple[str, ...]
    unless: frozenset[str]


@dataclass(frozen=True, slots=True)
class Template:
    """A resource that an action creates, or changes an order into: of which type, coded how.

    ``displays`` are the words of codes.csv, one for each of ``codings``.
    ``due_in_days`` None where no date belongs to it; ``priority`` is a FHIR request priority;
    ``supply_days`` is how long the supply of a medicine shall last, None where it is not changed.
    ``limit_of`` names the input (a daily dose) that the change brings down to the lowest limit that
    it exceeds.
    """

    what: str
    type: str
    label: str
    codings: tuple[Pair, ...] = ()
    activity: str = ""
    priority: str = ""
    due_in_days: int | None = None
    supply_days: int | None = None
    limit_of: str = ""
    displays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """A suggestion of content: its actions, and when it is offered.

    ``when`` is the slot of a rule that has to hold; ``needs`` an activity that has to be possible:
    neither refused nor begun already, no red flag against it, every safety rule passed on known
    data, and no stance against it.
    """

    what: str
    label: str
    actions: tuple[tuple[ActionKind, str], ...]
    when: int | None = None
    needs: str = ""
    is_recommended: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """One thing that a card may say, while its rule holds.

    With an ``activity`` the safety rules of the plan decide, too: one of the numbers in ``safety``
    has to come to ``result`` (``block``, ``caution``, ``adjust``, ``unknown``). ``notes`` are rules
    that are told beside it where they hold.
    """

    rule: str
    indicator: Indicator
    summary: str
    suggestions: tuple[Remedy, ...] = ()
    activity: str = ""
    safety: frozenset[str] = frozenset()
    result: frozenset[str] = frozenset()
    is_lowered: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardRule:
    """An order rule (``CDS-IMG-01``): on which hooks, and its wordings, of which the first counts.

    ``priority`` orders cards of one urgency, smallest first. ``once`` tells of the patient, so
    that it is said of the first order only.
    """

    id: str
    label: str
    hooks: frozenset[str]
    order_class: str
    priority: int
    evidence: tuple[str, ...]
    overrides: tuple[str, ...]
    wordings: tuple[Wording, ...]
    once: bool = False
    is_retired: bool = False


@dataclass(frozen=True, slots=True)
class OrderKnowledge:
    """Everything about orders. ``kinds`` are the inputs that say what an order is.

    ``classes`` are those that mirror a class of medicines, by the class, ``ingredients`` those that
    name a single one, by its name; ``parts`` say of which
    kind another is a part (a modality of imaging): open while only the whole is known.
    ``names`` tell a kind, ``forms`` how a medicine is released, ``reasons`` low back pain;
    ``value_sets`` are the names of the deployer's value sets, by the kind that they tell.
    ``ordered_as`` are the resources that a kind comes as, ``not_coded_in`` the code systems without
    a code for it, ``others`` the codes that are known to name something else.
    """

    cards: tuple[CardRule, ...] = ()
    templates: Mapping[str, Template] = field(default_factory=dict)
    codes: Mapping[Pair, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[OrderName, ...] = ()
    forms: tuple[OrderName, ...] = ()
    reasons: tuple[ReasonName, ...] = ()
    kinds: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    ingredients: Mapping[str, str] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)
    ordered_as: Mapping[str, frozenset[str]] = field(default_factory=dict)
    not_coded_in: Mapping[str, frozenset[str]] = field(default_factory=dict)
    others: frozenset[Pair] = frozenset()
