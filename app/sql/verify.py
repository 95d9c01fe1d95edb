"""Verify the chain: recompute every hash from what is stored, and say where one fails."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
import orjson

from app.domain.history import AnchorRecord
from app.domain.problem import NotFound, Problem, Unavailable
from app.sql.anchored import Anchored
from app.sql.bodies import unpacked
from app.sql.chain import EMPTY_HASH, Value, block_hash, entry_hash, merkle_root
from app.sql.database import Reader, Reads, Row, finished, is_postgresql
from app.sql.databases import reader_of
from app.sql.emptying import Place, is_empty, seal
from app.sql.guards import open_guards
from app.sql.known import KEYS
from app.sql.rows import HASHED, layout_of
from app.sql.sqlite import path_of
from app.sql.value_types import foreign_values

FAULTS_AT_MOST = 100
EVERY = 1000
ENTRIES = 20_000
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
HEAD = "SELECT sequence, hash, committed_at FROM head WHERE id = 1"
BLOCKS = "SELECT * FROM block WHERE sequence > ? ORDER BY sequence LIMIT ?"
BEFORE_ALL = "SELECT count(*) AS there FROM {} WHERE sequence = ?"
ERASURES = (
    "SELECT id, places, kept, sequence FROM erasure WHERE sequence > ? ORDER BY sequence, position"
)
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


class _Entry(NamedTuple):
    position: int
    table: str
    key: str
    hash: bytes
    recomputed: bytes
    problem: str


def verify(
    url: str, progress: Progress | None = None, anchors: Sequence[AnchorRecord] = ()
) -> Report:
    """Stream over the whole chain, some blocks a transaction: the log of a live service can shrink.

    ``anchors`` were kept elsewhere and are sorted by their blocks. Without one, a chain that its
    owner has rewritten from some block to the end cannot be told from a true one. NotFound and
    Unavailable: there is nothing to verify.
    """
    return finished(_verify_at(url, progress, anchors))


async def _verify_at(
    url: str, progress: Progress | None, anchors: Sequence[AnchorRecord]
) -> Report:
    is_typed = is_postgresql(url)
    if not is_typed and not path_of(url).is_file():
        raise NotFound(Problem(f"There is no database {path_of(url)}.", code="not-found"))
    reader = reader_of(url)
    try:
        await _require_history(reader)
        return await _verify(reader, progress, Anchored(anchors), is_typed=is_typed)
    except (sqlite3.DatabaseError, asyncpg.PostgresError) as error:
        return _unreadable(error)
    finally:
        await reader.close()


async def _require_history(reader: Reader) -> None:
    try:
        await reader.fetch_one("SELECT sequence FROM head")
    except (sqlite3.OperationalError, asyncpg.UndefinedTableError) as error:
        problem = Problem(f"The database cannot be read ({error}).", code="exception")
        raise Unavailable(problem) from None


def _unreadable(error: Exception) -> Report:
    report = Report()
    report.fault(f"the database cannot be read to its end ({error})")
    return report


async def _verify(
    reader: Reader, progress: Progress | None, anchored: Anchored, *, is_typed: bool
) -> Report:
    report = Report()
    for fault in await foreign_values(reader, is_typed=is_typed):
        report.fault(fault)
    if not is_typed:
        for (said,) in await reader.fetch_all("PRAGMA integrity_check(10)"):
            if said != "ok":
                report.fault(f"the file is damaged: {said}")
    if report.faults:
        return report  # what is no hash, no number or no row cannot be computed with
    guards = await open_guards(reader, is_postgresql=is_typed)
    for fault in (*guards, *await _before_all(reader)):
        report.fault(fault)
    place = _Place(anchored)
    while await _some_blocks(reader, place, report):
        if progress is not None:
            progress(report.entries)
    for fault in anchored.beyond():
        report.fault(fault)
    return report


async def _before_all(reads: Reads) -> list[str]:
    """Tables with rows of the one number that the walk begins behind."""
    return [
        f"{table}: a row says block {LOWEST}, and no history has one"
        for table in ("block", *HASHED)
        if (await reads.fetch_one(BEFORE_ALL.format(table), (LOWEST,)))["there"]
    ]


@dataclass(slots=True)
class _Place:
    """Where the walk stands: the last block seen, and up to which number everything was read."""

    anchored: Anchored
    sequence: int = 0
    hash: bytes = EMPTY_HASH
    time: str = ""
    after: int = LOWEST
    erasures: int = LOWEST
    erased: set[Place] = field(default_factory=set)


async def _some_blocks(reader: Reader, place: _Place, report: Report) -> bool:
    """The next blocks in one snapshot; False after the last, when the head was checked, too."""
    async with reader.snapshot() as reads:
        await _read_erasures(reads, place, report)
        blocks = await reads.fetch_all(BLOCKS, (place.after, EVERY))
        is_more = len(blocks) == EVERY
        enough = _enough(blocks)
        if enough < len(blocks):
            blocks, is_more = blocks[:enough], True
        # By their order and not by their numbers, which somebody may have made up.
        last = blocks[-1]["sequence"] if is_more else HIGHEST
        entries: dict[int, list[_Entry]] = {}
        for table in HASHED:
            await _read_entries(reads, table, place, last, entries)
        head = None if is_more else await reads.fetch_one(HEAD)
    _walk(blocks, entries, place, report)
    place.after = last
    if not is_more:
        _check_head(head, place, report)
    return is_more


def _enough(blocks: Sequence[Row]) -> int:
    """How many of these blocks are read together: at least one, and not more than fit."""
    together = 0
    for number, block in enumerate(blocks):
        together += block["entries"]
        if together > ENTRIES and number:
            return number
    return len(blocks)


def _walk(
    blocks: Sequence[Row],
    entries: Mapping[int, list[_Entry]],
    place: _Place,
    report: Report,
) -> None:
    named = {block["sequence"] for block in blocks}
    for sequence in sorted(entries.keys() - named):
        report.fault(f"entries say block {sequence}, which is not there")
    for block in blocks:
        found = sorted(entries.get(block["sequence"], ()), key=lambda entry: entry.position)
        _check_block(block, found, place, report)
        place.hash, place.sequence = block["hash"], block["sequence"]
        place.time = block["committed_at"]
        for fault in place.anchored.passed(place.sequence, place.hash):
            report.fault(fault)
        report.blocks += 1
        report.entries += len(found)


def _check_block(block: Row, found: Sequence[_Entry], place: _Place, report: Report) -> None:
    sequence = block["sequence"]
    if sequence != place.sequence + 1:
        report.fault(f"block {sequence}: follows block {place.sequence}, some are missing")
    if block["previous"] != place.hash:
        report.fault(f"block {sequence}: column previous is not the hash of the block before")
    if block["committed_at"] < place.time:
        report.fault(f"block {sequence}: column committed_at is before the block before")
    if len(found) != block["entries"]:
        report.fault(f"block {sequence}: says {block['entries']} entries, has {len(found)}")
    for number, entry in enumerate(found):
        if entry.position != number or entry.problem or entry.recomputed != entry.hash:
            _tell(entry, number, sequence, report)
    if merkle_root([e.hash for e in found]) != block["merkle_root"]:
        report.fault(f"block {sequence}: column merkle_root does not match its entries")
    own = block_hash(
        sequence, block["committed_at"], block["entries"], block["previous"], block["merkle_root"]
    )
    if own != block["hash"]:
        report.fault(f"block {sequence}: its columns do not match its hash")


def _tell(entry: _Entry, number: int, sequence: int, report: Report) -> None:
    place = f"{entry.table} {entry.key} (block {sequence}, position {entry.position})"
    if entry.position != number:
        report.fault(f"{place}: expected position {number}")
    if entry.problem:
        report.fault(f"{place}: {entry.problem}")
    if entry.recomputed != entry.hash:
        report.fault(f"{place}: its content does not match its hash")


def _check_head(head: Row, place: _Place, report: Report) -> None:
    if head is None:
        report.fault("head: there is none")
    elif head["sequence"] != place.sequence or head["hash"] != place.hash:
        report.fault(f"head: says block {head['sequence']}, the last block is {place.sequence}")
    elif place.time and head["committed_at"] != place.time:
        report.fault("head: column committed_at is not that of the last block")


async def _read_entries(
    reads: Reads, table: str, place: _Place, last: int, entries: dict[int, list[_Entry]]
) -> None:
    """The entries of one table, added to those of the others in their blocks."""
    columns = HASHED[table]
    names = ", ".join(columns)
    rows = await reads.fetch_all(
        f"SELECT {names}, sequence, position, salt, hash FROM {table}"  # noqa: S608  (names of our own)
        " WHERE sequence > ? AND sequence <= ?",
        (place.after, last),
    )
    width = len(columns)
    own = [columns.index(name) for name in KEYS[table] if name != "tenant"]
    body = columns.index("body") if "body" in columns else None
    digest = columns.index("sha256") if "sha256" in columns else None
    for row in rows:
        values: tuple[Value, ...] = tuple(row)[:width]
        sequence, position, salt, hash_ = row["sequence"], row["position"], row["salt"], row["hash"]
        layout, hashed = layout_of(table, row)
        key = "/".join(str(values[column]) for column in own)
        if salt is None:
            problem = _emptied_problem(table, row, place)
            entries.setdefault(sequence, []).append(
                _Entry(position, table, key, hash_, hash_, problem)
            )
            continue
        problem = ""
        if body is not None and digest is not None:
            problem = _body_problem(values[body], values[digest])
        recomputed = entry_hash(salt, table, values[: len(hashed)], layout)
        if len(hashed) < width and (
            row["layout"] != layout or any(v is not None for v in values[len(hashed) : -1])
        ):
            problem = "a column holds something that its layout does not know"
        entry = _Entry(position, table, key, hash_, recomputed, problem)
        entries.setdefault(sequence, []).append(entry)


def _emptied_problem(table: str, row: Row, place: _Place) -> str:
    """A row without its salt could say anything: an erasure has to name it, and it says nothing."""
    if (table, row["sequence"], row["position"]) not in place.erased:
        return "column salt is empty, and no erasure says so"
    return "" if is_empty(table, row) else "it was erased, and some of it is there"


async def _read_erasures(reads: Reads, place: _Place, report: Report) -> None:
    """The erasures since the last look: which rows they emptied, and what stays of those."""
    for row in await reads.fetch_all(ERASURES, (place.erasures,)):
        place.erasures = row["sequence"]
        try:
            listed = orjson.loads(unpacked(row["places"]))
            places = [(str(table), int(at), int(n)) for table, at, n in listed]
            is_sealed = await seal(reads, places) == row["kept"]
        except Exception:  # noqa: BLE001  (whatever a damaged list raises, it is damaged)
            report.fault(f"erasure {row['id']}: what it lists cannot be read")
            continue
        if not is_sealed:
            tables = ", ".join(sorted({table for table, _, _ in places}))
            report.fault(f"erasure {row['id']}: what it left in {tables} was changed afterwards")
        place.erased.update(places)


def _body_problem(body: Value, digest: Value) -> str:
    if not isinstance(body, bytes):
        return ""
    try:
        plain = unpacked(body)
    except Unavailable as later:
        return f"its body: {later.problems[0].what}"
    except Exception:  # noqa: BLE001  (whatever a damaged frame raises, it is damaged)
        return "its body cannot be decompressed"
    return "" if hashlib.sha256(plain).digest() == digest else "its body does not match sha256"
