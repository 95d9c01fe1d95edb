"""Scores that are no sums: days times minutes, and painful regions of the body."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import prod

from app.domain.content_parts import Instrument
from app.domain.facts import Bounds
from app.domain.scoring.score import Score, checked


def product(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """Exercise Vital Sign: days a week times minutes a day.

    No day of exercise makes 0 minutes, whether or not the minutes were asked.
    """
    known = checked(items, instrument)
    expected = len(instrument.items)
    if not known:
        return Score(None, 0, expected)
    parts = instrument.items.values()
    low = prod(known.get(item.code, Decimal(item.low)) for item in parts)
    high = prod(known.get(item.code, Decimal(item.high)) for item in parts)
    missing = expected - len(known)
    if low == high:
        note = f"{missing} items missing: they change nothing" if missing else ""
        return Score(Decimal(low), len(known), expected, note)
    note = f"{missing} items missing: bounds only"
    return Score(Bounds(Decimal(low), Decimal(high)), len(known), expected, note)


def regions(items: Mapping[str, Decimal], instrument: Instrument) -> Score:
    """How many of the regions hold a painful area (2016 fibromyalgia criteria).

    A region with no painful area counts as free of pain only when every area of it was answered.
    """
    known = checked(items, instrument)
    expected = len(instrument.items)
    if not known:
        return Score(None, 0, expected)
    painful = sum(_is_painful(areas, known) for areas in instrument.regions)
    still_open = sum(_is_open(areas, known) for areas in instrument.regions)
    missing = expected - len(known)
    if not still_open:
        note = f"{missing} items missing: they change nothing" if missing else ""
        return Score(Decimal(painful), len(known), expected, note)
    bounds = Bounds(Decimal(painful), Decimal(painful + still_open))
    return Score(bounds, len(known), expected, f"{missing} items missing: bounds only")


def _is_painful(areas: Sequence[str], known: Mapping[str, Decimal]) -> bool:
    return any(known.get(area, 0) > 0 for area in areas)


def _is_open(areas: Sequence[str], known: Mapping[str, Decimal]) -> bool:
    return not _is_painful(areas, known) and any(area not in known for area in areas)
