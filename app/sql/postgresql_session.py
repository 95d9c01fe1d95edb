"""Statements of ours on one connection to PostgreSQL, rows by COPY."""

from collections.abc import Sequence

from app.sql.database import Row, Values
from app.sql.postgresql import Connection, spoken


class PostgreSQLSession:
    """A transaction of the writer's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch_one(self, sql: str, values: Values = ()) -> Row:
        """The first row, or None."""
        return await self._connection.fetchrow(spoken(sql), *values)

    async def fetch_all(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows, at once."""
        return await self._connection.fetch(spoken(sql), *values)

    async def execute(self, sql: str, values: Values = ()) -> None:
        """One statement."""
        await self._connection.execute(spoken(sql), *values)

    async def write_rows(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """COPY."""
        await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    def can_keep(self, values: Values) -> bool:
        """Text holds no U+0000."""
        return not any(type(value) is str and "\0" in value for value in values)
