"""What the database says, under the lock, of all that a batch names: a few statements a batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.history import WriteSet
from app.domain.searching import Search
from app.sql.chain import Value
from app.sql.database import Reads
from app.sql.searching import some_of

Row = tuple[Value, ...]
Key = tuple[Value, ...]
EVER = (1 << 62) - 1
AT_ONCE = 2048
KEYS: Mapping[str, tuple[str, ...]] = {
    "resource_version": ("tenant", "type", "id", "version"),
    "decision": ("tenant", "id"),
    "audit_event": ("tenant", "id"),
    "content_version": ("digest",),
    "hook_call": ("tenant", "id"),
    "hook_card": ("tenant", "call", "id"),
    "feedback": ("tenant", "id"),
}
"""What names a row of the journal: the first columns of its hashed ones."""
PROMISED = ("tenant", "client", "operation", "key")
SEEN = ("issuer", "jti")
PATIENT_HEADS = (
    "SELECT k.tenant, k.patient, (SELECT max(r.sequence) FROM resource_version r"
    " WHERE r.tenant = k.tenant AND r.patient = k.patient) AS newest FROM wanted k"
)
NEWEST_VERSIONS = (
    "SELECT k.tenant, k.type, k.id, (SELECT max(r.version) FROM resource_version r"
    " WHERE r.tenant = k.tenant AND r.type = k.type AND r.id = k.id) AS newest FROM wanted k"
)


@dataclass(slots=True)
class Known:
    """The newest block of patients, the newest versions, and which keys are taken."""

    heads: dict[Key, int] = field(default_factory=dict)
    versions: dict[Key, int] = field(default_factory=dict)
    keys: set[Key] = field(default_factory=set)
    tokens: set[Key] = field(default_factory=set)
    promises: set[Key] = field(default_factory=set)
    matched: set[tuple[str, Search]] = field(default_factory=set)


def key_of(table: str, values: Row) -> Key:
    """The name of a row, with its table."""
    return (table, *values[: len(KEYS[table])])


def promise_of(write_set: WriteSet) -> Key | None:
    """The key of what the set promises to a retry."""
    promise = write_set.idempotency
    if promise is None:
        return None
    return (write_set.tenant, promise.client, promise.operation, promise.key)


async def known_of(
    reads: Reads, sets: Sequence[WriteSet], rows: Iterable[tuple[str, Row]]
) -> Known:
    """Look everything up; what a batch does not name is not asked for."""
    known = Known()
    patients: dict[Key, None] = {
        (s.tenant, s.reads.patient): None
        for s in sets
        if s.reads.patient is not None and s.reads.patient_head is not None
    }
    known.heads = await _newest(reads, PATIENT_HEADS, ("tenant", "patient"), patients)
    expected: dict[Key, None] = {
        (s.tenant, type_, id_): None for s in sets for type_, id_, _ in s.reads.versions
    }
    known.versions = await _newest(reads, NEWEST_VERSIONS, ("tenant", "type", "id"), expected)
    known.keys = await _taken_keys(reads, rows)
    tokens: dict[Key, None] = {
        (s.token.issuer, s.token.jti): None for s in sets if s.token is not None
    }
    known.tokens = await _taken(reads, "seen_token", SEEN, tokens)
    promises = {key: None for s in sets if (key := promise_of(s)) is not None}
    known.promises = await _taken(reads, "idempotency", PROMISED, promises)
    for write_set in sets:
        for search in write_set.reads.unmatched:
            statement = some_of(write_set.tenant, search, EVER, 1)
            if await reads.fetch_one(statement.text, statement.values) is not None:
                known.matched.add((write_set.tenant, search))
    return known


async def _taken_keys(reads: Reads, rows: Iterable[tuple[str, Row]]) -> set[Key]:
    """Versions of resources are checked by what their set expects instead."""
    by_table: dict[str, dict[Key, None]] = {}
    for table, values in rows:
        if table != "resource_version":
            by_table.setdefault(table, {})[key_of(table, values)[1:]] = None
    found: set[Key] = set()
    for table, wanted in by_table.items():
        taken = await _taken(reads, table, KEYS[table], wanted)
        found |= {(table, *key) for key in taken}
    return found


async def _newest(
    reads: Reads, sql: str, names: Sequence[str], wanted: Mapping[Key, None]
) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for marks, values in _portions(len(names), wanted):
        text = f"WITH wanted ({', '.join(names)}) AS (VALUES {marks}) {sql}"
        for row in await reads.fetch_all(text, values):
            found[tuple(row[name] for name in names)] = row["newest"] or 0
    return found


async def _taken(
    reads: Reads, table: str, names: Sequence[str], wanted: Mapping[Key, None]
) -> set[Key]:
    found: set[Key] = set()
    columns = ", ".join(names)
    same = " AND ".join(f"t.{name} = k.{name}" for name in names)
    own = ", ".join(f"k.{name}" for name in names)
    for marks, values in _portions(len(names), wanted):
        rows = await reads.fetch_all(
            f"WITH wanted ({columns}) AS (VALUES {marks})"  # noqa: S608  (names of our own)
            f" SELECT {own} FROM wanted k CROSS JOIN {table} t ON {same}",
            values,
        )
        found |= {tuple(row[name] for name in names) for row in rows}
    return found


def _portions(width: int, wanted: Mapping[Key, None]) -> Iterator[tuple[str, list[Value]]]:
    """Marks and values; the last key is repeated up to a power of two, so that texts are few."""
    keys = list(wanted)
    one = f"({', '.join('?' * width)})"
    for start in range(0, len(keys), AT_ONCE):
        portion = keys[start : start + AT_ONCE]
        size = 1 << (len(portion) - 1).bit_length()
        portion += [portion[-1]] * (size - len(portion))
        yield ", ".join([one] * size), [part for key in portion for part in key]
