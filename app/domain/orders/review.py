"""Review orders before they are signed, or a patient who is opened: one pure function.

Each order rule is worked out on its own, so that a fault in one silences no other: it is named,
and never looks like "no advice" (contract §5).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.domain.content import Content
from app.domain.facts import Record
from app.domain.orders.cards import said_of
from app.domain.orders.discipline import disciplined
from app.domain.orders.knowledge import CardRule
from app.domain.orders.setting import Setting, setting
from app.domain.orders.situation import Situation, situation
from app.domain.orders.types import (
    PATIENT_VIEW,
    Advice,
    Fault,
    Order,
    PlanOnRecord,
    Review,
    Snooze,
    Undecided,
)

VOID = frozenset({"entered-in-error", "cancelled", "revoked", "stopped", "completed"})
SELECT = "order-select"


def review(  # noqa: PLR0913  (all that a review depends on)
    orders: Sequence[Order],
    record: Record,
    content: Content,
    *,
    hook: str,
    as_of: datetime,
    guideline_profile: str,
    plan: PlanOnRecord | None = None,
    snoozes: Sequence[Snooze] = (),
) -> Review:
    """Say what speaks against the orders, what cannot be checked, and what was not said.

    ``hook`` is ``patient-view``, ``order-select`` (advises on the selected drafts, the others
    count beside them) or ``order-sign``. No clock, no identifiers, no I/O.
    """
    live = tuple(o for o in orders if o.stops or o.status not in VOID)
    cards = [card for card in content.orders.cards if hook in card.hooks]
    try:
        about = setting(
            live, record, content, as_of=as_of, guideline_profile=guideline_profile, plan=plan
        )
    except Exception as error:  # noqa: BLE001  (named for each rule, like any fault below)
        kind = type(error).__name__
        references = [order.reference for order in live] or [""]
        faults = tuple(Fault(card.id, one, kind) for one in references for card in cards)
        return Review(as_of, hook, (), faults=faults)
    outcomes = list(_outcomes(_advised(about, hook), about, cards))
    shown, suppressed = disciplined(
        (o for o in outcomes if isinstance(o, Advice)),
        {card.id: card for card in cards},
        hook=hook,
        as_of=as_of,
        snoozes=snoozes,
    )
    return Review(
        as_of=as_of,
        hook=hook,
        shown=shown,
        suppressed=suppressed,
        undecided=tuple(o for o in outcomes if isinstance(o, Undecided)),
        faults=tuple(o for o in outcomes if isinstance(o, Fault)),
        left_out=about.left_out,
    )


def _outcomes(
    orders: Sequence[Order | None], about: Setting, cards: Sequence[CardRule]
) -> Iterator[Advice | Undecided | Fault]:
    told: set[str] = set()
    for order in orders:
        here = _situation(order, about)
        for card in cards:
            if card.id in told:
                continue
            outcome = _outcome(card, order, here)
            if outcome is None:
                continue
            if card.once and isinstance(outcome, Advice):
                told.add(card.id)
            yield outcome


def _advised(about: Setting, hook: str) -> Sequence[Order | None]:
    if hook == PATIENT_VIEW:
        return (None,)
    orders = [order for order, _ in about.drafts]
    return [o for o in orders if o.is_selected] if hook == SELECT else orders


def _situation(order: Order | None, about: Setting) -> Situation | str:
    """The kind of error where the facts cannot be worked out: then every rule is at fault."""
    try:
        return situation(order, about)
    except Exception as error:  # noqa: BLE001  (named for each rule of this order)
        return type(error).__name__


def _outcome(
    card: CardRule, order: Order | None, here: Situation | str
) -> Advice | Undecided | Fault | None:
    reference = "" if order is None else order.reference
    if isinstance(here, str):
        return Fault(card.id, reference, here)
    try:
        return said_of(card, here)
    except Exception as error:  # noqa: BLE001  (named in the answer; the other rules still speak)
        return Fault(card.id, reference, type(error).__name__)
