"""Before the service starts: the schema it knows, and search values of its own making.

A SQLite file is the service's own, so it brings it up to date. On a PostgreSQL other services may
be at work: there ``painplan migrate`` does that, when the operator says so.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.problem import Problem, Unavailable
from app.sql.database import finished, is_postgresql
from app.sql.databases import reader_of
from app.sql.reindex import Extraction, reindex
from app.sql.schema import schema_obstacle
from app.sql.sqlite import WriterLock, path_of


def prepare_database(url: str, extraction: Extraction) -> None:
    """Unavailable tells what an operator has to do first."""
    with alone(url):
        if is_postgresql(url):
            finished(_require_schema(url))
        else:
            _bring_up_to_date(url)
        reindex(url, extraction, only_if_needed=True)


def _bring_up_to_date(url: str) -> None:
    """Alembic is loaded only where there is something to migrate: it costs a start dearly."""
    if path_of(url).is_file() and _is_up_to_date(url):
        return
    from app.sql.migrate import migrate  # noqa: PLC0415

    migrate(url)


def _is_up_to_date(url: str) -> bool:
    """What cannot even be asked is not; the migration says why, and changes nothing."""
    try:
        return not finished(_obstacle(url))
    except sqlite3.DatabaseError:
        return False


@contextmanager
def alone(url: str) -> Iterator[None]:
    """No other process writes to this SQLite file meanwhile; PostgreSQL sorts it out itself."""
    if is_postgresql(url):
        yield
        return
    lock = WriterLock.take(path_of(url))
    try:
        yield
    finally:
        lock.release()


async def _obstacle(url: str) -> str:
    reader = reader_of(url)
    try:
        return await schema_obstacle(reader)
    finally:
        await reader.close()


async def _require_schema(url: str) -> None:
    obstacle = await _obstacle(url)
    if obstacle:
        raise Unavailable(
            Problem(
                f"This release cannot work here: {obstacle}.",
                mend="Run `painplan migrate` of the newest release, then that release.",
                code="exception",
            )
        )
