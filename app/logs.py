"""One JSON line an event, on standard error; never a patient's value."""

import contextlib
import logging
import sys
from io import TextIOBase
from typing import TextIO, cast

import structlog

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


def configure(level: str) -> None:
    """Set the level and the form of the log."""
    for chatty in ADDRESSES_IN_LOG:
        logging.getLogger(chatty).setLevel(logging.WARNING)
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
