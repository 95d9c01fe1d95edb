"""Values of a type that their column does not have: nothing of ours ever wrote one.

A hash cannot tell the text ``p0`` from the same bytes as a blob, but a look-up can; so the types
are checked on their own where the database does not. An empty column of a body is a fault, too,
unless its row was emptied: whether it may be is for ``verify`` to say.
"""

from collections.abc import Callable

from sqlalchemy import Column, Integer, LargeBinary, Table

from app.sql.chain import SALT
from app.sql.database import Reads
from app.sql.emptying import EMPTIED
from app.sql.tables import BLOCK, HEAD, JOURNAL

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


IsWrong = Callable[[Column[object]], str]


async def foreign_values(reads: Reads, *, is_typed: bool) -> list[str]:
    """Each in words that name table, row and column; ``is_typed`` says that the database checks."""
    is_wrong = _is_empty if is_typed else _is_foreign
    return [
        fault
        for table in (*JOURNAL, BLOCK, HEAD)
        for column in table.columns
        for fault in await _in_column(reads, table, column, is_wrong)
    ]


async def _in_column(
    reads: Reads, table: Table, column: Column[object], is_wrong: IsWrong
) -> list[str]:
    named = NAMED_BY.get(table.name, "id")
    wrong, name = is_wrong(column), column.name
    if name == "salt":
        wrong += f" OR length(salt) != {SALT}"
    if table.name in EMPTIED:
        wrong = f"({wrong}) AND (salt IS NOT NULL OR {name} IS NOT NULL)"
    rows = await reads.fetch_all(
        f"SELECT {named} AS named, {name} IS NULL AS is_empty FROM {table.name}"  # noqa: S608  (names of our own tables)
        f" WHERE {wrong} LIMIT {AT_MOST}"
    )
    return [
        f"{table.name} {_plain(row['named'])}: column {name}"
        f" {'is empty' if row['is_empty'] else 'holds a value of another type'}"
        for row in rows
    ]


def _is_empty(column: Column[object]) -> str:
    return "FALSE" if _may_be_empty(column) else f"{column.name} IS NULL"


def _is_foreign(column: Column[object]) -> str:
    listed = ", ".join(f"'{name}'" for name in sorted(_allowed(column)))
    return f"typeof({column.name}) NOT IN ({listed})"


def _allowed(column: Column[object]) -> set[str]:
    if isinstance(column.type, LargeBinary):
        found = {"blob"}
    elif isinstance(column.type, Integer):
        found = {"integer"}
    else:
        found = {"text"}
    return found | ({"null"} if _may_be_empty(column) else set())


def _may_be_empty(column: Column[object]) -> bool:
    return bool(column.nullable) and column.name not in NEVER_EMPTY


def _plain(key: object) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
