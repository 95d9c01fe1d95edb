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


class _Theirs(_Line):
    """What a library logs: with its name, and an exception by its kind and place alone."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told: dict[str, Any] = {"msg": record.getMessage(), "logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told |= {"msg": "fault", "kind": type(error).__name__, "at": places(error)}
        as_it_was = {"levelname": record.levelname, "created": record.created}
        return super().format(logging.makeLogRecord({**told, **as_it_was}))


class _Handler(logging.StreamHandler[_StandardError]):
    """Ours, so that it is put on the root once."""

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__(_StandardError())
        self.setFormatter(form)


def configure(level: str) -> None:
    """Set the level and the form of the log."""
    for chatty in ADDRESSES_IN_LOG:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for server in SERVERS:
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
    if not any(isinstance(handler, _Handler) for handler in logging.root.handlers):
        logging.root.addHandler(_Handler(_Theirs()))
    logging.captureWarnings(True)  # noqa: FBT003  (it takes its switch so)
    ours = logging.getLogger(OURS)
    ours.handlers = [_Handler(_Line())]
    ours.propagate = False
    ours.setLevel(level)
