"""Before the service starts: the schema it knows, and search values of its own making.

A SQLite file is the service's own, so it brings it up to date. On a PostgreSQL other services may
be at work: there ``painplan migrate`` does that, when the operator says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.problem import Problem, Unavailable
from app.sql.database import finished, is_postgresql
from app.sql.databases import reader_of
from app.sql.migrate import head, migrate
from app.sql.reindex import Extraction, reindex
from app.sql.schema import schema_obstacle
from app.sql.sqlite import WriterLock, path_of


def prepare_database(url: str, extraction: Extraction) -> None:
    """Unavailable tells what an operator has to do first."""
    with alone(url):
        if is_postgresql(url):
            finished(_require_schema(url))
        else:
            migrate(url)
        reindex(url, extraction, only_if_needed=True)


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


async def _require_schema(url: str) -> None:
    reader = reader_of(url)
    try:
        obstacle = await schema_obstacle(reader, head(url))
    finally:
        await reader.close()
    if obstacle:
        raise Unavailable(
            Problem(
                f"This release cannot work here: {obstacle}.",
                mend="Run `painplan migrate` of the newest release, then that release.",
                code="exception",
            )
        )
