"""Migrations: up, down and up again; what is journalled is never thrown away."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.domain.problem import Unavailable
from app.main import SEARCH
from app.sql.migrate import differences, migrate, unmigrate
from app.sql.prepare import prepare_database
from app.sql.tables import BLOCK, JOURNAL
from app.sql.verify import verify
from tests.sql.history import erase_one, write


def objects(database: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        )
        return {(type_, name) for type_, name in rows}


def test_up_down_up(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    url = f"sqlite:///{database}"

    migrate(url)
    first = objects(database)
    unmigrate(url)
    emptied = objects(database)
    migrate(url)

    assert emptied == {("table", "alembic_version")}
    assert objects(database) == first
    assert {name for type_, name in first if type_ == "table"} >= {t.name for t in JOURNAL}


def test_the_migrated_schema_is_the_one_the_code_knows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    migrate(url)

    differences(url)


def test_every_append_only_table_has_its_three_triggers(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    migrate(f"sqlite:///{database}")

    triggers = [name for type_, name in objects(database) if type_ == "trigger"]

    for table in (*JOURNAL, BLOCK):
        assert sum(table.name in name for name in triggers) >= 3, table.name


def test_a_history_that_holds_something_is_not_taken_down(tmp_path: Path) -> None:
    database = tmp_path / "history.db"
    write(database, 1)

    with pytest.raises(Exception, match=r"journal|holds|empty"):
        unmigrate(f"sqlite:///{database}")

    with sqlite3.connect(database) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM decision").fetchone()
    assert rows


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "newer.db"
    url = f"sqlite:///{database}"
    migrate(url)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '20990101_future'")

    with pytest.raises(Unavailable, match="future"):
        migrate(url)


@pytest.mark.parametrize("table", [t.name for t in (*JOURNAL, BLOCK)])
@pytest.mark.parametrize("how", ["update", "delete", "replace", "over a row"])
def test_what_is_journalled_cannot_be_changed(tmp_path: Path, table: str, how: str) -> None:
    database = tmp_path / "history.db"
    write(database, 1)
    erase_one(database)
    statement = {
        "update": f"UPDATE {table} SET sequence = sequence",  # noqa: S608
        "delete": f"DELETE FROM {table}",  # noqa: S608
        "replace": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",  # noqa: S608
        "over a row": _over_a_row(database, table),
    }[how]

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA recursive_triggers = OFF")
        with pytest.raises(sqlite3.Error, match="append-only"):
            connection.execute(statement)


def _over_a_row(database: Path, table: str) -> str:
    """Another key and another place, under a rowid that is taken."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = [name for _, name, *_ in rows if name != "rowid"]
    other = {
        "sequence": "sequence + 1000",
        "id": "id || 'x'",
        "digest": "digest || 'x'",
        "hash": "zeroblob(32)",
    }
    values = ", ".join(other.get(name, name) for name in names)
    columns = ", ".join(["rowid", *names])
    return f"INSERT OR REPLACE INTO {table} ({columns}) SELECT rowid, {values} FROM {table}"  # noqa: S608


@pytest.mark.parametrize("prepare", [migrate, partial(prepare_database, extraction=SEARCH)])
@pytest.mark.parametrize("kind", ["a folder", "no database", "half a database"])
def test_a_file_that_cannot_be_migrated_is_told_in_words(
    tmp_path: Path, kind: str, prepare: Callable[[str], None]
) -> None:
    file = tmp_path / "x.db"
    match kind:
        case "a folder":
            file.mkdir()
        case "no database":
            file.write_bytes(b"not a database, but long enough to be looked at as one" * 40)
        case _:
            with sqlite3.connect(file) as connection:
                connection.execute("CREATE TABLE block (sequence INTEGER)")

    with pytest.raises(Unavailable, match="cannot be opened and migrated"):
        prepare(f"sqlite:///{file}")


@pytest.mark.parametrize(("made", "kept"), [(None, 2048), (4096, 4096)])
def test_a_new_file_has_small_pages_and_an_old_one_keeps_its_own(
    tmp_path: Path, made: int | None, kept: int
) -> None:
    file = tmp_path / "x.db"
    if made is not None:
        with sqlite3.connect(file) as connection:
            connection.execute(f"PRAGMA page_size = {made}")
            connection.execute("CREATE TABLE before (id INTEGER)")

    write(file, 1)

    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (kept,)
    assert verify(f"sqlite:///{file}").is_intact


def test_the_file_is_for_the_service_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    migrate(f"sqlite:///{file}")

    assert file.stat().st_mode & 0o077 == 0


def test_processes_that_migrate_at_once_do_no_harm(tmp_path: Path) -> None:
    """One does it; another waits for it or says who is at work."""
    url = f"sqlite:///{tmp_path}/x.db"
    command = [str(Path(sys.executable).with_name("painplan")), "migrate"]
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": url}
    running = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[1] for process in running]

    assert 0 in {process.returncode for process in running}
    assert all(not words or "Another process" in words for words in said), said
    differences(url)
