"""The port to the database: what SQLite and PostgreSQL both do, in SQL that both understand.

SQL is written once, with ``?`` for a value. Rows are read by the names of their columns.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from app.domain.history import Committed, WriteSet
from app.domain.problem import Problem, Refused, Unavailable

# A row of sqlite3 and a record of asyncpg have no type in common but are read in one way.
Row = Any
Values = Sequence[object]
Outcome = Committed | Exception
T = TypeVar("T")
POSTGRESQL = frozenset({"postgresql", "postgres"})


class Reads(Protocol):
    """Asking."""

    async def fetch_one(self, sql: str, values: Values = ()) -> Row:
        """The first row, or None."""
        ...

    async def fetch_all(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows, at once."""
        ...


class Session(Reads, Protocol):
    """One transaction that writes."""

    async def execute(self, sql: str, values: Values = ()) -> None:
        """One statement that answers nothing."""
        ...

    async def write_rows(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Many new rows: COPY on PostgreSQL."""
        ...

    def can_keep(self, values: Values) -> bool:
        """Whether these values fit into columns: PostgreSQL's text holds no U+0000."""
        ...


class Reader(Reads, Protocol):
    """A database that is only read, several requests at a time."""

    async def fetch_slowly(self, sql: str, values: Values = ()) -> list[Row]:
        """What may walk through much: beside the others, Refused after some seconds."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Reads]:
        """Several questions as of one instant."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


class Store(Protocol):
    """Where the journal writes: one transaction a batch, durable when ``commit`` returns."""

    async def open(self) -> None:
        """Take what writing needs. Unavailable tells why not."""
        ...

    async def close(self) -> None:
        """Give it back."""
        ...

    async def commit(self, sets: Sequence[WriteSet]) -> list[Outcome]:
        """One outcome a set. DatabaseFailed: none was written; Uncertain: nobody knows."""
        ...

    async def tidy(self, now: float) -> None:
        """Between batches, whatever is due at this monotonic time."""
        ...

    def obstacle(self) -> str:
        """What speaks against writing before anything is tried; empty when nothing does."""
        ...


class DatabaseFailed(Exception):  # noqa: N818  (said as it is told: the database failed)
    """The database refused or is gone, and nothing was written."""


class Uncertain(DatabaseFailed):
    """The connection went away in the COMMIT, and whether it was written cannot be found out."""


@dataclass(slots=True)
class Statement:
    """SQL in the making, with its values in their order."""

    sql: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, sql: str, *values: object) -> None:
        """Append a piece with the values that it takes."""
        self.sql.append(sql)
        self.values.extend(values)

    @property
    def text(self) -> str:
        """The whole statement."""
        return " ".join(self.sql)


class Address(NamedTuple):
    """The parts of a database's URL that we read ourselves; ``database`` is a name or a file."""

    scheme: str
    server: str
    database: str
    query: str


def parsed(url: str) -> Address:
    """The address of a database. Unavailable for what names none that we can use."""
    try:
        found = urlsplit(url)
        _ = found.port  # ValueError where it is no number
    except ValueError:
        raise no_database() from None
    if found.scheme not in POSTGRESQL | {"sqlite"} or "://" not in url or found.fragment:
        raise no_database()
    return Address(found.scheme, found.netloc, found.path.removeprefix("/"), found.query)


def is_postgresql(url: str) -> bool:
    """Whether it names a PostgreSQL; else it is SQLite."""
    return parsed(url).scheme in POSTGRESQL


def no_database() -> Unavailable:
    """PAINPLAN_DATABASE_URL is of no use."""
    return Unavailable(
        Problem(
            "PAINPLAN_DATABASE_URL names neither a SQLite file nor a PostgreSQL database.",
            mend="Set it to sqlite:///painplan.db or postgresql://user@host/painplan, say.",
            code="not-supported",
        )
    )


def too_costly() -> Refused:
    """A search that would take too long."""
    return Refused(
        Problem(
            "This search goes through too much to be answered.",
            mend="Name a patient, an id, a date, or a criterion that fewer resources meet.",
            code="too-costly",
        )
    )


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits for anything outside: all of SQLite."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("it waits for something outside")


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The same for any database, in a loop of its own: for commands, and wherever none waits."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, work).result()
