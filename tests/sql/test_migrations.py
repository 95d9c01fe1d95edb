"""Migrations: up, down and up again; what is journalled is never thrown away."""

import sqlite3
from pathlib import Path

import pytest

from app.domain.problem import Unavailable
from app.sql.migrate import differences, migrate, unmigrate
from app.sql.tables import BLOCK, JOURNAL
from tests.sql.history import write


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
@pytest.mark.parametrize("how", ["update", "delete", "replace"])
def test_what_is_journalled_cannot_be_changed(tmp_path: Path, table: str, how: str) -> None:
    database = tmp_path / "history.db"
    write(database, 1)
    statement = {
        "update": f"UPDATE {table} SET sequence = sequence",  # noqa: S608
        "delete": f"DELETE FROM {table}",  # noqa: S608
        "replace": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",  # noqa: S608
    }[how]

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA recursive_triggers = OFF")
        with pytest.raises(sqlite3.Error, match="append-only"):
            connection.execute(statement)
