"""Verify the chain: recompute every hash from what is stored, and say where one fails."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from pathlib import Path

from app.domain.problem import NotFound, Problem, Unavailable
from app.sql.bodies import unpacked
from app.sql.chain import EMPTY_HASH, Value, block_hash, entry_hash, merkle_root
from app.sql.rows import HASHED
from app.sql.sqlite import path_of, reader
from app.sql.value_types import foreign_values

FAULTS_AT_MOST = 100
EVERY = 1000
LOWEST, HIGHEST = -(1 << 62), 1 << 62
MORE = "SELECT EXISTS (SELECT 1 FROM block WHERE sequence > ?)"
BLOCKS = "SELECT * FROM block WHERE sequence > ? AND sequence <= ? ORDER BY sequence"
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
    recomputed: bytes
    problem: str


def verify(url: str, progress: Progress | None = None) -> Report:
    """Stream over the whole chain, some blocks a transaction: the log of a live service can shrink.

    Without an anchor kept elsewhere, a chain that its owner has rewritten from some block to the
    end cannot be told from a true one. NotFound and Unavailable: there is nothing to verify.
    """
    path: Path = path_of(url)
    if not path.is_file():
        problem = Problem(f"There is no database {path}.", code="not-found")
        raise NotFound(problem)
    try:
        connection = reader(path)
        connection.execute("SELECT sequence FROM head").fetchone()
    except sqlite3.OperationalError as error:
        problem = Problem(f"The database {path.name} cannot be read ({error}).", code="exception")
        raise Unavailable(problem) from None
    except sqlite3.DatabaseError as error:
        return _unreadable(error)
    try:
        return _verify(connection, progress)
    except sqlite3.DatabaseError as error:
        return _unreadable(error)
    finally:
        connection.close()


def _unreadable(error: sqlite3.DatabaseError) -> Report:
    report = Report()
    report.fault(f"the database cannot be read to its end ({error})")
    return report


def _verify(connection: sqlite3.Connection, progress: Progress | None) -> Report:
    report = Report()
    for fault in foreign_values(connection):
        report.fault(fault)
    for (said,) in connection.execute("PRAGMA integrity_check(10)"):
        if said != "ok":
            report.fault(f"the file is damaged: {said}")
    if report.faults:
        return report  # what is no hash, no number or no row cannot be computed with
    place = _Place()
    while _some_blocks(connection, place, report):
        if progress is not None:
            progress(report.entries)
    return report


@dataclass(slots=True)
class _Place:
    """Where the walk stands: the last block seen, and up to which number everything was read."""

    sequence: int = 0
    hash: bytes = EMPTY_HASH
    time: str = ""
    after: int = LOWEST


def _some_blocks(connection: sqlite3.Connection, place: _Place, report: Report) -> bool:
    """The next blocks in one transaction; False after the last, when the head was checked, too."""
    connection.execute("BEGIN")
    try:
        limit = max(place.after, 0) + EVERY
        (is_more,) = connection.execute(MORE, (limit,)).fetchone()
        last = limit if is_more else HIGHEST
        blocks = connection.execute(BLOCKS, (place.after, last)).fetchall()
        entries = groupby(_all_entries(connection, place.after, last), key=lambda e: e.sequence)
        _walk(blocks, entries, place, report)
        place.after = last
        if not is_more:
            _check_head(connection, place.sequence, place.hash, place.time, report)
        return bool(is_more)
    finally:
        connection.execute("COMMIT")


def _walk(
    blocks: list[sqlite3.Row],
    entries: Iterator[tuple[int, Iterator[_Entry]]],
    place: _Place,
    report: Report,
) -> None:
    waiting = next(entries, None)
    for block in blocks:
        sequence = block["sequence"]
        while waiting is not None and waiting[0] < sequence:
            report.fault(f"entries say block {waiting[0]}, which is not there")
            waiting = next(entries, None)
        found: list[_Entry] = []
        if waiting is not None and waiting[0] == sequence:
            found = list(waiting[1])
            waiting = next(entries, None)
        _check_block(block, found, place.hash, place.sequence, place.time, report)
        place.hash, place.sequence, place.time = block["hash"], sequence, block["committed_at"]
        report.blocks += 1
        report.entries += len(found)
    while waiting is not None:
        report.fault(f"entries say block {waiting[0]}, which is not there")
        waiting = next(entries, None)


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
    if entry.recomputed != entry.hash:
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


def _all_entries(connection: sqlite3.Connection, after: int, last: int) -> Iterator[_Entry]:
    streams = [_entries(connection, table, after, last) for table in HASHED]
    yield from merge(*streams, key=lambda e: (e.sequence, e.position))


def _entries(connection: sqlite3.Connection, table: str, after: int, last: int) -> Iterator[_Entry]:
    columns = HASHED[table]
    names = ", ".join(columns)
    sql = f"SELECT {names}, sequence, position, salt, hash FROM {table}"  # noqa: S608
    cursor = connection.execute(
        f"{sql} WHERE sequence > ? AND sequence <= ? ORDER BY sequence, position", (after, last)
    )
    cursor.row_factory = None
    width = len(columns)
    keys = {
        "resource_version": slice(1, 4),
        "content_version": slice(0, 1),
        "hook_card": slice(1, 3),
    }
    key = keys.get(table, slice(1, 2))
    body = columns.index("body") if "body" in columns else None
    digest = columns.index("sha256") if "sha256" in columns else None
    for row in cursor:
        values: tuple[Value, ...] = row[:width]
        sequence, position, salt, hash_ = row[width:]
        problem = ""
        if body is not None and digest is not None:
            problem = _body_problem(values[body], values[digest])
        recomputed = entry_hash(salt, table, values)
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
