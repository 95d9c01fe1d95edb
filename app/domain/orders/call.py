"""One call of a hook as it was read: who, which drafts, and what the EHR had looked up already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.facts import NotUsed
from app.domain.orders.ehr import Looked
from app.domain.orders.types import Fault
from app.domain.submission import Received


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry of ``draftOrders``. ``parsed`` is opaque to everything but ``app/fhir``.

    ``reference`` is ``Type/id`` with the type that was sent, or its place where it has no id.
    ``full_url`` is that of the entry, by which other drafts may refer to it.
    """

    reference: str
    parsed: object = field(repr=False, compare=False)
    is_selected: bool = True
    full_url: str = ""


class Part(NamedTuple):
    """What is known under one prefetch key, and from where (``prefetch`` or ``ehr``).

    ``ALL`` with nothing in it means: looked, and nothing found. ``not_used`` are entries that
    could not be read; such a part is never ``ALL``.
    """

    state: Looked
    resources: tuple[Received, ...] = ()
    not_used: tuple[NotUsed, ...] = ()
    why: str = ""
    origin: str = "prefetch"

    @property
    def is_answered(self) -> bool:
        """Whether anybody looked and came back with something, be it "nothing there"."""
        return self.state in (Looked.ALL, Looked.SOME)


@dataclass(frozen=True, slots=True)
class HookCall:
    """A request to one of our services, before anything was fetched or decided.

    ``patient`` is a logical id. ``context`` are the bytes of the context as sent; tokens are not
    in it. ``parts`` has every prefetch key of the service. ``server`` is empty where no FHIR
    server was named; ``token`` is for asking it and goes nowhere else (CH-24).
    """

    service: str
    hook: str
    instance: str
    patient: str
    user: str
    encounter: str
    context: bytes = field(repr=False)
    drafts: tuple[Draft, ...]
    parts: Mapping[str, Part]
    server: str = ""
    token: str = field(default="", repr=False)


class Unread(NamedTuple):
    """A draft that nothing could be said about, and why: named in the answer."""

    order: str
    why: str


class CardFrame(NamedTuple):
    """What surrounds the cards of one call: the same frame and review give the same bytes.

    ``unread`` are drafts, ``gaps`` are (key, state, why) of what nobody could look up. ``plan`` is
    the decision behind the plan on record, ``activities`` are what that plan asks for.
    """

    tenant: str
    decision: str
    instance: str
    patient: str
    user: str
    encounter: str
    as_of: str
    public_url: str
    unread: tuple[Unread, ...] = ()
    gaps: tuple[tuple[str, str, str], ...] = ()
    plan: str = ""
    activities: tuple[str, ...] = ()


class WrittenCard(NamedTuple):
    """A card as it was sent: what feedback about it is kept against."""

    uuid: str
    rule: str
    order: str
    order_class: str
    indicator: str
    overrides: tuple[tuple[str, str], ...]


class WrittenAnswer(NamedTuple):
    """The body of an answer, its cards, and the rules that failed on the way to it."""

    body: bytes
    cards: tuple[WrittenCard, ...]
    faults: tuple[Fault, ...] = ()
