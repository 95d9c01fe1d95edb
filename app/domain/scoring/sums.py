"""The arithmetic of questionnaires: sums, means, percentages, and what is known of partial ones.

A missing item makes a total unknown; the bounds that it must lie in stay known
(``phenotyping.md`` §3, general rule).
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from app.domain.content_parts import Instrument
from app.domain.facts import Bounds
from app.domain.scoring.score import Score, checked, range_of_missing

TENTH = Decimal("0.1")
HUNDRED = 100


def summed(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """The sum of all items; with items missing the bounds of the sum."""
    known = checked(items, instrument)
    expected = len(instrument.items)
    if not known:
        return Score(None, 0, expected)
    total = sum(known.values(), Decimal(0))
    missing = expected - len(known)
    if not missing:
        return Score(total, expected, expected)
    least, most = range_of_missing(known, instrument)
    bounds = Bounds(total + least, total + most)
    return Score(bounds, len(known), expected, f"{missing} items missing: bounds only")


def prorated(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """With few items missing (``instrument.prorate``) the mean of the others stands for them.

    Rounded half up to a whole number. The total only: no item is ever made up.
    """
    known = checked(items, instrument)
    expected = len(instrument.items)
    missing = expected - len(known)
    if not known or not 0 < missing <= instrument.prorate:
        return summed(items, instrument)
    total = sum(known.values(), Decimal(0)) * expected / len(known)
    rounded = total.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Score(rounded, len(known), expected, f"{missing} items missing: prorated")


def mean(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """The mean to one decimal, half up: of all items, or of at least ``instrument.needs``.

    With fewer answers the bounds of the mean of all items.
    """
    total = summed(items, instrument)
    expected = len(instrument.items)
    match total.value:
        case None:
            return total
        case Bounds(low, high):
            if not 0 < instrument.needs <= total.answered:
                bounds = Bounds(low / expected, high / expected)
                return Score(bounds, total.answered, expected, total.note)
            known = sum(checked(items, instrument).values(), Decimal(0))
            note = f"{expected - total.answered} items missing: mean of those answered"
            return Score(_tenths(known / total.answered), total.answered, expected, note)
        case value:
            return Score(_tenths(value / expected), expected, expected)


def _tenths(number: Decimal) -> Decimal:
    return number.quantize(TENTH, rounding=ROUND_HALF_UP)


def percentage(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """ODI: the sum as a percentage of the most that the answered sections allow."""
    known = checked(items, instrument)
    expected = len(instrument.items)
    if not known:
        return Score(None, 0, expected)
    most = sum(instrument.items[code].high for code in known)
    share = sum(known.values(), Decimal(0)) * HUNDRED / most
    missing = expected - len(known)
    note = f"{missing} sections missing: percentage of those answered" if missing else ""
    return Score(share.quantize(Decimal(1), rounding=ROUND_HALF_UP), len(known), expected, note)
