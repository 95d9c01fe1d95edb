"""One JSON line an event, on standard error; never a patient's value."""

import contextlib
import logging
import sys
import traceback
from io import TextIOBase
from pathlib import Path
from typing import TextIO, cast

import structlog

# They log every URL that is asked, by us or of us, and a search names its patient there.
ADDRESSES_IN_LOG = ("httpx", "httpcore", "uvicorn.access")
# It brings handlers of its own, which write lines that are no JSON.
SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
DEEPEST_SHOWN = 8


def places(error: BaseException) -> list[str]:
    """Where it went wrong, without the message: that may hold what a patient said."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames][-DEEPEST_SHOWN:]


class _AsOurs(logging.Handler):
    """What libraries log, as lines of ours; an exception by its kind and place alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        error = record.exc_info[1] if record.exc_info else None
        log = structlog.get_logger().bind(logger=record.name)
        if error is None:
            log.log(record.levelno, record.getMessage())
        else:
            log.log(record.levelno, "fault", kind=type(error).__name__, at=places(error))


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


def configure(level: str) -> None:
    """Set the level and the form of the log."""
    for chatty in ADDRESSES_IN_LOG:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for server in SERVERS:
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
    if not any(isinstance(handler, _AsOurs) for handler in logging.root.handlers):
        logging.root.addHandler(_AsOurs())
    logging.captureWarnings(True)  # noqa: FBT003  (it takes its switch so)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        # A cached logger would keep the level it was first used with, whatever is configured later.
        cache_logger_on_first_use=False,
    )
