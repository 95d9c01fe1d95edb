"""Verify the chain: recompute every hash from what is stored, and say where one fails."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from pathlib import Path

from app.domain.problem import NotFound, Problem
from app.sql.bodies import unpacked
from app.sql.chain import EMPTY_HASH, Value, block_hash, entry_hash, merkle_root
from app.sql.rows import HASHED
from app.sql.sqlite import path_of, reader

FAULTS_AT_MOST = 100
EVERY = 1000
Progress = Callable[[int], None]


@dataclass(slots=True)
class Report:
    """How much was verified and what failed, in words that name the place."""

    blocks: int = 0
    entries: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Nothing failed."""
        return not self.faults

    def fault(self, what: str) -> None:
        """Note a failure; after a hundred the rest is not listed."""
        if len(self.faults) < FAULTS_AT_MOST:
            self.faults.append(what)


@dataclass(frozen=True, slots=True)
class _Entry:
    sequence: int
    position: int
    table: str
    key: str
    hash: bytes
    recomputed: bytes | None
    problem: str


def verify(url: str, progress: Progress | None = None) -> Report:
    """Stream over the whole chain.

    Without an anchor kept elsewhere, a chain that its owner has rewritten from some block to the
    end cannot be told from a true one.
    """
    path: Path = path_of(url)
    if not path.is_file():
        problem = Problem(f"There is no database {path}.", code="not-found")
        raise NotFound(problem)
    connection = reader(path)
    try:
        connection.execute("BEGIN")
        return _verify(connection, progress)
    except sqlite3.DatabaseError as error:
        report = Report()
        report.fault(f"the database cannot be read to its end ({error})")
        return report
    finally:
        connection.close()


def _verify(connection: sqlite3.Connection, progress: Progress | None) -> Report:
    report = Report()
    previous, last_sequence, last_time = EMPTY_HASH, 0, ""
    entries = groupby(_all_entries(connection), key=lambda e: e.sequence)
    waiting = next(entries, None)
    for block in connection.execute("SELECT * FROM block ORDER BY sequence"):
        sequence = block["sequence"]
        while waiting is not None and waiting[0] < sequence:
            report.fault(f"entries say block {waiting[0]}, which is not there")
            waiting = next(entries, None)
        found: list[_Entry] = []
        if waiting is not None and waiting[0] == sequence:
            found = list(waiting[1])
            waiting = next(entries, None)
        _check_block(block, found, previous, last_sequence, last_time, report)
        previous, last_sequence, last_time = block["hash"], sequence, block["committed_at"]
        report.blocks += 1
        report.entries += len(found)
        if progress is not None and report.blocks % EVERY == 0:
            progress(report.entries)
    if waiting is not None:
        report.fault(f"entries say block {waiting[0]}, which is not there")
    _check_head(connection, last_sequence, previous, last_time, report)
    return report


def _check_block(  # noqa: PLR0913  (a block and what it must join on to)
    block: sqlite3.Row,
    found: list[_Entry],
    previous: bytes,
    last_sequence: int,
    last_time: str,
    report: Report,
) -> None:
    sequence = block["sequence"]
    if sequence != last_sequence + 1:
        report.fault(f"block {sequence}: follows block {last_sequence}, some are missing")
    if block["previous"] != previous:
        report.fault(f"block {sequence}: column previous is not the hash of the block before")
    if block["committed_at"] < last_time:
        report.fault(f"block {sequence}: column committed_at is before the block before")
    if len(found) != block["entries"]:
        report.fault(f"block {sequence}: says {block['entries']} entries, has {len(found)}")
    for number, entry in enumerate(found):
        _check_entry(entry, number, report)
    if merkle_root([e.hash for e in found]) != block["merkle_root"]:
        report.fault(f"block {sequence}: column merkle_root does not match its entries")
    own = block_hash(
        sequence, block["committed_at"], block["entries"], block["previous"], block["merkle_root"]
    )
    if own != block["hash"]:
        report.fault(f"block {sequence}: its columns do not match its hash")


def _check_entry(entry: _Entry, number: int, report: Report) -> None:
    place = f"{entry.table} {entry.key} (block {entry.sequence}, position {entry.position})"
    if entry.position != number:
        report.fault(f"{place}: expected position {number}")
    if entry.problem:
        report.fault(f"{place}: {entry.problem}")
    if entry.recomputed is not None and entry.recomputed != entry.hash:
        report.fault(f"{place}: its content does not match its hash")


def _check_head(
    connection: sqlite3.Connection, sequence: int, hash_: bytes, time: str, report: Report
) -> None:
    head = connection.execute("SELECT * FROM head WHERE id = 1").fetchone()
    if head is None:
        report.fault("head: there is none")
    elif head["sequence"] != sequence or head["hash"] != hash_:
        report.fault(f"head: says block {head['sequence']}, the last block is {sequence}")
    elif time and head["committed_at"] != time:
        report.fault("head: column committed_at is not that of the last block")


def _all_entries(connection: sqlite3.Connection) -> Iterator[_Entry]:
    streams = [_entries(connection, table) for table in HASHED]
    yield from merge(*streams, key=lambda e: (e.sequence, e.position))


def _entries(connection: sqlite3.Connection, table: str) -> Iterator[_Entry]:
    columns = HASHED[table]
    names = ", ".join(columns)
    sql = f"SELECT {names}, sequence, position, salt, hash FROM {table}"  # noqa: S608
    cursor = connection.execute(f"{sql} ORDER BY sequence, position")
    cursor.row_factory = None
    width = len(columns)
    keys = {"resource_version": slice(1, 4), "content_version": slice(0, 1)}
    key = keys.get(table, slice(1, 2))
    body = columns.index("body") if "body" in columns else None
    digest = columns.index("sha256") if "sha256" in columns else None
    for row in cursor:
        values: tuple[Value, ...] = row[:width]
        sequence, position, salt, hash_ = row[width:]
        problem = ""
        if body is not None and digest is not None:
            problem = _body_problem(values[body], values[digest])
        recomputed = None if salt is None else entry_hash(salt, table, values)
        yield _Entry(
            sequence,
            position,
            table,
            "/".join(str(v) for v in values[key]),
            hash_,
            recomputed,
            problem,
        )


def _body_problem(body: Value, digest: Value) -> str:
    if not isinstance(body, bytes):
        return ""
    try:
        plain = unpacked(body)
    except Exception:  # noqa: BLE001  (whatever a damaged frame raises, it is damaged)
        return "its body cannot be decompressed"
    return "" if hashlib.sha256(plain).digest() == digest else "its body does not match sha256"
