"""The search values again from the bodies, and whether those that are kept are the same."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from app.domain.searching import SearchValue
from app.sql.bodies import unpacked
from app.sql.database import Reads, Row, Session, finished, is_postgresql
from app.sql.databases import reader_of
from app.sql.search_rows import COLUMNS, search_row
from app.sql.search_rows import Row as Kept
from app.sql.transaction import transaction

CHUNK = 500
VERSIONS = (
    "SELECT rowid, tenant, type, id, version, body"
    " FROM resource_version WHERE rowid > ? AND sequence <= ? AND salt IS NOT NULL"
    " ORDER BY rowid LIMIT ?"
)
KEPT = "SELECT row, key, value, until, system FROM search_value WHERE row = ?"
STATE = "SELECT s.version FROM search_state s JOIN head h ON h.sequence = s.sequence WHERE s.id = 1"
NOT_CURRENT = "DELETE FROM search_state"
NO_VALUES = "DELETE FROM search_value"
CURRENT = (
    "INSERT INTO search_state (id, version, sequence)"
    " SELECT 1, CAST(? AS INTEGER), sequence FROM head WHERE id = 1"
)
HEAD = "SELECT sequence FROM head WHERE id = 1"
EVER = (1 << 62) - 1
# PostgreSQL: one process at a time, waiting as long as it takes; what is deleted is what one
# snapshot saw, and that snapshot says up to which block.
ALONE = (
    "SET LOCAL lock_timeout = 0",
    "SELECT pg_advisory_xact_lock(5017902404)",
)
NO_VALUES_UP_TO = "WITH gone AS (DELETE FROM search_value) SELECT sequence FROM head WHERE id = 1"
HOLD_HEAD = f"{HEAD} FOR UPDATE"
Progress = Callable[[int], None]


class Extraction(NamedTuple):
    """How values are found in a body, and which version of that this is."""

    version: int
    values_in: Callable[[bytes], Sequence[SearchValue]]


def is_current(url: str, extraction: Extraction) -> bool:
    """Whether the values that are kept were found by this extraction, up to the newest block."""
    return finished(_is_current(url, extraction))


async def _is_current(url: str, extraction: Extraction) -> bool:
    reader = reader_of(url)
    try:
        return await _is_made(reader, extraction)
    finally:
        await reader.close()


async def _is_made(reads: Reads, extraction: Extraction) -> bool:
    row = await reads.fetch_one(STATE)
    return row is not None and row["version"] == extraction.version


def reindex(
    url: str,
    extraction: Extraction,
    progress: Progress | None = None,
    *,
    only_if_needed: bool = False,
) -> int:
    """Make all values again; the number of versions that were read.

    On SQLite some versions a transaction, by the holder of the writer's lock; cut off, it is begun
    again at the next start. On PostgreSQL in one transaction beside the running services: they
    read the old values until it commits.
    """
    if only_if_needed and is_current(url, extraction):
        return 0
    if is_postgresql(url):
        return finished(_at_once(url, extraction, progress, only_if_needed=only_if_needed))
    return finished(_in_steps(url, extraction, progress))


async def _in_steps(url: str, extraction: Extraction, progress: Progress | None) -> int:
    async with transaction(url, is_alone=True) as session:
        await session.execute(NOT_CURRENT)
        await session.execute(NO_VALUES)
    done, last = 0, -1
    while True:
        async with transaction(url, is_alone=True) as session:
            chunk = await session.fetch_all(VERSIONS, (last, EVER, CHUNK))
            if not chunk:
                await session.execute(CURRENT, (extraction.version,))
                return done
            await _make(session, chunk, extraction)
        last, done = chunk[-1]["rowid"], done + len(chunk)
        if progress is not None:
            progress(done)


async def _at_once(
    url: str, extraction: Extraction, progress: Progress | None, *, only_if_needed: bool
) -> int:
    async with transaction(url) as session:
        for statement in ALONE:
            await session.execute(statement)
        if only_if_needed and await _is_made(session, extraction):
            return 0
        until = (await session.fetch_one(NO_VALUES_UP_TO))["sequence"]
        done = 0
        async for chunk in _chunks(session, until):
            await _make(session, chunk, extraction)
            done += len(chunk)
            if progress is not None:
                progress(done)
        await session.fetch_one(HOLD_HEAD)
        await session.execute(NOT_CURRENT)
        await session.execute(CURRENT, (extraction.version,))
        return done


async def _make(session: Session, chunk: Sequence[Row], extraction: Extraction) -> None:
    rows = dict.fromkeys(row for version in chunk for row in _rows_of(version, extraction))
    if rows:
        await session.write_rows("search_value", COLUMNS, list(rows))


def differences(url: str, extraction: Extraction) -> list[str]:
    """Each version whose kept values are not those that its body has, in words."""
    return finished(_differences(url, extraction))


async def _differences(url: str, extraction: Extraction) -> list[str]:
    reader, found, expected = reader_of(url), list[str](), 0
    try:
        until = (await reader.fetch_one(HEAD))["sequence"]
        async for chunk in _chunks(reader, until):
            for version in chunk:
                wanted = set(_rows_of(version, extraction))
                expected += len(wanted)
                kept = await reader.fetch_all(KEPT, (version["rowid"],))
                if wanted != {tuple(row) for row in kept}:
                    name = f"{version['type']}/{version['id']}/{version['version']}"
                    found.append(f"search_value {name}: not what its body says")
        found += await _strangers(reader, until, expected)
    finally:
        await reader.close()
    return found


async def _strangers(reads: Reads, until: int, expected: int) -> list[str]:
    """Values beyond those of all versions, unless a service has written meanwhile."""
    kept = (await reads.fetch_one("SELECT count(*) AS kept FROM search_value"))["kept"]
    is_quiet = (await reads.fetch_one(HEAD))["sequence"] == until
    if kept <= expected or not is_quiet:
        return []
    return [f"search_value: {kept - expected} values belong to no version"]


async def _chunks(reads: Reads, until: int) -> AsyncIterator[list[Row]]:
    last = -1
    while chunk := await reads.fetch_all(VERSIONS, (last, until, CHUNK)):
        yield chunk
        last = chunk[-1]["rowid"]


def _rows_of(version: Row, extraction: Extraction) -> list[Kept]:
    return [
        search_row(version["rowid"], version["tenant"], version["type"], value)
        for value in extraction.values_in(unpacked(version["body"]))
    ]
