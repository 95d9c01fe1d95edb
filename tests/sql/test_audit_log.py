"""The audit in the database: rows of the layout before, and the indexes that a search takes."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.auditing import KeptAudit
from app.domain.problem import Refused
from app.domain.searching import NEWEST_FIRST, Comparison, Criterion, Cursor, Search
from app.sql.audit_log import AuditLog, page_of
from app.sql.chain import EMPTY_HASH, block_hash, entry_hash, merkle_root
from app.sql.migrate import migrate
from app.sql.queries import History
from app.sql.rows import FIRST
from app.sql.sqlite import reader
from app.sql.sqlite_reader import SQLiteReader
from app.sql.verify import Report, verify

BEFORE = "20261127_anchor"
AT = "2026-06-01T09:00:00.000000Z"
OLD = {
    "written": ("C", "Observation/o1"),
    "derived": ("E", "derive"),
    "answered": ("E", "respond CarePlan/c1 again d1"),
}


def old(database: Path) -> str:
    """A history of the release before: three audit rows of layout 1 in one block."""
    url = f"sqlite:///{database}"
    migrate(url, BEFORE)
    rows = [
        ("default", id_, AT, action, what, "p1", "anonymous", "127.0.0.1", "0", "r1")
        for id_, (action, what) in OLD.items()
    ]
    salt = bytes(range(16))
    hashes = [entry_hash(salt, "audit_event", row) for row in rows]
    root = merkle_root(hashes)
    own = block_hash(1, AT, len(rows), EMPTY_HASH, root)
    columns = ", ".join((*FIRST["audit_event"], "sequence", "position", "salt", "hash"))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO block (sequence, committed_at, entries, previous, merkle_root, hash)"
            " VALUES (1, ?, ?, ?, ?, ?)",
            (AT, len(rows), EMPTY_HASH, root, own),
        )
        connection.executemany(
            f"INSERT INTO audit_event ({columns}) VALUES ({', '.join('?' * 14)})",  # noqa: S608
            [(*row, 1, n, salt, hashes[n]) for n, row in enumerate(rows)],
        )
        connection.execute("UPDATE head SET sequence = 1, hash = ?, committed_at = ?", (own, AT))
    migrate(url)
    return url


def changed(database: Path, statement: str) -> Report:
    with closing(sqlite3.connect(database)) as connection, connection:
        ((made,),) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'audit_event_no_update'"
        )
        connection.execute("DROP TRIGGER audit_event_no_update")
        connection.execute(statement)
        connection.execute(made)
    return verify(f"sqlite:///{database}")


def test_rows_of_the_layout_before_still_verify(tmp_path: Path) -> None:
    report = verify(old(tmp_path / "old.db"))

    assert report.is_intact, report.faults
    assert report.entries == len(OLD)


@pytest.mark.parametrize(
    "change",
    [
        "status = 200",
        "query = x'00'",
        "interaction = 'read'",
        "layout = 2",
        "layout = 7",
        "what = 'x'",
    ],
)
def test_a_row_of_the_layout_before_holds_nothing_of_the_new_one(
    tmp_path: Path, change: str
) -> None:
    old(tmp_path / "old.db")

    report = changed(tmp_path / "old.db", f"UPDATE audit_event SET {change} WHERE id = 'derived'")  # noqa: S608

    assert any("audit_event derived" in fault for fault in report.faults), report.faults


def test_rows_of_the_layout_before_are_told_as_far_as_they_go(tmp_path: Path) -> None:
    async def told() -> dict[str, KeptAudit]:
        history = History(old(tmp_path / "old.db"))
        try:
            found = [kept async for kept in AuditLog(history.reader).after("default")]
        finally:
            await history.close()
        return {kept.record.id: kept for kept in found}

    found = {name: kept.record for name, kept in asyncio.run(told()).items()}

    said = {name: (r.interaction, r.operation, r.what) for name, r in found.items()}
    assert said == {
        "written": ("create", "", "Observation/o1"),
        "derived": ("operation", "derive", ""),
        "answered": ("operation", "respond", ""),
    }
    assert {record.patient for record in found.values()} == {"p1"}


MANY = (
    "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)"
    " INSERT INTO audit_event (tenant, id, recorded, action, what, who, origin, outcome,"
    " request_id, sequence, position, salt, hash) SELECT 'default', 'n' || n,"
    " printf('2025-%06d', n), 'R', 'CarePlan/' || n, 'north', '', '0', '', 1,"
    " n + 9, x'00', x'00' FROM n"
)


@pytest.mark.parametrize(
    ("name", "text"), [("agent", "Practitioner/none"), ("entity", "CarePlan/none")]
)
async def test_a_name_in_a_long_audit_is_refused_in_time_and_found_with_a_date(
    tmp_path: Path, name: str, text: str
) -> None:
    """No index leads to an agent or an entity: their page is looked for row by row."""
    old(tmp_path / "many.db")
    with closing(sqlite3.connect(tmp_path / "many.db")) as connection, connection:
        connection.execute(MANY)
    named = Criterion(name, ((Comparison("value", "=", text),),))
    log = AuditLog(SQLiteReader(tmp_path / "many.db", seconds=0))

    async def found(*criteria: Criterion) -> int:
        search = Search(("AuditEvent",), criteria=criteria)
        start = Cursor(9, "", 0, -1)
        return len(await log.events("default", search, cursor=start, order=NEWEST_FIRST, count=9))

    with pytest.raises(Refused) as refused:
        await found(named)
    assert "a date" in refused.value.problems[0].mend
    assert await found(named, SINCE) == 0
    assert await found(SINCE) == len(OLD)


SINCE = Criterion("date", ((Comparison("value", ">=", AT),),))
PLANS = [
    (Search(("AuditEvent",)), "ix_audit_event_tenant_recorded"),
    (Search(("AuditEvent",), criteria=(SINCE,)), "ix_audit_event_tenant_recorded"),
    (
        Search(("AuditEvent",), criteria=(SINCE,), patients=(frozenset({"p1"}),)),
        "ix_audit_event_tenant_patient_recorded",
    ),
    (Search(("AuditEvent",), ids=(frozenset({"x"}),)), "sqlite_autoindex_audit_event_1"),
]


@pytest.mark.parametrize(("search", "index"), PLANS, ids=[index for _, index in PLANS])
def test_a_page_walks_an_index_and_sorts_no_more_than_one_instant(
    tmp_path: Path, search: Search, index: str
) -> None:
    database = tmp_path / "new.db"
    migrate(f"sqlite:///{database}")
    statement = page_of("default", search, Cursor(9, "", 0, -1), NEWEST_FIRST, 50)
    with closing(reader(database)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.values)
        plan = [row["detail"] for row in rows]

    assert any(index in step for step in plan), plan
    if not search.ids:
        assert not any("FOR ORDER BY" in step and "LAST" not in step for step in plan), plan
