"""What a scoring function takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domain.content import Instrument
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
    for item, value in items.items():
        if not instrument.item_low <= value <= instrument.item_high:
            message = (
                f"{item} is {value}; {instrument.label} allows "
                f"{instrument.item_low} to {instrument.item_high}"
            )
            raise ValueError(message)
    return {item: items[item] for item in instrument.items if item in items}
