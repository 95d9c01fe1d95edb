"""One changed byte anywhere in the journal is found, and the report says where."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.sql.tables import BLOCK, HEAD, JOURNAL
from app.sql.verify import Report, verify
from tests.sql.history import copied, erase_one, without_triggers, write_as_before

COLUMNS = [
    (table.name, column.name)
    for table in (*JOURNAL, BLOCK, HEAD)
    for column in table.columns
    if (table.name, column.name) not in {("resource_version", "rowid"), ("head", "id")}
]
# A token comes with authentication, an instant with what goes for its age.
NEVER_HERE = {("audit_event", "token"), ("erasure", "before")}
FILLED = [pair for pair in COLUMNS if pair not in NEVER_HERE]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("history") / "painplan.db"
    write_as_before(file)
    erase_one(file)
    return file


def checked(database: Path) -> Report:
    return verify(f"sqlite:///{database}")


def test_an_untouched_history_is_intact(database: Path) -> None:
    report = checked(database)

    assert report.is_intact, report.faults
    assert report.blocks >= 6
    assert report.entries > 40


def test_every_journal_table_holds_something(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        for table in (*JOURNAL, BLOCK):
            (rows,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608
            assert rows, table.name


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=".".join)
def test_a_changed_value_is_found_and_placed(
    database: Path, tmp_path: Path, table: str, column: str
) -> None:
    copy = copied(database, tmp_path / "copy.db")
    sequence = _change(copy, table, column)

    report = checked(copy)

    assert not report.is_intact
    said = "\n".join(report.faults)
    assert table in said or f"block {sequence}" in said, said


def _change(database: Path, table: str, column: str) -> int:
    """Flip one bit of one value in the middle of the table; NULL becomes a value."""
    connection = without_triggers(database)
    order = "sequence" if table in ("block", "head") else "sequence, position"
    rows = connection.execute(
        f"SELECT rowid, sequence, {column} FROM {table} ORDER BY {order}"  # noqa: S608
    ).fetchall()
    row, sequence, value = rows[len(rows) // 2]
    connection.execute(
        f"UPDATE {table} SET {column} = ? WHERE rowid = ?",  # noqa: S608
        (_flipped(value), row),
    )
    connection.close()
    return int(sequence)


def _flipped(value: object) -> object:
    match value:
        case b"":
            return b"x"
        case "":
            return "x"
        case bytes():
            middle = len(value) // 2
            return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1)
        case int():
            return value + 1000
        case _:
            return "x"


@pytest.mark.parametrize("table", [t.name for t in (*JOURNAL, BLOCK)])
def test_a_deleted_row_is_found(database: Path, tmp_path: Path, table: str) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    connection.execute(
        f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table} WHERE sequence = 1"  # noqa: S608
        f" OR '{table}' != 'content_version')"
    )
    connection.close()

    assert not checked(copy).is_intact


def test_two_rows_that_change_places_are_found(database: Path, tmp_path: Path) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    for to, from_ in ((-1, 0), (0, 1), (1, -1)):
        connection.execute(
            "UPDATE resource_version SET position = ? WHERE sequence = 1 AND position = ?",
            (to, from_),
        )
    connection.close()

    report = checked(copy)

    assert not report.is_intact
    assert any("block 1" in fault for fault in report.faults)


def test_a_row_put_in_by_hand_is_found(database: Path, tmp_path: Path) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    connection.execute(
        "INSERT INTO audit_event (tenant, id, recorded, action, what, patient, who, origin,"
        " outcome, request_id, sequence, position, salt, hash) SELECT tenant, 'by-hand', recorded,"
        " action, what, patient, who, origin, outcome, request_id, sequence, 99, salt, hash"
        " FROM audit_event LIMIT 1"
    )
    connection.close()

    assert not checked(copy).is_intact


def test_a_whole_block_cut_out_of_the_middle_is_found(database: Path, tmp_path: Path) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    for table in (*JOURNAL, BLOCK):
        connection.execute(f"DELETE FROM {table.name} WHERE sequence = 3")  # noqa: S608
    connection.close()

    report = checked(copy)

    assert not report.is_intact
    assert any("block 4: follows block 2" in fault for fault in report.faults)


def test_a_truncated_history_whose_head_was_not_moved_is_found(
    database: Path, tmp_path: Path
) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    (last,) = connection.execute("SELECT max(sequence) FROM block").fetchone()
    for table in (*JOURNAL, BLOCK):
        connection.execute(f"DELETE FROM {table.name} WHERE sequence = ?", (last,))  # noqa: S608
    connection.close()

    report = checked(copy)

    assert not report.is_intact
    assert any("head" in fault for fault in report.faults)


def test_a_file_with_a_damaged_page_is_no_intact_history(database: Path, tmp_path: Path) -> None:
    copy = copied(database, tmp_path / "copy.db")
    content = bytearray(copy.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    copy.write_bytes(content)

    assert not checked(copy).is_intact


ERASABLE = [
    ("resource_version", "salt"),
    ("resource_version", "body"),
    ("decision", "salt"),
    ("decision", "parameters"),
    ("decision", "trace"),
    ("decision", "inputs"),
    ("decision", "outputs"),
    ("audit_event", "salt"),
    ("content_version", "files"),
]


@pytest.mark.parametrize(("table", "column"), ERASABLE, ids=".".join)
def test_an_emptied_column_is_found(
    database: Path, tmp_path: Path, table: str, column: str
) -> None:
    """A row without its salt could say anything, and no erasure names it."""
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    connection.execute(f"UPDATE {table} SET {column} = NULL")  # noqa: S608
    connection.close()

    report = checked(copy)

    assert any(f"column {column} is empty" in fault for fault in report.faults), report.faults


@pytest.mark.parametrize(("table", "column"), FILLED, ids=".".join)
def test_a_value_of_another_type_is_found_and_placed(
    database: Path, tmp_path: Path, table: str, column: str
) -> None:
    """The text p0 and the blob p0 hash alike, and a look-up finds only one of them."""
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    (kind,) = connection.execute(
        f"SELECT typeof({column}) FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
    ).fetchone()
    other = "TEXT" if kind == "blob" else "BLOB"
    connection.execute(f"UPDATE {table} SET {column} = CAST({column} AS {other})")  # noqa: S608
    connection.close()

    report = checked(copy)

    assert not report.is_intact
    assert any(table in fault and column in fault for fault in report.faults), report.faults


def test_an_index_that_hides_rows_is_found(database: Path, tmp_path: Path) -> None:
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    connection.execute("PRAGMA writable_schema = ON")
    changed = connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'as_of', 'engine')"
        " WHERE name = 'ix_decision_tenant_patient_kind_as_of'"
    ).rowcount
    connection.close()

    assert changed == 1
    assert not checked(copy).is_intact


def test_a_history_of_many_blocks_is_walked_in_parts(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sql.verify.EVERY", 2)
    seen: list[int] = []

    report = verify(f"sqlite:///{database}", seen.append)

    assert report.is_intact, report.faults
    assert len(seen) >= 3


def test_a_missing_block_between_two_parts_is_found(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sql.verify.EVERY", 2)
    copy = copied(database, tmp_path / "copy.db")
    connection = without_triggers(copy)
    for table in ("resource_version", "decision", "audit_event", "content_version", "block"):
        connection.execute(f"DELETE FROM {table} WHERE sequence IN (3, 4)")  # noqa: S608
    connection.close()

    assert any("some are missing" in fault for fault in checked(copy).faults)


def test_large_blocks_are_walked_one_by_one(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sql.verify.ENTRIES", 1)
    seen: list[int] = []

    report = verify(f"sqlite:///{database}", seen.append)

    assert report.is_intact, report.faults
    assert len(seen) == report.blocks - 1
    copy = copied(database, tmp_path / "copy.db")
    with closing(without_triggers(copy)) as connection:
        connection.execute("DELETE FROM block WHERE sequence = 3")
    assert any("entries say block 3" in fault for fault in checked(copy).faults)


MADE_UP = (-(1 << 63), -(1 << 63) + 1, -(1 << 62) - 1, -1, 1 << 50, (1 << 63) - 1)


@pytest.mark.parametrize("sequence", MADE_UP)
def test_a_block_with_a_number_that_no_history_reaches_is_found(
    database: Path, tmp_path: Path, sequence: int
) -> None:
    """With a version in it that is newer than the newest: reading would give that one out.

    Nothing was changed and no trigger put aside: whoever may add rows can do this.
    """
    copy = copied(database, tmp_path / "copy.db")
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(
            "INSERT INTO block SELECT ?, committed_at, 1, previous, merkle_root, randomblob(32)"
            " FROM block WHERE sequence = 1",
            (sequence,),
        )
        connection.execute(
            "INSERT INTO resource_version (tenant, type, id, version, patient, status, code, date,"
            " origin, source, sha256, body, sequence, position, salt, hash)"
            " SELECT tenant, type, id, 99, patient, status, code, date, origin, source, sha256,"
            " body, ?, 0, salt, hash FROM resource_version WHERE type = 'Patient' AND id = 'p0'"
            " LIMIT 1",
            (sequence,),
        )

    report = checked(copy)

    assert not report.is_intact
    assert any(str(sequence) in fault for fault in report.faults), report.faults
