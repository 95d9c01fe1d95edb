"""What a total says of its subscale: a STarT Back of 3 leaves no room for a distress of 4.

A subscale that was sent counts as it stands; one from before the total is of another sitting.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.content_parts import Instrument
from app.domain.content_tables import Subscale
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, Fact
from app.domain.measured import newest

SUM = "sum"


def subscales_of(instruments: Mapping[str, Instrument]) -> tuple[Subscale, ...]:
    """Those whose items and whose whole are plain sums."""
    return tuple(
        Subscale(whole.total, part.total, _range(part.items, part), _rest(whole, part))
        for part in instruments.values()
        if part.part_of in instruments and part.scoring == SUM
        for whole in (instruments[part.part_of],)
        if whole.scoring == SUM
    )


def _rest(whole: Instrument, part: Instrument) -> tuple[int, int]:
    return _range((code for code in whole.items if code not in part.items), whole)


def _range(codes: Iterable[str], instrument: Instrument) -> tuple[int, int]:
    items = [instrument.items[code] for code in codes]
    return sum(item.low for item in items), sum(item.high for item in items)


def left_room(
    facts: Iterable[Fact], content: Content, as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    """The bounds of each subscale that was not sent on the day of the total or after it.

    One of the same day that lies outside of them stands, and is named.
    """
    told = [fact for fact in facts if fact.input in content.tables.with_subscales]
    if not told:
        return
    latest = newest(told, content, as_of)
    for scale in content.tables.subscales:
        total, part = latest.get(scale.total), latest.get(scale.part)
        number = None if total is None else _number(total)
        if total is None or number is None:
            continue
        low, high = _bounds(scale, number)
        if part is None or part.at.date() < total.at.date():
            yield total._replace(input=scale.part, value=low if low == high else Bounds(low, high))
        elif part.at.date() == total.at.date() and not _is_within(part, low, high):
            labels = content.inputs[scale.total].label, content.inputs[scale.part].label
            why = f"{labels[0]} of {number} leaves no room for {labels[1]} of {part.value}"
            doubts.tell(part.source, why)


def _is_within(part: Fact, low: Decimal, high: Decimal) -> bool:
    number = _number(part)
    return number is None or low <= number <= high


def _number(fact: Fact) -> Decimal | None:
    is_number = isinstance(fact.value, int | Decimal) and not isinstance(fact.value, bool)
    return Decimal(str(fact.value)) if is_number else None


def _bounds(scale: Subscale, total: Decimal) -> tuple[Decimal, Decimal]:
    low = max(Decimal(scale.own[0]), total - scale.rest[1])
    high = min(Decimal(scale.own[1]), total - scale.rest[0])
    return low, high
