"""A transaction on a connection of its own, for what is rare and no write set."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator

from app.sql.database import Session, is_postgresql
from app.sql.sqlite import checkpoint, guest_lock, path_of, writer
from app.sql.sqlite_session import SQLiteSession


@contextlib.asynccontextmanager
async def transaction(url: str, *, is_alone: bool = False) -> AsyncIterator[Session]:
    """Committed at its end; a service may be at work beside it.

    ``is_alone`` says that the caller holds the writer's lock of a SQLite file: only then may it
    shorten the log, which must not race with a commit.
    """
    if is_postgresql(url):
        # The driver is loaded where its database is used.
        from app.sql.postgresql import connect, require_durable  # noqa: PLC0415
        from app.sql.postgresql_session import PostgreSQLSession  # noqa: PLC0415

        connection = await connect(url, answers_within=None)
        try:
            await require_durable(connection)
            async with connection.transaction():
                yield PostgreSQLSession(connection)
        finally:
            await connection.close()
        return
    path = path_of(url)
    with guest_lock(path, waits=True):
        file = writer(path)
        file.row_factory = sqlite3.Row
        try:
            file.execute("BEGIN IMMEDIATE")
            yield SQLiteSession(file)
            file.execute("COMMIT")
            if is_alone:
                checkpoint(file)
        finally:
            file.close()
