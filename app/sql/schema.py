"""Whether the schema of a database is one that this release can work with."""

import sqlite3

import asyncpg

from app.sql.database import Reads

SCHEMA = "SELECT version_num FROM alembic_version"
LATER = "SELECT revision, follows, additive FROM schema_revision"
NO_TABLE = (sqlite3.OperationalError, asyncpg.UndefinedTableError)


async def schema_obstacle(reads: Reads, wanted: str | None) -> str:
    """Empty for the schema that is wanted, and for one that has only added to it since."""
    current = await _current(reads)
    if current == wanted:
        return ""
    if current is None:
        return "the database has no schema"
    later = await _later(reads)
    step = current
    while later.get(step, ("", False))[1]:
        step = later[step][0]
        if step == wanted:
            return ""
    return f"the database has the schema {current}, not {wanted}"


async def _current(reads: Reads) -> str | None:
    try:
        row = await reads.fetch_one(SCHEMA)
    except NO_TABLE:
        return None
    return None if row is None else str(row["version_num"])


async def _later(reads: Reads) -> dict[str, tuple[str, bool]]:
    """Of each migration what it followed and whether it only added."""
    try:
        rows = await reads.fetch_all(LATER)
    except NO_TABLE:
        return {}
    return {row["revision"]: (row["follows"], bool(row["additive"])) for row in rows}
