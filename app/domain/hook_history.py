"""What is kept of hooks: the call, each card that was shown, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class HookCallRecord(NamedTuple):
    """One call with everything that its cards were made from; ``id`` is that of its decision.

    All ``bytes`` are JSON. ``context`` as sent; ``orders`` as read; ``facts`` the record with the
    digest of each resource behind it; ``asked`` what was looked up, by key; ``snoozes`` in force;
    ``cards`` the answer as sent. ``latency_ms`` runs from the first byte to the write.
    """

    id: str
    instance: str
    service: str
    hook: str
    patient: str
    user: str
    called_at: datetime
    latency_ms: int
    context: bytes
    orders: bytes
    facts: bytes
    asked: bytes
    snoozes: bytes
    cards: bytes


class HookCardRecord(NamedTuple):
    """One card of a call; a repeated call shows the same ``id`` again."""

    call: str
    id: str
    service: str
    patient: str
    rule: str
    order: str
    order_class: str
    indicator: str
    overrides: bytes
    shown_at: datetime


class FeedbackRecord(NamedTuple):
    """What was done about a card (CH-55). ``call`` is None for a card that we do not know.

    ``said`` is JSON: reason, comment and accepted suggestions, as sent. ``snoozes`` tells that it
    is an override for one of the reasons that the card offered.
    """

    id: str
    card: str
    service: str
    call: str | None
    rule: str | None
    order_class: str | None
    patient: str | None
    outcome: str
    reason_system: str | None
    reason_code: str | None
    snoozes: int
    outcome_at: datetime
    received_at: datetime
    said: bytes


@dataclass(frozen=True, slots=True)
class ShownCount:
    """How often a rule spoke in a month (``2026-11``)."""

    rule: str
    month: str
    count: int


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many cards of a rule and month had an outcome, by reason (``system|code`` or "")."""

    rule: str
    month: str
    outcome: str
    reason: str
    count: int


class AcceptedOverride(NamedTuple):
    """An override for an offered reason: the rule is silent for a while about that class."""

    rule: str
    order_class: str
    at: datetime
