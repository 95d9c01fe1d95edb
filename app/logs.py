"""One JSON line an event, on standard error; never a patient's value."""

import contextlib
import logging
import sys
import traceback
from io import TextIOBase
from pathlib import Path
from typing import Any

from pythonjsonlogger.json import JsonFormatter

OURS = "app"  # every module logs under its own name, so this is the parent of them all
# They log every URL that is asked, by us or of us, and a search names its patient there.
ADDRESSES_IN_LOG = ("httpx", "httpcore", "uvicorn.access")
# It brings handlers of its own, which write lines that are no JSON.
SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
DEEPEST_SHOWN = 8
SAID = frozenset({"event", "level", "timestamp"})


def places(error: BaseException) -> list[str]:
    """Where it went wrong, without the message: that may hold what a patient said."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames][-DEEPEST_SHOWN:]


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
    """The event, what was said with it (``extra``), the level in small letters, the time in UTC.

    A line of a library names its logger; an exception is told by its kind and place alone.
    """

    def __init__(self) -> None:
        super().__init__(
            ["message", "levelname"],
            rename_fields={"message": "event", "levelname": "level"},
            timestamp=True,
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """As the readers of our log know it."""
        super().add_fields(log_data, record, message_dict)
        log_data["level"] = log_data["level"].lower()
        log_data["timestamp"] = log_data["timestamp"].isoformat().replace("+00:00", "Z")
        if record.name.partition(".")[0] != OURS:
            for more in log_data.keys() - SAID:  # of a library nobody knows what it puts there
                del log_data[more]
            log_data["logger"] = record.name
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log_data.pop("exc_info", None)
            log_data |= {"event": "fault", "kind": type(error).__name__, "at": places(error)}


def configure(level: str) -> None:
    """Set the level and the form of the log: ours, and what libraries warn of."""
    for chatty in ADDRESSES_IN_LOG:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for server in SERVERS:
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
    handler = logging.StreamHandler(_StandardError())
    handler.setFormatter(_Line())
    handler.setLevel(level)
    before = [one for one in logging.root.handlers if isinstance(one.formatter, _Line)]
    for one in before:
        logging.root.removeHandler(one)
    logging.root.addHandler(handler)
    logging.getLogger(OURS).setLevel(level)
    logging.captureWarnings(True)  # noqa: FBT003  (it takes its switch so)
