"""What would refuse to change the journal is missed by ``audit verify``, before anything changed.

No row is touched here: every hash is true, and the report is about the database alone.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sql.tables import BLOCK, JOURNAL
from app.sql.verify import verify
from tests.databases import Kept, Server

GUARDED = [table.name for table in (*JOURNAL, BLOCK)]
VERBS = {"sqlite": ("update", "delete", "replace"), "postgresql": ("update", "delete", "truncate")}
OFF = "is switched off"
GONE = "there is none"
ANOTHER = "is not the one that the migrations make"


def faults(kept: Kept) -> list[str]:
    return verify(kept.url).faults


def drop(kept: Kept, name: str, table: str) -> str:
    return f"DROP TRIGGER {name}" + ("" if kept.is_sqlite else f" ON {table}")


def test_what_the_migrations_make_is_what_is_asked_for(fresh: Kept) -> None:
    assert faults(fresh) == []


def test_every_trigger_that_is_not_there_is_told_by_its_name(fresh: Kept) -> None:
    verbs = VERBS["sqlite" if fresh.is_sqlite else "postgresql"]
    triggers = {f"{table}_no_{verb}": table for table in GUARDED for verb in verbs}
    fresh.change(*(drop(fresh, name, table) for name, table in triggers.items()))

    assert sorted(faults(fresh)) == sorted(f"trigger {name}: {GONE}" for name in triggers)


DOES_NOTHING = "BEGIN SELECT 1; END"
HARMLESS = (
    "CREATE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
)


def harmless(kept: Kept, name: str, when: str) -> tuple[str, ...]:
    """A trigger on the blocks that refuses nothing."""
    made = f"CREATE TRIGGER {name} {when} ON block "
    if kept.is_sqlite:
        return (made + DOES_NOTHING,)
    return (HARMLESS, f"{made} FOR EACH STATEMENT EXECUTE FUNCTION harmless()")


def test_a_trigger_of_the_same_name_that_refuses_nothing_is_told(fresh: Kept) -> None:
    fresh.change(
        drop(fresh, "block_no_delete", "block"),
        *harmless(fresh, "block_no_delete", "BEFORE DELETE"),
    )

    assert faults(fresh) == [f"trigger block_no_delete: it {ANOTHER}"]


def test_a_trigger_of_somebody_else_is_no_fault(fresh: Kept) -> None:
    """A deployer may have their own; what they do to a row breaks a hash."""
    fresh.change(*harmless(fresh, "of_ours", "AFTER INSERT"))

    assert faults(fresh) == []


def test_a_row_left_in_erasing_is_told(fresh: Kept) -> None:
    """While it is there, whoever may UPDATE can empty rows."""
    fresh.change("INSERT INTO erasing (id) VALUES (1)")

    (fault,) = faults(fresh)

    assert fault.startswith("erasing: holds a row")


def test_the_command_line_ends_with_1_and_names_the_trigger(fresh: Kept) -> None:
    fresh.change(drop(fresh, "decision_no_delete", "decision"))

    done = subprocess.run(
        [Path(sys.executable).parent / "painplan", "audit", "verify"],
        env={**os.environ, "PAINPLAN_DATABASE_URL": fresh.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert f"trigger decision_no_delete: {GONE}" in done.stderr
    assert done.stdout == "0 blocks, 0 entries: NOT intact.\n"


@pytest.fixture
def kept(postgresql: Server) -> Iterator[Kept]:
    found = postgresql.fresh()
    yield found
    postgresql.drop(found)


@pytest.mark.parametrize("how", ["DISABLE", "ENABLE REPLICA"])
def test_a_trigger_that_is_switched_off_is_told(kept: Kept, how: str) -> None:
    kept.change(f"ALTER TABLE decision {how} TRIGGER decision_no_delete")

    assert faults(kept) == [f"trigger decision_no_delete: it {OFF}"]


@pytest.mark.parametrize("when", ["WHEN (false)", "OF sequence"])
def test_a_trigger_with_a_condition_of_its_own_is_told(kept: Kept, when: str) -> None:
    of, when = (f" {when}", "") if when.startswith("OF") else ("", f" {when}")
    kept.change(
        "DROP TRIGGER block_no_update ON block",
        f"CREATE TRIGGER block_no_update BEFORE UPDATE{of} ON block"
        f" FOR EACH STATEMENT{when} EXECUTE FUNCTION painplan_append_only()",
    )

    assert faults(kept) == [f"trigger block_no_update: it {OFF}"]


def test_a_function_that_was_made_harmless_is_told_for_each_of_its_triggers(kept: Kept) -> None:
    kept.change(
        "CREATE OR REPLACE FUNCTION painplan_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$"
    )

    assert f"trigger block_no_delete: it {ANOTHER}" in faults(kept)
    assert len(faults(kept)) > 2 * len(GUARDED)


def test_a_database_whose_sessions_pass_over_triggers_is_told(
    postgresql: Server, kept: Kept
) -> None:
    name = kept.url.rpartition("/")[2].partition("?")[0]
    postgresql.admin(f"ALTER DATABASE {name} SET session_replication_role = replica")

    (fault,) = faults(kept)

    assert "session_replication_role" in fault
