"""What a safety rule says of an activity."""

from enum import Enum
from typing import NamedTuple


class SafetyResult(Enum):
    """Worst first."""

    BLOCK = "block"
    UNKNOWN = "unknown"
    ADJUST = "adjust"
    CAUTION = "caution"
    INFO = "info"
    PASS = "pass"  # noqa: S105  (a result, no password)


class SafetyFinding(NamedTuple):
    """What one safety rule (``S-10``) says of one activity ("" : of the person as a whole).

    ``rules`` are those that made the result: true for a result that holds, open for unknown.
    """

    safety: str
    activity: str
    result: SafetyResult
    rules: tuple[str, ...] = ()
