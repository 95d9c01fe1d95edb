"""What became of a card: accepted, or overridden for a reason (CH-55)."""

from datetime import datetime
from typing import NamedTuple


class Reason(NamedTuple):
    """The override reason that was chosen; ``system`` is empty where none was sent."""

    system: str
    code: str


class Feedback(NamedTuple):
    """One entry: ``card`` is the card's uuid, ``suggestions`` those that were accepted."""

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason: Reason | None = None
    comment: str = ""
