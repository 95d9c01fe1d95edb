"""Reading a PostgreSQL through a pool of connections, each query once more if its line was cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias, TypeVar

import asyncpg

from app.sql.database import Reads, Row, Values, too_costly
from app.sql.postgresql import (
    ANSWERS_WITHIN,
    CONNECTS_WITHIN,
    GONE,
    SETTINGS,
    UNKEEPABLE,
    Connection,
    address,
    spoken,
    unkeepable,
    unreachable,
)
from app.sql.postgresql_session import PostgreSQLSession

T = TypeVar("T")
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
CONNECTIONS = 8
SLOW_AT_ONCE = 2
SECONDS = 5.0
READ_ONLY = {**SETTINGS, "default_transaction_read_only": "on"}


async def _as_it_is(connection: object) -> None:
    """Between two users nothing is left behind that a reset would have to clear."""
    del connection


class PostgreSQLReader:
    """A pool that is made at the first question, in the loop that asks it."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        self._address = address(url)
        self._seconds = seconds
        self._pool: Pool | None = None
        self._making = asyncio.Lock()
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)

    async def fetch_one(self, sql: str, values: Values = ()) -> Row:
        """The first row, or None."""
        return await self._asked(lambda c: c.fetchrow(spoken(sql), *values))

    async def fetch_all(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows, at once."""
        return await self._asked(lambda c: c.fetch(spoken(sql), *values))

    async def fetch_slowly(self, sql: str, values: Values = ()) -> list[Row]:
        """Everything found. Refused as too costly after some seconds."""
        async with self._slow:
            return await self._asked(lambda c: self._bounded(c, sql, values))

    async def _bounded(self, connection: Connection, sql: str, values: Values) -> list[Row]:
        try:
            return await connection.fetch(spoken(sql), *values, timeout=self._seconds)
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise too_costly() from None

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reads]:
        """Several questions as of one instant."""
        pool = await self._ready()
        try:
            async with (
                pool.acquire(timeout=CONNECTS_WITHIN) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield PostgreSQLSession(connection)  # type: ignore[arg-type]  # it has all of it
        except GONE as error:
            raise unreachable(error) from None

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _ready(self) -> Pool:
        async with self._making:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._address,
                    min_size=0,  # none is restored behind our back, with a stack trace in the log
                    max_size=CONNECTIONS,
                    reset=_as_it_is,
                    timeout=CONNECTS_WITHIN,
                    command_timeout=ANSWERS_WITHIN,
                    server_settings=READ_ONLY,
                )
            return self._pool

    async def _asked(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        """A question may be asked twice: it changes nothing."""
        try:
            return await self._once(ask)
        except UNKEEPABLE:
            raise unkeepable() from None
        except GONE:
            pass
        try:
            return await self._once(ask)
        except GONE as error:
            raise unreachable(error) from None

    async def _once(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        pool = self._pool or await self._ready()
        async with pool.acquire(timeout=CONNECTS_WITHIN) as connection:
            return await ask(connection)  # type: ignore[arg-type]  # the pool's proxy has all of it
