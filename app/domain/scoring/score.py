"""What a scoring function takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domain.content_parts import Instrument
from app.domain.facts import Bounds


@dataclass(frozen=True, slots=True)
class Score:
    """A total, the bounds it must lie in when items are missing, or None when nothing is known.

    ``note`` says by which rule missing items were handled, empty when none were missing.
    """

    value: Decimal | Bounds | None
    answered: int
    expected: int
    note: str = ""


Scoring = Callable[[Mapping[str, Decimal], Instrument], Score]


def checked(items: Mapping[str, Decimal], instrument: Instrument) -> dict[str, Decimal]:
    """The instrument's own items, in range; ValueError names the item and the range."""
    known: dict[str, Decimal] = {}
    for code, item in instrument.items.items():
        if code not in items:
            continue
        if not item.low <= items[code] <= item.high:
            message = (
                f"{code} is {items[code]}; {instrument.label} allows {item.low} to {item.high}"
            )
            raise ValueError(message)
        known[code] = items[code]
    return known


def range_of_missing(known: Mapping[str, Decimal], instrument: Instrument) -> tuple[int, int]:
    """The fewest and the most points that the items not answered may hold together."""
    missing = [item for code, item in instrument.items.items() if code not in known]
    return sum(item.low for item in missing), sum(item.high for item in missing)
