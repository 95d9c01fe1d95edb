"""One JSON line an event, on standard error; never a patient's value."""

import contextlib
import logging
import sys
from io import TextIOBase
from typing import Any

from pythonjsonlogger.json import JsonFormatter

OURS = "app"  # every module logs under its own name, so this is the parent of them all
# They log every URL that we ask, and a search names its patient there.
ADDRESSES_IN_LOG = ("httpx", "httpcore")


class _StandardError(TextIOBase):
    """Standard error as it is when a line is written; a line that cannot be stops nothing."""

    def write(self, text: str, /) -> int:
        """Best effort."""
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Best effort."""
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.flush()


class _Line(JsonFormatter):
    """The event, what was said with it (``extra``), the level in small letters, the time in UTC."""

    def __init__(self) -> None:
        super().__init__(
            ["message", "levelname"],
            rename_fields={"message": "event", "levelname": "level"},
            timestamp=True,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """As the readers of our log know it."""
        log_data["level"] = log_data["level"].lower()
        log_data["timestamp"] = log_data["timestamp"].isoformat().replace("+00:00", "Z")
        return log_data


def configure(level: str) -> None:
    """Set the level and the form of the log."""
    for chatty in ADDRESSES_IN_LOG:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    handler = logging.StreamHandler(_StandardError())
    handler.setFormatter(_Line())
    ours = logging.getLogger(OURS)
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(level)
