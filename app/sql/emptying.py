"""Which columns of a journal row are emptied by an erasure, and how what stays is sealed.

The salt goes with the content: the hash stays, keeps the chain whole and tells nothing. What names
and places a row stays too; an erasure holds a digest of that, so that nobody rewrites it later.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.sql.chain import Value, entry_hash
from app.sql.database import Reads, Row
from app.sql.rows import HASHED

EMPTIED: Mapping[str, tuple[str, ...]] = {
    "resource_version": ("status", "code", "date", "source", "body"),
    "decision": ("parameters", "trace", "inputs", "outputs"),
    "audit_event": ("query",),
    "hook_call": ("context", "orders", "facts", "asked", "snoozes", "cards"),
    "hook_card": ("overrides",),
    "feedback": ("rule", "order_class", "reason_system", "reason_code", "said"),
}
"""What becomes NULL, beside the salt."""
BLANKED: Mapping[str, tuple[str, ...]] = {
    "resource_version": ("sha256",),
    "hook_card": ("rule", "about", "order_class"),
}
"""What cannot be NULL and becomes empty."""
BYTES = frozenset({"sha256"})
PORTION = 256
PLACE = "(CAST(? AS BIGINT), CAST(? AS BIGINT))"
Place = tuple[str, int, int]


def is_empty(table: str, row: Row) -> bool:
    """Whether nothing is left of what goes."""
    return all(row[name] is None for name in EMPTIED[table]) and all(
        len(row[name]) == 0 for name in BLANKED.get(table, ())
    )


def emptying(table: str) -> str:
    """The assignments of the UPDATE."""
    nulled = [f"{name} = NULL" for name in (*EMPTIED[table], "salt")]
    blanked = [f"{name} = {_blank(name)}" for name in BLANKED.get(table, ())]
    return ", ".join((*nulled, *blanked))


def _blank(name: str) -> str:
    # Empty bytes in the one spelling that both databases read.
    return "substr(hash, 1, 0)" if name in BYTES else "''"


def kept_columns(table: str) -> tuple[str, ...]:
    """What stays of a row, in its order, the place and the hash behind it."""
    gone = {*EMPTIED[table], *BLANKED.get(table, ())}
    own = tuple(name for name in HASHED[table] if name not in gone)
    return (*own, "sequence", "position", "hash")


async def seal(reads: Reads, places: Sequence[Place]) -> bytes:
    """The digest over what stays of these rows, in the order of their tables and places."""
    digest = hashlib.sha256()
    for table, portion in by_portions(sorted(places)):
        columns = kept_columns(table)
        marks = ", ".join([PLACE] * len(portion))
        rows = await reads.fetch_all(
            f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608  (names of our own)
            f" WHERE (sequence, position) IN (VALUES {marks}) ORDER BY sequence, position",
            [part for place in portion for part in place],
        )
        for row in rows:
            values: tuple[Value, ...] = tuple(row)
            digest.update(entry_hash(b"", table, values))
    return digest.digest()


def by_portions(
    places: Iterable[Place],
) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Table by table, so many places at once as a statement takes."""
    by_table: dict[str, list[tuple[int, int]]] = {}
    for table, sequence, position in places:
        by_table.setdefault(table, []).append((sequence, position))
    for table, own in by_table.items():
        for start in range(0, len(own), PORTION):
            yield table, own[start : start + PORTION]
