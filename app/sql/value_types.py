"""Values of a type that their column does not have: nothing of ours ever wrote one.

A hash cannot tell the text ``p0`` from the same bytes as a blob, but a look-up can; so the types
are checked on their own. An empty column of a body or a salt is a fault, too: nothing erases yet.
"""

import sqlite3
from collections.abc import Iterator

from sqlalchemy import Column, Integer, LargeBinary, Table

from app.sql.tables import BLOCK, HEAD, JOURNAL, SALT

NEVER_EMPTY = frozenset(
    """
    salt body parameters trace inputs outputs files
    context orders facts asked snoozes cards overrides said
    """.split()
)
NAMED_BY = {
    "resource_version": "type || '/' || id || '/' || version",
    "content_version": "digest",
    "block": "'block ' || sequence",
    "head": "'head'",
}
AT_MOST = 100


def foreign_values(connection: sqlite3.Connection) -> Iterator[str]:
    """Each in words that name table, row and column."""
    for table in (*JOURNAL, BLOCK, HEAD):
        for column in table.columns:
            yield from _in_column(connection, table, column)


def _in_column(
    connection: sqlite3.Connection, table: Table, column: Column[object]
) -> Iterator[str]:
    allowed = _allowed(column)
    named = NAMED_BY.get(table.name, "id")
    listed = ", ".join(f"'{name}'" for name in sorted(allowed))
    wrong = f"typeof({column.name}) NOT IN ({listed})"
    if column.name == "salt":
        wrong += f" OR length(salt) != {SALT}"
    sql = f"SELECT {named}, typeof({column.name}) FROM {table.name} WHERE {wrong} LIMIT {AT_MOST}"  # noqa: S608  (names of our own tables)
    for key, kind in connection.execute(sql):
        said = "is empty" if kind == "null" else f"holds a {kind}"
        yield f"{table.name} {_plain(key)}: column {column.name} {said}"


def _allowed(column: Column[object]) -> set[str]:
    if isinstance(column.type, LargeBinary):
        found = {"blob"}
    elif isinstance(column.type, Integer):
        found = {"integer"}
    else:
        found = {"text"}
    is_optional = column.nullable and column.name not in NEVER_EMPTY
    return found | ({"null"} if is_optional else set())


def _plain(key: object) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
