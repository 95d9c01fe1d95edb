"""Reading a SQLite file: a few microseconds a query, so in the event loop.

What may walk through much runs in a thread of its own, one after the other, and not for ever;
meanwhile the service goes on answering the others.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

from app.sql.database import Reads, Row, Values, too_costly
from app.sql.sqlite import reader

SECONDS = 5.0
STEPS = 20_000


class SQLiteReader:
    """Two connections that cannot write: one for what is quick, one for what may be slow."""

    def __init__(self, path: Path, *, seconds: float = SECONDS) -> None:
        self._path = path
        self._seconds = seconds
        self._quick: sqlite3.Connection | None = None
        self._slow: sqlite3.Connection | None = None
        self._turn = asyncio.Lock()

    def _execute(self, sql: str, values: Values) -> sqlite3.Cursor:
        if self._quick is None:
            self._quick = reader(self._path)
        return self._quick.execute(sql, tuple(values))

    async def fetch_one(self, sql: str, values: Values = ()) -> Row:
        """The first row, or None."""
        return self._execute(sql, values).fetchone()

    async def fetch_all(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows, at once."""
        return self._execute(sql, values).fetchall()

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reads]:
        """Several questions as of one instant; nobody else may ask meanwhile."""
        await self.fetch_one("BEGIN")
        try:
            yield self
        finally:
            await self.fetch_one("COMMIT")

    async def fetch_slowly(self, sql: str, values: Values = ()) -> list[Row]:
        """Everything found. Refused as too costly after some seconds."""
        async with self._turn:
            return await asyncio.to_thread(self._rows, sql, values)

    async def close(self) -> None:
        """Give the connections back."""
        for connection in (self._quick, self._slow):
            if connection is not None:
                connection.close()
        self._quick = self._slow = None

    def _rows(self, sql: str, values: Values) -> list[Row]:
        if self._slow is None:
            self._slow = reader(self._path)
        until = time.monotonic() + self._seconds
        self._slow.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        try:
            return self._slow.execute(sql, tuple(values)).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise too_costly() from None
