"""The medicines as they would be with an order: what it renews, what is ordered beside it.

A draft counts as taken for the other drafts, and what it renews is no second medicine
(``interventions.md`` S-35): the same request, one that it replaces, or the same ingredients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, Fact, FactValue, Record
from app.domain.medicine_list import MEDICINES, Entry, counted, of_medicines
from app.domain.medicines import what_is
from app.domain.opioid_dose import DOSE, OPIOID, opioid_dose, stands_for
from app.domain.orders.types import Order
from app.domain.period import whole_weeks

HUNDRED = Decimal(100)
MOST_WEEKS = Decimal(5200)


class Taking(NamedTuple):
    """``others`` is everything but the order and what it renews, ``after`` all with the order."""

    others: tuple[Entry, ...]
    after: tuple[Entry, ...]
    before: tuple[Entry, ...]
    renewed: tuple[Entry, ...]
    ordered: Entry | None


def entry_of(order: Order, content: Content) -> Entry | None:
    """A draft as if it were taken; None where it orders no medicine."""
    if order.medicine is None:
        return None
    medicine = replace(
        order.medicine, current=True, doubt="", source=order.reference, ended=None, ended_by=None
    )
    return Entry(medicine, what_is(medicine, content))


def taking(
    order: Order | None, ordered: Entry | None, listed: Sequence[Entry], beside: Sequence[Entry]
) -> Taking:
    """With one order, its medicine ``ordered``; ``beside`` are the other drafts."""
    before = (*listed, *beside)
    if order is None or ordered is None:
        return Taking(before, before, before, (), None)
    renewed = tuple(e for e in before if _is_renewed(e, ordered))
    others = tuple(e for e in before if e not in renewed)
    if order.stops:
        return Taking(others, others, before, renewed, ordered)
    same = {ordered.medicine.source, *ordered.medicine.replaces}
    kept = tuple(e for e in before if e.medicine.source not in same)
    return Taking(others, (*kept, ordered), before, renewed, ordered)


def _is_renewed(entry: Entry, ordered: Entry) -> bool:
    source = entry.medicine.source
    if source == ordered.medicine.source or source in ordered.medicine.replaces:
        return True
    is_same = entry.what.ingredients.keys() == ordered.what.ingredients.keys()
    return is_same and bool(ordered.what.ingredients) and entry.may_be_taken


def with_the_order(taken: Taking, record: Record, content: Content, as_of: datetime) -> list[Fact]:
    """The opioid dose and the count of medicines that act on the nerves, with the order."""
    return _figures(taken.after, record, content, as_of)


def what_changes(  # noqa: PLR0913  (all that a change depends on)
    taken: Taking,
    after: Sequence[Fact],
    record: Record,
    content: Content,
    as_of: datetime,
    *,
    stops: bool,
) -> Iterator[tuple[str, FactValue]]:
    """Whether it goes on with something taken, for how long, and how an opioid dose changes.

    ``after`` is what is known with the order (``with_the_order``).
    """
    ordered = taken.ordered
    if ordered is None:
        return
    running = [e for e in taken.renewed if e.is_taken]
    if running:
        yield "order-continues-medicine", True
    elif MEDICINES in record.complete and not _may_be_running(taken, ordered):
        yield "order-continues-medicine", False
    began = [e.medicine.began for e in running if e.medicine.began is not None]
    if began:
        yield "order-weeks-taken", at_least(whole_weeks(min(began), as_of))
    if OPIOID not in ordered.what.classes:
        return
    cut = _cut(taken, ordered)
    if cut is not None and not stops:
        yield "order-dose-cut-percent", cut
    yield "order-beside-same-opioid", any(_goes_on_beside(e, ordered) for e in running)
    rises = _rises(_dose(_figures(taken.before, record, content, as_of)), _dose(after))
    if rises is not None:
        yield "order-raises-opioid-dose", rises


def _goes_on_beside(entry: Entry, ordered: Entry) -> bool:
    """It neither ends nor is named as what the order replaces: both count (S-35)."""
    is_itself = entry.medicine.source == ordered.medicine.source
    return not is_itself and not stands_for(ordered, entry)


def at_least(weeks: int) -> Bounds:
    """A date on a list says for how long at least: an earlier prescription may not stand there."""
    return Bounds(Decimal(weeks), MOST_WEEKS)


def _may_be_running(taken: Taking, ordered: Entry) -> bool:
    """Something not understood may be the same medicine, or it is not known to be taken."""
    unclear = (e for e in taken.others if e.may_be_taken and not e.what.is_whole)
    return bool(taken.renewed) or any(unclear) or not ordered.what.is_whole


def _cut(taken: Taking, ordered: Entry) -> Decimal | None:
    """By how many per cent the daily dose falls below that of the one entry that it replaces.

    What it neither replaces nor follows goes on beside it, or does not: then nobody knows.
    """
    replaced = [
        e
        for e in taken.renewed
        if e.medicine.source == ordered.medicine.source or stands_for(ordered, e)
    ]
    new = ordered.medicine.daily_dose
    if not taken.renewed:
        return Decimal(0)
    if len(replaced) != 1 or len(taken.renewed) != 1 or new is None:
        return None
    doses = [(e.medicine.daily_dose, e.medicine.dose_unit) for e in replaced]
    old, unit = doses[0]
    if not old or unit != ordered.medicine.dose_unit:
        return None
    return max(Decimal(0), (old - new) / old * HUNDRED)


def _rises(before: Bounds | None, after: Bounds | None) -> bool | None:
    if before is None or after is None:
        return None
    if after.low > before.high:
        return True
    return False if after.high <= before.low else None


def _figures(
    listed: Sequence[Entry], record: Record, content: Content, as_of: datetime
) -> list[Fact]:
    doubts = Doubts()
    list(of_medicines(listed, content, as_of, doubts))
    is_whole = MEDICINES in record.complete and MEDICINES not in doubts.lists
    return [
        *counted(listed, content, as_of, is_whole=is_whole),
        *opioid_dose(listed, content, as_of, doubts, is_whole=is_whole),
    ]


def _dose(figures: Sequence[Fact]) -> Bounds | None:
    for fact in figures:
        if fact.input == DOSE and isinstance(fact.value, Bounds):
            return fact.value
        if fact.input == DOSE and isinstance(fact.value, Decimal):
            return Bounds(fact.value, fact.value)
    return None
