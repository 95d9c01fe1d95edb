"""One changed value anywhere in the journal on PostgreSQL is found, and the report says where."""

from collections.abc import Iterator

import pytest

from app.sql.tables import BLOCK, HEAD, JOURNAL
from app.sql.verify import verify
from tests.databases import Kept, Server
from tests.sql.history import erase_one, write
from tests.sql.test_tampering import COLUMNS, ERASABLE, MADE_UP

WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"


@pytest.fixture(scope="module")
def kept(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    write(kept)
    erase_one(kept)
    yield kept
    postgresql.drop(kept)


@pytest.fixture
def copy(postgresql: Server, kept: Kept) -> Iterator[Kept]:
    """The same history, to be tampered with."""
    found = postgresql.copy(kept)
    yield found
    postgresql.drop(found)


def test_an_untouched_history_is_intact(kept: Kept) -> None:
    report = verify(kept.url)

    assert report.is_intact, report.faults
    assert report.entries > 40
    for table in (*JOURNAL, BLOCK):
        assert kept.count(table.name), table.name


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=".".join)
def test_a_changed_value_is_found_and_placed(copy: Kept, table: str, column: str) -> None:
    order = "sequence" if table in ("block", "head") else "sequence, position"
    rows = copy.rows(f"SELECT ctid::text, sequence, {column} FROM {table} ORDER BY {order}")  # noqa: S608
    place, sequence, value = rows[len(rows) // 2]
    copy.change(
        WITHOUT_TRIGGERS,
        f"UPDATE {table} SET {column} = {_flipped(column, value)} WHERE ctid = '{place}'",  # noqa: S608
    )

    report = verify(copy.url)

    assert not report.is_intact
    said = "\n".join(report.faults)
    assert table in said or f"block {sequence}" in said, said


def _flipped(column: str, value: object) -> str:
    match value:
        case b"":
            return "'x'::bytea"
        case bytes():
            middle = len(value) // 2
            return f"set_byte({column}, {middle}, {value[middle] ^ 1})"
        case int():
            return f"{column} + 1000"
        case None:
            return "'x'"
        case _:
            return f"{column} || 'x'"


@pytest.mark.parametrize(("table", "column"), ERASABLE, ids=".".join)
def test_an_emptied_column_is_found(copy: Kept, table: str, column: str) -> None:
    copy.change(WITHOUT_TRIGGERS, f"UPDATE {table} SET {column} = NULL")  # noqa: S608

    faults = verify(copy.url).faults

    assert any(f"column {column} is empty" in fault for fault in faults), faults


@pytest.mark.parametrize("table", [t.name for t in (*JOURNAL, BLOCK, HEAD)])
def test_a_deleted_row_is_found(copy: Kept, table: str) -> None:
    copy.change(
        WITHOUT_TRIGGERS,
        f"DELETE FROM {table} WHERE sequence = (SELECT max(sequence) FROM {table})",  # noqa: S608
    )

    assert not verify(copy.url).is_intact


@pytest.mark.parametrize("sequence", MADE_UP)
def test_a_block_with_a_number_that_no_history_reaches_is_found(copy: Kept, sequence: int) -> None:
    """The role of a service may add rows, so whoever has it can do this."""
    copy.change(
        "INSERT INTO block (sequence, committed_at, entries, previous, merkle_root, hash)"  # noqa: S608
        f" SELECT {sequence}, committed_at, 1, previous, merkle_root, sha256(hash) FROM block"
        " WHERE sequence = 1",
        "INSERT INTO resource_version (tenant, type, id, version, patient, status, code, date,"  # noqa: S608
        " origin, source, sha256, body, sequence, position, salt, hash)"
        " SELECT tenant, type, id, 99, patient, status, code, date, origin, source, sha256, body,"
        f" {sequence}, 0, salt, hash FROM resource_version WHERE type = 'Patient' AND id = 'p0'"
        " LIMIT 1",
    )

    faults = verify(copy.url).faults

    assert any(str(sequence) in fault for fault in faults), faults
