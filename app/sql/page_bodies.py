"""The bodies of a page, until together they are as long as one answer may be.

A page is bounded in rows, and five hundred resources of 5 MB are 2.5 GB. What is short comes with
its row; what is long is read for itself, and only as long as there is room for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.domain.history import Stored
from app.domain.searching import LONGEST_PAGE
from app.sql.bodies import length_of
from app.sql.database import Row
from app.sql.read_rows import stored_of

SHORT = 16 * 1024
"""Bytes as they are kept, with which a body comes along with its row."""
_NAMES = """
    rowid type id version patient status sha256 origin source sequence position
""".split()
COLUMNS = ", ".join(f"v.{name}" for name in _NAMES) + (
    f", CASE WHEN length(v.body) <= {SHORT} THEN v.body END AS body"
)
"""Of ``resource_version v``, for ``with_bodies``."""
BODY = "SELECT body FROM resource_version WHERE rowid = ?"
Ask = Callable[[str, tuple[object, ...]], Awaitable[Row]]


async def with_bodies(
    rows: Sequence[Row], fetch_one: Ask, *, at_most: int = LONGEST_PAGE
) -> tuple[list[tuple[Row, Stored]], bool]:
    """Each row with what it stands for, and whether the rest was left out for its length."""
    found: list[tuple[Row, Stored]] = []
    room = at_most
    for row in rows:
        body = row["body"] or (await fetch_one(BODY, (row["rowid"],)))["body"]
        if body is None:
            continue  # erased since the row was read
        room -= length_of(body)
        if found and room < 0:
            return found, True
        found.append((row, stored_of(_with(row, body))))
    return found, False


def _with(row: Row, body: bytes) -> dict[str, Any]:
    return {**dict(row), "body": body}
