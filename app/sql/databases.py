"""The database that a URL names: its reader and its store.

The driver of PostgreSQL is loaded where one is named: it costs start and memory.
"""

from app.sql.database import Reader, Store, is_postgresql
from app.sql.sqlite import path_of
from app.sql.sqlite_reader import SQLiteReader
from app.sql.sqlite_store import SQLiteStore


def reader_of(url: str) -> Reader:
    """For asking. Unavailable when the URL names no database."""
    if not is_postgresql(url):
        return SQLiteReader(path_of(url))
    from app.sql.postgresql_reader import PostgreSQLReader  # noqa: PLC0415

    return PostgreSQLReader(url)


def store_of(url: str) -> Store:
    """For the journal."""
    if not is_postgresql(url):
        return SQLiteStore(path_of(url))
    from app.sql.postgresql_store import PostgreSQLStore  # noqa: PLC0415

    return PostgreSQLStore(url)
