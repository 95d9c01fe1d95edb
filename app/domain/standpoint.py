"""What became of one item of the catalogue."""

from typing import NamedTuple


class Standpoint(NamedTuple):
    """Its status in this plan, and why."""

    id: str
    status: str
    reasons: tuple[str, ...]
