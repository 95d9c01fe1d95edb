"""The versions of one resource or of a type, newest first, as of the block of the first page."""

from app.domain.searching import Cursor, Versions
from app.sql.page_bodies import COLUMNS
from app.sql.rows import instant

NEWER_THERE = (
    "AND NOT EXISTS (SELECT 1 FROM resource_version n CROSS JOIN block m"
    " ON m.sequence = n.sequence WHERE n.tenant = r.tenant AND n.type = r.type AND n.id = r.id"
    " AND n.version > r.version AND m.committed_at <= ?)"
)


def _where(tenant: str, wanted: Versions, snapshot: int) -> tuple[str, list[object]]:
    sql = "FROM resource_version r CROSS JOIN block b ON b.sequence = r.sequence"
    values: list[object] = [tenant, wanted.type, snapshot]
    if wanted.id is None:  # by the order of the blocks, so that nothing is sorted
        sql += " WHERE +r.tenant = ? AND +r.type = ? AND r.sequence <= ?"
    else:
        sql += " WHERE r.tenant = ? AND r.type = ? AND +r.sequence <= ? AND r.id = ?"
        values.append(wanted.id)
    sql += " AND r.salt IS NOT NULL"
    if wanted.patient is not None:
        sql += " AND +r.patient = ?"
        values.append(wanted.patient)
    if wanted.since is not None:
        sql += " AND b.committed_at >= ?"
        values.append(instant(wanted.since))
    if wanted.at is not None:
        first, after = wanted.at
        sql += f" AND b.committed_at < ? {NEWER_THERE}"
        values += [instant(after), instant(first)]
    return sql, values


def page_of_versions(
    tenant: str, wanted: Versions, cursor: Cursor, count: int
) -> tuple[str, list[object]]:
    """The rows of one page, after the cursor."""
    where, values = _where(tenant, wanted, cursor.snapshot)
    if cursor.position >= 0:
        where += " AND (r.sequence, r.position) < (?, ?)"
        values += [cursor.sequence, cursor.position]
    inner = f"SELECT r.rowid AS row {where} ORDER BY r.sequence DESC, r.position DESC LIMIT ?"
    sql = (
        f"SELECT {COLUMNS}, b.committed_at FROM ({inner}) q"  # noqa: S608  (constants)
        " CROSS JOIN resource_version v ON v.rowid = q.row"
        " CROSS JOIN block b ON b.sequence = v.sequence"
        " ORDER BY v.sequence DESC, v.position DESC"
    )
    return sql, [*values, count]


def number_of_versions(tenant: str, wanted: Versions, snapshot: int) -> tuple[str, list[object]]:
    """How many there are in all."""
    where, values = _where(tenant, wanted, snapshot)
    return f"SELECT count(*) {where}", values
