"""The database that a URL names: its reader and its store."""

from app.sql.database import Reader, Store, is_postgresql
from app.sql.postgresql_reader import PostgreSQLReader
from app.sql.postgresql_store import PostgreSQLStore
from app.sql.sqlite import path_of
from app.sql.sqlite_reader import SQLiteReader
from app.sql.sqlite_store import SQLiteStore


def reader_of(url: str) -> Reader:
    """For asking. Unavailable when the URL names no database."""
    return PostgreSQLReader(url) if is_postgresql(url) else SQLiteReader(path_of(url))


def store_of(url: str) -> Store:
    """For the journal."""
    return PostgreSQLStore(url) if is_postgresql(url) else SQLiteStore(path_of(url))
