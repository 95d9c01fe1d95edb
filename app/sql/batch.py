"""Writing one batch of sets as one block, inside one transaction (SQLite)."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.domain.history import (
    Committed,
    ContentVersion,
    ResourceVersion,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import Conflict, Problem, Refusal, Unauthenticated
from app.domain.searching import Search, matches
from app.sql.chain import Value, block_hash, entry_hash, merkle_root
from app.sql.reindex import INSERT as INSERT_SEARCH
from app.sql.reindex import UP_TO, search_row
from app.sql.rows import HASHED, instant, moment, row_of
from app.sql.searching import some_of
from app.sql.tables import SALT

Row = tuple[Value, ...]
Outcome = Committed | Exception
EVER = (1 << 62) - 1
INSERT = {
    table: (
        f"INSERT INTO {table} ({', '.join(columns)}, sequence, position, salt, hash)"  # noqa: S608
        f" VALUES ({', '.join('?' * (len(columns) + 4))})"
    )
    for table, columns in HASHED.items()
}
INSERT_BLOCK = (
    "INSERT INTO block (sequence, committed_at, entries, previous, merkle_root, hash)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
PATIENT_HEAD = "SELECT max(sequence) FROM resource_version WHERE tenant = ? AND patient = ?"
# The newest version of each resource that a set expects; one that is not there has no row.
CURRENT_VERSIONS = (
    "WITH wanted (type, id) AS (VALUES {wanted}) SELECT k.type, k.id, max(r.version)"
    " FROM wanted k JOIN resource_version r ON r.tenant = ? AND r.type = k.type AND r.id = k.id"
    " GROUP BY k.type, k.id"
)
PROMISE = (
    "INSERT INTO idempotency (tenant, client, operation, key, request_digest, decision_id,"
    " recorded) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
SEEN = "SELECT 1 FROM seen_token WHERE issuer = ? AND jti = ?"
SEE = "INSERT INTO seen_token (issuer, jti, expires) VALUES (?, ?, ?)"


@dataclass(slots=True)
class _Accepted:
    """What the sets taken so far in this batch have touched."""

    patients: set[tuple[str, str]] = field(default_factory=set)
    resources: set[tuple[str, str, str]] = field(default_factory=set)
    keys: set[tuple[Value, ...]] = field(default_factory=set)
    rows: list[tuple[str, tuple[Value, ...]]] = field(default_factory=list)
    promises: list[tuple[Value, ...]] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    written: list[tuple[str, ResourceVersion]] = field(default_factory=list)


def write_batch(
    connection: sqlite3.Connection, sets: Sequence[WriteSet], known_content: set[str]
) -> list[Outcome]:
    """One outcome a set, in their order. A set that fails fails alone.

    Raises sqlite3.Error when the transaction as a whole fails; nothing is written then.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes = _write(connection, sets, known_content)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    known_content.update(
        entry.digest
        for write_set, outcome in zip(sets, outcomes, strict=True)
        if isinstance(outcome, Committed)
        for entry in write_set.entries
        if isinstance(entry, ContentVersion)
    )
    return outcomes


def _write(
    connection: sqlite3.Connection, sets: Sequence[WriteSet], known_content: set[str]
) -> list[Outcome]:
    accepted = _Accepted(digests=set(known_content))
    refusals = [_take(connection, write_set, accepted) for write_set in sets]
    if not accepted.rows:
        return [r or _nothing() for r in refusals]
    committed = _append(connection, accepted)
    return [refusal or committed for refusal in refusals]


def _take(
    connection: sqlite3.Connection, write_set: WriteSet, accepted: _Accepted
) -> Exception | None:
    """Check the read set under the lock; accept the rows, or say why not."""
    tenant, reads = write_set.tenant, write_set.reads
    if reads.patient is not None and reads.patient_head is not None:
        if (tenant, reads.patient) in accepted.patients:
            return SomethingMoved()
        (head,) = connection.execute(PATIENT_HEAD, (tenant, reads.patient)).fetchone()
        if (head or 0) != reads.patient_head:
            return SomethingMoved()
    if _versions_moved(connection, write_set, accepted):
        return SomethingMoved()
    if _token_seen(connection, write_set, accepted):
        return Unauthenticated(Problem("This token was used before.", code="login"))
    if any(_is_matched(connection, tenant, search, accepted) for search in reads.unmatched):
        return SomethingMoved()
    rows = [
        row_of(entry, tenant)
        for entry in write_set.entries
        if not (isinstance(entry, ContentVersion) and entry.digest in accepted.digests)
    ]
    refusal = _key_taken(connection, rows, accepted)
    if refusal is not None:
        return refusal
    _accept(write_set, rows, accepted)
    return None


def _token_seen(connection: sqlite3.Connection, write_set: WriteSet, accepted: _Accepted) -> bool:
    """A single-use token that came before, in an earlier block or in this batch (CH-63)."""
    token = write_set.token
    if token is None:
        return False
    key = (token.issuer, token.jti)
    return key in accepted.tokens or connection.execute(SEEN, key).fetchone() is not None


def _versions_moved(
    connection: sqlite3.Connection, write_set: WriteSet, accepted: _Accepted
) -> bool:
    """A version that the set expects is no longer the newest one."""
    tenant, expected = write_set.tenant, write_set.reads.versions
    if any((tenant, type_, id_) in accepted.resources for type_, id_, _ in expected):
        return True
    if not expected:
        return False
    wanted = ", ".join(["(?, ?)"] * len(expected))
    values = [part for type_, id_, _ in expected for part in (type_, id_)]
    rows = connection.execute(CURRENT_VERSIONS.format(wanted=wanted), (*values, tenant))
    newest = {(type_, id_): version for type_, id_, version in rows}
    return any(newest.get((type_, id_), 0) != seen for type_, id_, seen in expected)


def _is_matched(
    connection: sqlite3.Connection, tenant: str, search: Search, accepted: _Accepted
) -> bool:
    """What a condition found missing is there now, stored or in this very batch."""
    if any(
        of == tenant and matches(search, v.type, v.id, v.patient, v.search)
        for of, v in accepted.written
    ):
        return True
    statement = some_of(tenant, search, EVER, 1)
    return connection.execute(statement.text, statement.values).fetchone() is not None


def _accept(write_set: WriteSet, rows: Sequence[tuple[str, Row]], accepted: _Accepted) -> None:
    tenant = write_set.tenant
    for table, values in rows:
        accepted.rows.append((table, values))
        accepted.keys.add(_key(table, values))
        if table == "resource_version":
            accepted.resources.add((tenant, str(values[1]), str(values[2])))
            if values[4] is not None:
                accepted.patients.add((tenant, str(values[4])))
        elif table == "content_version":
            accepted.digests.add(str(values[0]))
    token = write_set.token
    if token is not None:
        accepted.tokens[(token.issuer, token.jti)] = instant(token.expires)
    accepted.written.extend(
        (tenant, entry) for entry in write_set.entries if isinstance(entry, ResourceVersion)
    )
    promise = write_set.idempotency
    if promise is not None:
        accepted.promises.append(
            (
                tenant,
                promise.client,
                promise.operation,
                promise.key,
                promise.request_digest,
                promise.decision_id,
                instant(datetime.now(UTC)),
            )
        )


def _key(table: str, values: Row) -> tuple[Value, ...]:
    match table:
        case "resource_version":
            return (table, *values[:4])
        case "hook_card":
            return (table, *values[:3])
        case "content_version":
            return (table, values[0])
        case _:
            return (table, *values[:2])


EXISTS = {
    "resource_version": "SELECT 1 FROM resource_version"
    " WHERE tenant = ? AND type = ? AND id = ? AND version = ?",
    "decision": "SELECT 1 FROM decision WHERE tenant = ? AND id = ?",
    "audit_event": "SELECT 1 FROM audit_event WHERE tenant = ? AND id = ?",
    "content_version": "SELECT 1 FROM content_version WHERE digest = ?",
    "hook_call": "SELECT 1 FROM hook_call WHERE tenant = ? AND id = ?",
    "hook_card": "SELECT 1 FROM hook_card WHERE tenant = ? AND call = ? AND id = ?",
    "feedback": "SELECT 1 FROM feedback WHERE tenant = ? AND id = ?",
}
DECIDE_AGAIN = frozenset({"decision", "feedback"})


def _key_taken(
    connection: sqlite3.Connection, rows: list[tuple[str, Row]], accepted: _Accepted
) -> Refusal | SomethingMoved | None:
    """A row whose key exists would break the batch: its set is refused alone.

    The content that decides is the same for everybody: kept already, it is left out.
    """
    for table, values in list(rows):
        key = _key(table, values)
        taken = key in accepted.keys
        if not taken and table != "resource_version":
            taken = connection.execute(EXISTS[table], key[1:]).fetchone() is not None
        if not taken:
            continue
        if table == "content_version":
            rows.remove((table, values))
            accepted.digests.add(str(values[0]))
            continue
        if table in DECIDE_AGAIN:
            return SomethingMoved()
        return Conflict(Problem(f"This {table} exists already.", code="duplicate"))
    return None


def _append(connection: sqlite3.Connection, accepted: _Accepted) -> Committed:
    """The block, its rows in their order, and the new head."""
    sequence, previous, last = connection.execute(
        "SELECT sequence, hash, committed_at FROM head WHERE id = 1"
    ).fetchone()
    sequence += 1
    committed_at = max(instant(datetime.now(UTC)), last)
    salts = os.urandom(SALT * len(accepted.rows))
    hashes: list[bytes] = []
    by_table: dict[str, list[Row]] = {}
    for position, (table, values) in enumerate(accepted.rows):
        salt = salts[position * SALT : (position + 1) * SALT]
        hash_ = entry_hash(salt, table, values)
        hashes.append(hash_)
        by_table.setdefault(table, []).append((*values, sequence, position, salt, hash_))
    root = merkle_root(hashes)
    own = block_hash(sequence, committed_at, len(hashes), previous, root)
    connection.execute(INSERT_BLOCK, (sequence, committed_at, len(hashes), previous, root, own))
    for table, rows in by_table.items():
        connection.executemany(INSERT[table], rows)
    connection.executemany(
        INSERT_SEARCH,
        [
            search_row(tenant, v.patient or "", v.type, v.id, v.version, value)
            for tenant, v in accepted.written
            for value in v.search
        ],
    )
    connection.execute(UP_TO, (sequence,))
    if accepted.promises:
        connection.executemany(PROMISE, accepted.promises)
    if accepted.tokens:
        seen = [(*key, expires) for key, expires in accepted.tokens.items()]
        connection.executemany(SEE, seen)
    connection.execute(
        "UPDATE head SET sequence = ?, hash = ?, committed_at = ? WHERE id = 1",
        (sequence, own, committed_at),
    )
    return Committed(sequence, moment(committed_at))


def _nothing() -> Exception:
    return Conflict(Problem("There was nothing to write.", code="processing"))
