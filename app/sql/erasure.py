"""Erase a patient, or what is older than it may be; the chain still proves what is left.

One transaction holds the head of the chain, empties the rows, forgets what is outside the chain,
and appends the block that says so.
"""

import sqlite3
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_plus

import asyncpg
import orjson

from app.domain.history import AuditRecord, ErasureRecord, ReadSet, WriteSet
from app.domain.problem import NotFound, Problem, Refused, Unavailable
from app.sql.batch import HEAD, write_batch
from app.sql.bodies import unpacked
from app.sql.database import Reads, Row, Session, finished, is_postgresql
from app.sql.emptying import PLACE, Place, by_portions, emptying, seal
from app.sql.prepare import alone
from app.sql.rows import instant
from app.sql.sqlite import guest_lock, path_of, writer
from app.sql.transaction import transaction

OF_PATIENT = "tenant = ? AND patient = ? AND salt IS NOT NULL"
PATIENT_TABLES: Mapping[str, str] = {
    "resource_version": OF_PATIENT,
    "decision": OF_PATIENT,
    "audit_event": f"{OF_PATIENT} AND query IS NOT NULL",
    "hook_call": OF_PATIENT,
    "hook_card": OF_PATIENT,
    "feedback": OF_PATIENT,
}
OLD_TABLES: Mapping[str, str] = {
    "hook_call": "tenant = ? AND called_at < ? AND salt IS NOT NULL",
    "decision": "tenant = ? AND as_of < ? AND kind = 'order-review' AND salt IS NOT NULL",
    "audit_event": "tenant = ? AND recorded < ? AND query IS NOT NULL AND salt IS NOT NULL",
}
TENANTS = "SELECT DISTINCT tenant FROM audit_event UNION SELECT DISTINCT tenant FROM hook_call"
BODIES = "SELECT body FROM resource_version WHERE tenant = ? AND patient = ? AND salt IS NOT NULL"
QUERIES = (
    "SELECT sequence, position, query FROM audit_event"
    " WHERE tenant = ? AND query IS NOT NULL AND salt IS NOT NULL"
    " AND (sequence, position) > (?, ?) ORDER BY sequence, position LIMIT ?"
)
# Searches that are read at once: all of them do not fit into memory, and a PostgreSQL ends a
# transaction that has not asked it anything for ten seconds.
PORTION = 5000
BEGIN, END = "INSERT INTO erasing (id) VALUES (1)", "DELETE FROM erasing"
FORGET_ANSWERS = (
    "DELETE FROM idempotency WHERE tenant = ? AND decision_id IN"
    " (SELECT id FROM decision WHERE tenant = ? AND patient = ?)"
)
FORGET_VALUES = (
    "DELETE FROM search_value WHERE row IN"
    " (SELECT rowid FROM resource_version WHERE tenant = ? AND patient = ?)"
)
# So many rows are emptied in one transaction: services on PostgreSQL wait as long as it takes.
AT_ONCE = 5000
ALL = (1 << 62) - 1
SHORTEST_NAME = 3
PATIENT, RETENTION = "patient", "retention"
COMMAND_LINE = "command line"
T = TypeVar("T")
Clock = Callable[[], datetime]


class Erased(NamedTuple):
    """How many rows of the journal were emptied, and what says so."""

    entries: int
    id: str


def erase(url: str, tenant: str, patient: str, clock: Clock) -> Erased:
    """Empty all that is kept of a patient. NotFound: nothing of such a patient is left.

    On SQLite no service may run meanwhile, and the file is written anew without what is gone; also
    when nothing is left, for an erasure that was stopped half-way may have left its pages.
    """
    with alone(url):
        try:
            erased = _permitted(_erase(url, tenant, patient, clock))
        except NotFound:
            _rewrite(url)
            raise
        _rewrite(url)
    return erased


def _permitted(work: Coroutine[Any, Any, T]) -> T:
    """Refused when the role of the database may not erase."""
    try:
        return finished(work)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused(
            Problem(
                f"This role of the database may not erase ({error}).",
                mend="docs/erasure.md says which role may.",
                code="forbidden",
            )
        ) from None


def retain(url: str, months: int, clock: Clock) -> int:
    """Empty hook facts and searches in the audit that are older; the number of rows emptied."""
    before = months_before(clock(), months)
    with alone(url):
        done = _permitted(_retain(url, before, clock))
        _rewrite(url)
    return done


def months_before(moment: datetime, months: int) -> datetime:
    """The same time of that month's day, or of its last day where it is shorter."""
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=years, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError(months)


def _rewrite(url: str) -> None:
    """What was emptied still stands in free pages and in the log: neither is left of a file."""
    if is_postgresql(url):
        return
    path = path_of(url)
    try:
        with guest_lock(path, waits=True), closing(writer(path)) as connection:
            _cut_log(connection)
            connection.execute("VACUUM")
            _cut_log(connection)
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(
            Problem(
                f"The rows are emptied, but the file could not be written anew ({error}).",
                mend="What was in them may still stand in free pages: make room on the disk and end"
                " whatever reads the file, then run the command again.",
                code="exception",
            )
        ) from None


def _cut_log(connection: sqlite3.Connection) -> None:
    """That a reader holds the log SQLite says in a row, and in no error."""
    (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise sqlite3.OperationalError("another process reads the file as it was before")


async def _erase(url: str, tenant: str, patient: str, clock: Clock) -> Erased:
    async with transaction(url) as session:
        head = await _locked_head(session, url)
        places = await _places(session, PATIENT_TABLES, tenant, patient)
        known = set(places)
        places += [p for p in await _naming(session, tenant, patient) if p not in known]
        if not places:
            raise NotFound(Problem(f"Nothing is kept of a patient {patient}.", code="not-found"))
        record = await _emptied(session, places, clock(), patient=patient)
        await session.execute(FORGET_ANSWERS, (tenant, tenant, patient))
        await session.execute(FORGET_VALUES, (tenant, patient))
        await _append(session, head, record, tenant)
    return Erased(record.entries, record.id)


async def _retain(url: str, before: datetime, clock: Clock) -> int:
    done = 0
    async with transaction(url) as session:
        tenants = [row["tenant"] for row in await session.fetch_all(TENANTS)]
    for tenant in tenants:
        while True:
            async with transaction(url) as session:
                head = await _locked_head(session, url)
                places = await _places(session, OLD_TABLES, tenant, instant(before), AT_ONCE)
                if not places:
                    break
                chosen = places[:AT_ONCE]
                record = await _emptied(session, chosen, clock(), before=before)
                await _append(session, head, record, tenant)
            done += record.entries
    return done


async def _locked_head(session: Session, url: str) -> Row:
    """PostgreSQL: it waits as long as it takes, and every service waits for it."""
    if not is_postgresql(url):
        return await session.fetch_one(HEAD)
    await session.execute("SET LOCAL lock_timeout = 0")
    return await session.fetch_one(f"{HEAD} FOR UPDATE")


async def _places(
    reads: Reads, tables: Mapping[str, str], tenant: str, value: str, at_most: int = ALL
) -> list[Place]:
    """So many of each table."""
    return [
        (table, row["sequence"], row["position"])
        for table, where in tables.items()
        for row in await reads.fetch_all(
            f"SELECT sequence, position FROM {table} WHERE {where} LIMIT ?",  # noqa: S608  (constants)
            (tenant, value, at_most),
        )
    ]


async def _naming(reads: Reads, tenant: str, patient: str) -> list[Place]:
    """Searches that asked for one of the patient's own numbers, whatever they found."""
    bodies = [unpacked(row["body"]) for row in await reads.fetch_all(BODIES, (tenant, patient))]
    names = {name for body in bodies for name in _identifiers(orjson.loads(body))}
    names = {name for name in names if len(name) >= SHORTEST_NAME}
    if not names:
        return []
    found: list[Place] = []
    last = (0, -1)
    while rows := await reads.fetch_all(QUERIES, (tenant, *last, PORTION)):
        last = (rows[-1]["sequence"], rows[-1]["position"])
        for row in rows:
            asked = _asked(row["query"])
            if any(name in asked for name in names):
                found.append(("audit_event", row["sequence"], row["position"]))
    return found


def _asked(query: bytes) -> str:
    return unquote_plus(query.decode("utf-8", "replace"))


def _identifiers(node: Any) -> Iterator[str]:  # noqa: ANN401  (JSON of any shape)
    """The values of every ``identifier`` in a resource."""
    if isinstance(node, list):
        for one in node:
            yield from _identifiers(one)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "identifier":
                yield from _values(value)
            else:
                yield from _identifiers(value)


def _values(identifiers: Any) -> Iterator[str]:  # noqa: ANN401  (JSON of any shape)
    for one in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(one, dict) and isinstance(one.get("value"), str):
            yield one["value"]


async def _emptied(
    session: Session,
    places: Sequence[Place],
    now: datetime,
    *,
    patient: str | None = None,
    before: datetime | None = None,
) -> ErasureRecord:
    """Empty the rows; the entry that says so."""
    kept = await seal(session, places)
    await session.execute(BEGIN)
    for table, portion in by_portions(sorted(places)):
        marks = ", ".join([PLACE] * len(portion))
        await session.execute(
            f"UPDATE {table} SET {emptying(table)}"  # noqa: S608  (names of our own)
            f" WHERE (sequence, position) IN (VALUES {marks})",
            [part for place in portion for part in place],
        )
    await session.execute(END)
    return ErasureRecord(
        id=str(uuid.uuid4()),
        recorded=now,
        kind=PATIENT if patient is not None else RETENTION,
        patient=patient,
        before=before,
        who=COMMAND_LINE,
        entries=len(places),
        places=orjson.dumps([list(place) for place in sorted(places)]),
        kept=kept,
    )


async def _append(session: Session, head: Row, record: ErasureRecord, tenant: str) -> None:
    """The block with the erasure and its audit row."""
    audit = AuditRecord(
        id=str(uuid.uuid4()),
        recorded=record.recorded,
        action="D",
        what="",
        patient=record.patient,
        who=record.who,
        origin="",
        outcome="0",
        request_id="",
        interaction="operation",
        operation="erase" if record.kind == PATIENT else "retain",
    )
    batch = await write_batch(session, head, [WriteSet(tenant, ReadSet(), (record, audit))], set())
    for outcome in batch.outcomes:
        if isinstance(outcome, Exception):
            raise outcome
