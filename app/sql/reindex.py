"""The search values again from the bodies, and whether those that are kept are the same."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.searching import SearchValue
from app.sql.bodies import unpacked
from app.sql.sqlite import path_of, reader, writer

CHUNK = 500
VERSIONS = (
    "SELECT rowid, tenant, coalesce(patient, ''), type, id, version, body FROM resource_version"
    " WHERE rowid > ? ORDER BY rowid LIMIT ?"
)
KEPT = (
    "SELECT tenant, patient, type, name, value, until, system, id, version FROM search_value"
    " WHERE tenant = ? AND patient = ? AND type = ? AND id = ? AND version = ?"
)
INSERT = (
    "INSERT OR IGNORE INTO search_value"
    " (tenant, patient, type, name, value, until, system, id, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
STATE = "SELECT s.version FROM search_state s JOIN head h ON h.sequence = s.sequence WHERE s.id = 1"
UP_TO = "UPDATE search_state SET sequence = ? WHERE id = 1"
Row = tuple[str | int, ...]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Extraction:
    """How values are found in a body, and which version of that this is."""

    version: int
    values_in: Callable[[bytes], Sequence[SearchValue]]


def is_current(url: str, extraction: Extraction) -> bool:
    """Whether the values that are kept were found by this extraction, up to the newest block."""
    connection = reader(path_of(url))
    try:
        row = connection.execute(STATE).fetchone()
        return row is not None and row["version"] == extraction.version
    finally:
        connection.close()


def reindex(url: str, extraction: Extraction, progress: Progress | None = None) -> int:
    """Make all values again, some versions a transaction: readers go on meanwhile.

    The caller holds the writer's lock. Cut off, it is begun again at the next start.
    """
    connection = writer(path_of(url))
    try:
        connection.execute("DELETE FROM search_state")
        connection.execute("DELETE FROM search_value")
        done = 0
        for chunk in _chunks(connection):
            rows = [row for version in chunk for row in _rows_of(version, extraction)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            done += len(chunk)
            if progress is not None:
                progress(done)
        connection.execute(
            "INSERT INTO search_state SELECT 1, ?, sequence FROM head WHERE id = 1",
            (extraction.version,),
        )
        return done
    finally:
        connection.close()


def differences(url: str, extraction: Extraction) -> Iterator[str]:
    """Each version whose kept values are not those that its body has, in words."""
    connection = reader(path_of(url))
    connection.row_factory = None
    try:
        expected = 0
        for chunk in _chunks(connection):
            for version in chunk:
                wanted = set(_rows_of(version, extraction))
                expected += len(wanted)
                _, tenant, patient, type_, id_, number, _ = version
                key = (tenant, patient, type_, id_, number)
                if wanted != set(connection.execute(KEPT, key)):
                    yield f"search_value {type_}/{id_}/{number}: not what its body says"
        (kept,) = connection.execute("SELECT count(*) FROM search_value").fetchone()
        if kept > expected:
            yield f"search_value: {kept - expected} values belong to no version"
    finally:
        connection.close()


def _chunks(connection: sqlite3.Connection) -> Iterator[list[tuple[object, ...]]]:
    last: object = -1
    while chunk := connection.execute(VERSIONS, (last, CHUNK)).fetchall():
        yield chunk
        last = chunk[-1][0]


def _rows_of(version: tuple[object, ...], extraction: Extraction) -> list[Row]:
    _, tenant, patient, type_, id_, number, body = version
    assert isinstance(body, bytes)  # noqa: S101  (nothing erases yet)
    return [
        search_row(str(tenant), str(patient), str(type_), str(id_), int(str(number)), value)
        for value in extraction.values_in(unpacked(body))
    ]


def search_row(  # noqa: PLR0913  (the columns of the row)
    tenant: str, patient: str, type_: str, id_: str, version: int, value: SearchValue
) -> Row:
    """A value as it is kept."""
    return (
        tenant,
        patient,
        type_,
        value.name,
        value.value,
        value.until,
        value.system,
        id_,
        version,
    )
