"""What a derivation leaves in the database: rows, bodies, their bytes, and bytes of disk."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.sql.tables import METADATA

# The names are those of our own tables.
ROWS = " + ".join(f"(SELECT count(*) FROM {name})" for name in METADATA.tables)  # noqa: S608
DERIVATIONS = "SELECT count(*) FROM decision"
BODIES = "SELECT count(body), sum(length(body)) FROM resource_version"
TRACES = "SELECT sum(length(trace)) FROM decision"
SIZE = "SELECT pg_database_size(current_database())"
Ask = Callable[[str], list[Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """For each derivation. ``held`` are the bytes of bodies and trace, ``disk`` those of all."""

    rows: float
    bodies: float
    held: float
    disk: float


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database as it was before anything was derived."""

    ask: Ask
    size: Callable[[], float]
    rows: float
    disk: float

    @classmethod
    def of_file(cls, path: Path) -> "Database":
        """A SQLite file; its size is looked at after a checkpoint."""

        def ask(sql: str) -> list[Any]:
            with closing(sqlite3.connect(path)) as connection:
                return connection.execute(sql).fetchall()

        def size() -> float:
            ask("PRAGMA wal_checkpoint(TRUNCATE)")
            return float(path.stat().st_size)

        return cls(ask, size, _rows(ask), size())

    @classmethod
    def of_postgres(cls, ask: Ask) -> "Database":
        """``ask`` gives the rows of a statement."""

        def size() -> float:
            ask("CHECKPOINT")
            return float(ask(SIZE)[0][0])

        return cls(ask, size, _rows(ask), size())

    def stored(self) -> Stored:
        """What each derivation since then has left; nothing else may have been written."""
        ((count,),) = self.ask(DERIVATIONS)
        ((bodies, length),) = self.ask(BODIES)
        ((traces,),) = self.ask(TRACES)
        return Stored(
            rows=(_rows(self.ask) - self.rows) / count,
            bodies=bodies / count,
            held=float(length + traces) / count,
            disk=(self.size() - self.disk) / count,
        )


def _rows(ask: Ask) -> float:
    return float(ask(f"SELECT {ROWS}")[0][0])
