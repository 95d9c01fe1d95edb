"""A transaction on a connection of its own, for what is rare and no write set."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator

from app.sql.database import Session, is_postgresql
from app.sql.postgresql import connect, require_durable
from app.sql.postgresql_session import PostgreSQLSession
from app.sql.sqlite import checkpoint, path_of, writer
from app.sql.sqlite_session import SQLiteSession


@contextlib.asynccontextmanager
async def transaction(url: str) -> AsyncIterator[Session]:
    """Committed at its end. On SQLite the caller holds the writer's lock."""
    if is_postgresql(url):
        connection = await connect(url, answers_within=None)
        try:
            await require_durable(connection)
            async with connection.transaction():
                yield PostgreSQLSession(connection)
        finally:
            await connection.close()
        return
    file = writer(path_of(url))
    file.row_factory = sqlite3.Row
    try:
        file.execute("BEGIN IMMEDIATE")
        yield SQLiteSession(file)
        file.execute("COMMIT")
        checkpoint(file)
    finally:
        file.close()
