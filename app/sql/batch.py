"""Writing one batch of sets as one block, inside one transaction that holds the head."""

import os
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
from app.domain.problem import Conflict, NotUnderstood, Problem, Refusal, Unauthenticated
from app.domain.searching import Search, matches
from app.sql.chain import SALT, Value, block_hash, entry_hash, merkle_root
from app.sql.database import Outcome, Row, Session
from app.sql.known import Known, key_of, known_of, promise_of
from app.sql.rows import HASHED, LAYOUTS, instant, moment, row_of
from app.sql.search_rows import COLUMNS as SEARCH_COLUMNS
from app.sql.search_rows import UP_TO, search_row

Values = tuple[Value, ...]
Rows = list[tuple[str, Values]]
HEAD = "SELECT sequence, hash, committed_at FROM head WHERE id = 1"
MOVE_HEAD = "UPDATE head SET sequence = ?, hash = ?, committed_at = ? WHERE id = 1"
# Their numbers are the database's own; the order is that in which they were accepted.
ROWS = "SELECT rowid FROM resource_version WHERE sequence = ? ORDER BY position"
BLOCK = ("sequence", "committed_at", "entries", "previous", "merkle_root", "hash")
PROMISE = (
    "tenant",
    "client",
    "operation",
    "key",
    "request_digest",
    "decision_id",
    "recorded",
)
SEEN = ("issuer", "jti", "expires")
WRITTEN = {
    table: (*columns, "sequence", "position", "salt", "hash") for table, columns in HASHED.items()
}
DECIDE_AGAIN = frozenset({"decision", "feedback"})


@dataclass(slots=True)
class Batch:
    """What became of each set; the hash of the block and what the block brought."""

    outcomes: list[Outcome]
    block: bytes | None = None
    rows: int = 0
    content: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Accepted:
    """What the sets taken so far in this batch have touched."""

    patients: set[tuple[str, str]] = field(default_factory=set)
    resources: set[tuple[str, str, str]] = field(default_factory=set)
    keys: set[Values] = field(default_factory=set)
    rows: Rows = field(default_factory=list)
    promises: dict[Values, Values] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    tokens: dict[Values, str] = field(default_factory=dict)
    written: list[tuple[str, ResourceVersion]] = field(default_factory=list)


async def write_batch(
    session: Session, head: Row, sets: Sequence[WriteSet], known_content: set[str]
) -> Batch:
    """One outcome a set, in their order; a set that fails fails alone. ``head`` is locked."""
    accepted = _Accepted(digests=set(known_content))
    rows = [_rows_of(write_set, known_content) for write_set in sets]
    known = await known_of(session, sets, [row for own in rows for row in own])
    refusals = [
        _take(session, write_set, own, known, accepted)
        for write_set, own in zip(sets, rows, strict=True)
    ]
    if not accepted.rows:
        return Batch([r or _nothing() for r in refusals])
    committed, block = await _append(session, head, accepted)
    return Batch(
        [refusal or committed for refusal in refusals],
        block,
        len(accepted.rows),
        frozenset(accepted.digests - known_content),
    )


def _rows_of(write_set: WriteSet, known_content: set[str]) -> Rows:
    return [
        row_of(entry, write_set.tenant)
        for entry in write_set.entries
        if not (isinstance(entry, ContentVersion) and entry.digest in known_content)
    ]


def _take(
    session: Session, write_set: WriteSet, rows: Rows, known: Known, accepted: _Accepted
) -> Exception | None:
    """Check the read set under the lock; accept the rows, or say why not."""
    refusal = (
        _moved(write_set, known, accepted)
        or _used(write_set, known, accepted)
        or _unkeepable(session, rows)
        or _key_taken(rows, known, accepted)
    )
    if refusal is None:
        _accept(write_set, rows, accepted)
    return refusal


def _moved(write_set: WriteSet, known: Known, accepted: _Accepted) -> SomethingMoved | None:
    """What the use case read is no longer so: it decides again."""
    tenant, reads = write_set.tenant, write_set.reads
    has_moved = (
        _patient_moved(write_set, known, accepted)
        or _versions_moved(write_set, known, accepted)
        or any(_is_matched(tenant, search, known, accepted) for search in reads.unmatched)
    )
    return SomethingMoved() if has_moved else None


def _patient_moved(write_set: WriteSet, known: Known, accepted: _Accepted) -> bool:
    reads = write_set.reads
    if reads.patient is None or reads.patient_head is None:
        return False
    patient = (write_set.tenant, reads.patient)
    return patient in accepted.patients or known.heads[patient] != reads.patient_head


def _versions_moved(write_set: WriteSet, known: Known, accepted: _Accepted) -> bool:
    """A version that the set expects is no longer the newest one."""
    tenant = write_set.tenant
    return any(
        (tenant, type_, id_) in accepted.resources or known.versions[tenant, type_, id_] != seen
        for type_, id_, seen in write_set.reads.versions
    )


def _is_matched(tenant: str, search: Search, known: Known, accepted: _Accepted) -> bool:
    """What a condition found missing is there now, stored or in this very batch."""
    return (tenant, search) in known.matched or any(
        of == tenant and matches(search, v.type, v.id, v.patient, v.search)
        for of, v in accepted.written
    )


def _used(
    write_set: WriteSet, known: Known, accepted: _Accepted
) -> Unauthenticated | SomethingMoved | None:
    """A single-use token (CH-63) or a key to an answer that came before, here or elsewhere."""
    token, promise = write_set.token, promise_of(write_set)
    if token is not None:
        key = (token.issuer, token.jti)
        if key in accepted.tokens or key in known.tokens:
            return Unauthenticated(Problem("This token was used before.", code="login"))
    if promise is not None and (promise in accepted.promises or promise in known.promises):
        return SomethingMoved()  # another process answered: what it promised is read again
    return None


def _unkeepable(session: Session, rows: Rows) -> Refusal | None:
    if all(session.can_keep(values) for _, values in rows):
        return None
    return NotUnderstood(Problem("A text holds the character U+0000.", code="invalid"))


def _key_taken(rows: Rows, known: Known, accepted: _Accepted) -> Refusal | SomethingMoved | None:
    """A row whose key exists would break the batch: its set is refused alone.

    The content that decides is the same for everybody: kept already, it is left out.
    """
    for table, values in list(rows):
        key = key_of(table, values)
        if key not in accepted.keys and key not in known.keys:
            continue
        if table == "content_version":
            rows.remove((table, values))
            accepted.digests.add(str(values[0]))
            continue
        if table in DECIDE_AGAIN:
            return SomethingMoved()
        return Conflict(Problem(f"This {table} exists already.", code="duplicate"))
    return None


def _accept(write_set: WriteSet, rows: Rows, accepted: _Accepted) -> None:
    tenant = write_set.tenant
    for table, values in rows:
        accepted.rows.append((table, values))
        accepted.keys.add(key_of(table, values))
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
    promise, key = write_set.idempotency, promise_of(write_set)
    if promise is not None and key is not None:
        recorded = instant(datetime.now(UTC))
        accepted.promises[key] = (*key, promise.request_digest, promise.decision_id, recorded)


async def _append(session: Session, head: Row, accepted: _Accepted) -> tuple[Committed, bytes]:
    """The block, its rows in their order, and the new head."""
    sequence, previous, last = head["sequence"] + 1, head["hash"], head["committed_at"]
    committed_at = max(instant(datetime.now(UTC)), last)
    salts = os.urandom(SALT * len(accepted.rows))
    hashes: list[bytes] = []
    by_table: dict[str, list[Values]] = {}
    for position, (table, values) in enumerate(accepted.rows):
        salt = salts[position * SALT : (position + 1) * SALT]
        hash_ = entry_hash(salt, table, values, LAYOUTS.get(table, 1))
        hashes.append(hash_)
        by_table.setdefault(table, []).append((*values, sequence, position, salt, hash_))
    root = merkle_root(hashes)
    own = block_hash(sequence, committed_at, len(hashes), previous, root)
    block = (sequence, committed_at, len(hashes), previous, root, own)
    await session.write_rows("block", BLOCK, [block])
    for table, rows in by_table.items():
        await session.write_rows(table, WRITTEN[table], rows)
    await _append_beside(session, accepted, sequence)
    await session.execute(UP_TO, (sequence,))
    await session.execute(MOVE_HEAD, (sequence, own, committed_at))
    return Committed(sequence, moment(committed_at)), own


async def _append_beside(session: Session, accepted: _Accepted, sequence: int) -> None:
    """What goes with the block and is no part of the chain."""
    if any(version.search for _, version in accepted.written):
        rows = await session.fetch_all(ROWS, (sequence,))
        values = dict.fromkeys(
            search_row(row["rowid"], tenant, version.type, value)
            for row, (tenant, version) in zip(rows, accepted.written, strict=True)
            for value in version.search
        )
        await session.write_rows("search_value", SEARCH_COLUMNS, list(values))
    if accepted.promises:
        await session.write_rows("idempotency", PROMISE, list(accepted.promises.values()))
    if accepted.tokens:
        seen = [(*key, expires) for key, expires in accepted.tokens.items()]
        await session.write_rows("seen_token", SEEN, seen)


def _nothing() -> Exception:
    return Conflict(Problem("There was nothing to write.", code="processing"))
