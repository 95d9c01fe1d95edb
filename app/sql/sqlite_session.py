"""Statements of ours on one connection to SQLite; none of them waits."""

import sqlite3
from collections.abc import Sequence

from app.sql.database import Row, Values


class SQLiteSession:
    """A transaction on the writer's own connection; nothing in it waits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch_one(self, sql: str, values: Values = ()) -> Row:
        """The first row, or None."""
        return self._connection.execute(sql, tuple(values)).fetchone()

    async def fetch_all(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows, at once."""
        return self._connection.execute(sql, tuple(values)).fetchall()

    async def execute(self, sql: str, values: Values = ()) -> None:
        """One statement."""
        self._connection.execute(sql, tuple(values))

    async def write_rows(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Many rows by one prepared statement."""
        marks = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  (names of our own)

    def can_keep(self, values: Values) -> bool:
        """Every text fits."""
        del values
        return True
