"""The journal's transactions on PostgreSQL: one chain, whatever the number of processes.

READ COMMITTED, and the head is locked by a statement of its own: each later one sees all that the
holder before has committed.
"""

import contextlib
import math
from collections.abc import Sequence

import asyncpg

from app.domain.history import WriteSet
from app.domain.problem import NotUnderstood, Problem, Unavailable
from app.sql.batch import HEAD, Batch, write_batch
from app.sql.database import DatabaseFailed, Outcome, Uncertain
from app.sql.postgresql import GONE, Connection, connect, require_durable
from app.sql.postgresql_session import PostgreSQLSession
from app.sql.purging import purge

PURGE_EVERY = 3600.0
TRIES = 2
LOCK_HEAD = f"{HEAD} FOR UPDATE"
BLOCK = "SELECT 1 FROM block WHERE hash = $1"
UNFIT = (asyncpg.DataError, asyncpg.exceptions.ProgramLimitExceededError)
MAY_BE_STORED = "the connection to the database was lost in the commit"


class PostgreSQLStore:
    """One connection of this process that writes; a new one when it was cut."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._known_content: set[str] = set()
        self._purged = -math.inf  # long ago, whatever the monotonic clock counts from

    async def open(self) -> None:
        """Connect. Unavailable when there is no database or it does not keep what it says."""
        connection = await self._connected()
        rows = await connection.fetch("SELECT digest FROM content_version")
        self._known_content = {row["digest"] for row in rows}

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with contextlib.suppress(*GONE):
                await self._connection.close(timeout=1)
        self._connection = None

    def obstacle(self) -> str:
        """Nothing is known before it is tried; what failed last is told by the journal."""
        return ""

    async def commit(self, sets: Sequence[WriteSet]) -> list[Outcome]:
        """What was cut off before its COMMIT is tried once more on a new connection."""
        for left in reversed(range(TRIES)):
            try:
                return await self._commit(sets)
            except (*GONE, Unavailable) as error:
                self._drop()
                if not left:
                    raise DatabaseFailed(type(error).__name__) from error
            except UNFIT as error:
                await self._roll_back()
                return await self._each_alone(sets, error)
            except asyncpg.PostgresError as error:
                await self._roll_back()
                raise DatabaseFailed(type(error).__name__) from error
            except BaseException:
                self._drop()
                raise
        raise DatabaseFailed("no try was left")

    async def _each_alone(self, sets: Sequence[WriteSet], error: Exception) -> list[Outcome]:
        """Some value does not fit into its column or index: its set fails alone."""
        if len(sets) == 1:
            what = f"A value cannot be kept ({type(error).__name__})."
            return [NotUnderstood(Problem(what, code="value"))]
        return [(await self.commit([one]))[0] for one in sets]

    async def _commit(self, sets: Sequence[WriteSet]) -> list[Outcome]:
        connection = await self._connected()
        await connection.execute("BEGIN")
        head = await connection.fetchrow(LOCK_HEAD)
        batch = await write_batch(PostgreSQLSession(connection), head, sets, self._known_content)
        try:
            await connection.execute("COMMIT")
        except GONE:
            self._drop()
            if not await self._was_written(batch):
                raise  # before anything is decided again, it is known that nothing was written
        self._known_content |= batch.content
        return batch.outcomes

    async def _was_written(self, batch: Batch) -> bool:
        """Whether the block is there. Whoever holds the head has ended once it can be locked."""
        if batch.block is None:
            return True
        try:
            connection = await self._connected()
            async with connection.transaction():
                await connection.fetchrow(LOCK_HEAD)
                return await connection.fetchval(BLOCK, batch.block) is not None
        except (*GONE, asyncpg.PostgresError, Unavailable) as error:
            self._drop()
            raise Uncertain(MAY_BE_STORED) from error

    async def tidy(self, now: float) -> None:
        """Forget promises a day old and tokens that have expired."""
        if now - self._purged < PURGE_EVERY:
            return
        self._purged = now
        try:
            await purge(PostgreSQLSession(await self._connected()))
        except (*GONE, asyncpg.PostgresError, Unavailable) as error:
            self._drop()
            raise DatabaseFailed(type(error).__name__) from error

    async def _connected(self) -> Connection:
        """The connection, asked at its start whether it keeps what it acknowledges."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url)
            await require_durable(self._connection)
        return self._connection

    async def _roll_back(self) -> None:
        """After a refusal the connection is as good as before."""
        try:
            if self._connection is not None:
                await self._connection.execute("ROLLBACK")
        except (*GONE, asyncpg.PostgresError):
            self._drop()

    def _drop(self) -> None:
        """Whatever state it is in: the server rolls back what was open."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
