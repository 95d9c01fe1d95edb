"""Whether the schema of a database is one that this release can work with."""

import sqlite3

from app.sql.database import Reads

NEWEST = "20261130_layout"
"""The schema of this release: the head of ``migrations/``, which only a migration has to read."""
SCHEMA = "SELECT version_num FROM alembic_version"
LATER = "SELECT revision, follows, additive FROM schema_revision"
UNDEFINED_TABLE = "42P01"


def is_no_table(error: Exception) -> bool:
    """Whether a database says so; PostgreSQL's driver is not loaded where there is none."""
    if isinstance(error, sqlite3.OperationalError):
        return True
    return getattr(error, "sqlstate", None) == UNDEFINED_TABLE


async def schema_obstacle(reads: Reads, wanted: str = NEWEST) -> str:
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
    except Exception as error:
        if is_no_table(error):
            return None
        raise
    return None if row is None else str(row["version_num"])


async def _later(reads: Reads) -> dict[str, tuple[str, bool]]:
    """Of each migration what it followed and whether it only added."""
    try:
        rows = await reads.fetch_all(LATER)
    except Exception as error:
        if is_no_table(error):
            return {}
        raise
    return {row["revision"]: (row["follows"], bool(row["additive"])) for row in rows}
