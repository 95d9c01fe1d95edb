"""Searches that name nobody: in a thread of their own, one after the other, and not for ever.

A search by patient or id takes microseconds and runs where it is asked. One over everybody may
walk through much; meanwhile the service goes on answering the others.
"""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

from app.domain.problem import Problem, Refused
from app.sql.searching import Statement
from app.sql.sqlite import reader

SECONDS = 5.0
STEPS = 20_000


class OpenSearches:
    """One connection, one search at a time."""

    def __init__(self, path: Path, *, seconds: float = SECONDS) -> None:
        self._path = path
        self._seconds = seconds
        self._connection: sqlite3.Connection | None = None
        self._turn = asyncio.Lock()

    async def rows(self, statement: Statement) -> list[Any]:
        """Everything found. Refused as too costly after some seconds."""
        async with self._turn:
            return await asyncio.to_thread(self._rows, statement)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, statement: Statement) -> list[Any]:
        if self._connection is None:
            self._connection = reader(self._path)
        until = time.monotonic() + self._seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        try:
            return self._connection.execute(statement.text, statement.values).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise _too_costly() from None


def _too_costly() -> Refused:
    return Refused(
        Problem(
            "This search goes through too much to be answered.",
            mend="Name a patient, an id or a criterion that fewer resources meet.",
            code="too-costly",
        )
    )
