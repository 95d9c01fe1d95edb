"""Migrations on PostgreSQL: up, down and up again, several at once, append-only, which schema."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.domain.problem import Unavailable
from app.main import create_app
from app.settings import Settings
from app.sql.migrate import differences, migrate, unmigrate
from app.sql.tables import BLOCK, JOURNAL
from tests.databases import NAMED, Kept, Server
from tests.sql.history import erase_one, write

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
APPENDED = [table.name for table in (*JOURNAL, BLOCK)]


@pytest.fixture
def bare(postgresql: Server) -> Iterator[Kept]:
    """A database in which nothing is yet."""
    kept = postgresql.fresh(migrated=False)
    yield kept
    postgresql.drop(kept)


@pytest.fixture
def migrated(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    yield kept
    postgresql.drop(kept)


@pytest.fixture(scope="module")
def filled(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    write(kept, 1)
    erase_one(kept)
    yield kept
    postgresql.drop(kept)


def objects(kept: Kept) -> set[tuple[str, str]]:
    return {
        (kind, name)
        for kind, query in {
            "table": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
            "index": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
            "trigger": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
            "function": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        }.items()
        for (name,) in kept.rows(query)
    }


def test_up_down_up(bare: Kept) -> None:
    migrate(bare.url)
    first = objects(bare)
    unmigrate(bare.url)
    emptied = objects(bare)
    migrate(bare.url)

    assert emptied == {("table", "alembic_version"), ("index", "alembic_version_pkc")}
    assert objects(bare) == first
    differences(bare.url)


def test_a_migration_that_was_interrupted_among_its_indexes_is_made_again(bare: Kept) -> None:
    migrate(bare.url, "20261127_anchor")
    bare.change(
        "CREATE INDEX ix_audit_event_tenant_recorded ON audit_event (tenant)",
        "CREATE INDEX ix_decision_tenant_patient_kind_as_of ON decision (tenant)",
        "DROP INDEX ix_decision_tenant_patient_as_of",
    )

    migrate(bare.url)
    differences(bare.url)
    ((made,),) = bare.rows(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_decision_tenant_patient_kind_as_of'"
    )
    assert made.endswith("(tenant, patient, kind, as_of)")

    unmigrate(bare.url, "20261127_anchor")
    names = {name for kind, name in objects(bare) if kind == "index"}
    assert "ix_decision_tenant_patient_as_of" in names
    assert "ix_decision_tenant_patient_kind_as_of" not in names


def test_no_index_was_left_half_made(migrated: Kept) -> None:
    assert migrated.rows("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid") == []


def test_every_append_only_table_has_its_triggers(migrated: Kept) -> None:
    rows = migrated.rows("SELECT tgrelid::regclass::text, tgname FROM pg_trigger")
    for table in APPENDED:
        wanted = {f"{table}_no_{verb}" for verb in ("update", "delete", "truncate")}
        assert {name for of, name in rows if of == table} >= wanted, table


@pytest.mark.parametrize("table", APPENDED)
@pytest.mark.parametrize("how", ["update", "delete", "truncate", "replace", "insert"])
def test_what_is_journalled_cannot_be_changed(filled: Kept, table: str, how: str) -> None:
    statement = {
        "update": f"UPDATE {table} SET sequence = sequence",  # noqa: S608
        "delete": f"DELETE FROM {table}",  # noqa: S608
        "truncate": f"TRUNCATE {table} CASCADE",
        "replace": f"INSERT INTO {table} SELECT * FROM {table}"  # noqa: S608
        " ON CONFLICT (sequence" + (")" if table == "block" else ", position)") + " DO UPDATE"
        " SET sequence = EXCLUDED.sequence",
        "insert": f"INSERT INTO {table} SELECT * FROM {table}",  # noqa: S608
    }[how]
    before = filled.count(table)
    refusal = "duplicate key" if how == "insert" else "append-only"

    with pytest.raises(asyncpg.PostgresError, match=refusal):
        filled.change(statement)

    assert filled.count(table) == before > 0


def test_text_is_compared_byte_by_byte(migrated: Kept) -> None:
    rows = migrated.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name != 'alembic_version'"
        " AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C'"
    )
    assert rows == []


def test_a_history_that_holds_something_is_not_taken_down(filled: Kept) -> None:
    decisions = filled.count("decision")

    with pytest.raises(RuntimeError, match="not dropped by a migration"):
        unmigrate(filled.url)

    assert filled.count("decision") == decisions > 0
    migrate(filled.url)


def test_processes_that_migrate_at_once_do_it_once(bare: Kept) -> None:
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": bare.url}
    running = [
        subprocess.Popen([PAINPLAN, "migrate"], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=120)[1] for process in running]

    assert [process.returncode for process in running] == [0] * 4, said
    differences(bare.url)


def test_a_table_that_is_in_use_stops_a_migration_and_not_the_service(bare: Kept) -> None:
    """A lock that is not to be had is given up: the others behind it would wait as well."""
    migrate(bare.url, "20261126_hooks")

    async def held() -> None:
        connection = await asyncpg.connect(bare.url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(Unavailable, match="cannot be opened and migrated"):
                    await asyncio.to_thread(migrate, bare.url)
        finally:
            await connection.close()

    asyncio.run(held())
    migrate(bare.url)


async def _start(kept: Kept) -> None:
    app = create_app(Settings(database_url=kept.url, log_level="ERROR"))
    async with app.router.lifespan_context(app):
        pass


def test_an_older_schema_and_none_are_refused_by_name(bare: Kept) -> None:
    with pytest.raises(Unavailable, match="has no schema"):
        asyncio.run(_start(bare))

    migrate(bare.url, "20261126_hooks")
    with pytest.raises(Unavailable, match="20261126_hooks"):
        asyncio.run(_start(bare))


@pytest.mark.parametrize("additive", [True, False])
def test_a_newer_schema_is_served_if_it_has_only_added(migrated: Kept, *, additive: bool) -> None:
    ((current,),) = migrated.rows("SELECT version_num FROM alembic_version")
    migrated.change(
        f"INSERT INTO schema_revision VALUES ('20990101_later', '{current}', 1)",  # noqa: S608
        f"INSERT INTO schema_revision VALUES ('20990102_last', '20990101_later', {int(additive)})",  # noqa: S608
        "UPDATE alembic_version SET version_num = '20990102_last'",
    )

    if additive:
        asyncio.run(_start(migrated))
        return
    with pytest.raises(Unavailable, match="20990102_last"):
        asyncio.run(_start(migrated))


def test_a_database_that_does_not_keep_what_it_says_is_refused(migrated: Kept) -> None:
    ((database,),) = migrated.rows("SELECT current_database()")
    migrated.change(f"ALTER DATABASE {database} SET synchronous_commit = off")

    with pytest.raises(Unavailable, match="synchronous_commit"):
        asyncio.run(_start(migrated))


def test_a_server_that_does_not_wait_for_its_disk_is_refused(
    migrated: Kept, postgresql: Server
) -> None:
    if os.environ.get(NAMED):
        pytest.skip(f"changes the whole server, and {NAMED} names somebody's")
    postgresql.admin("ALTER SYSTEM SET fsync = off")
    postgresql.admin("SELECT pg_reload_conf()")
    try:
        _until(migrated, "off")
        with pytest.raises(Unavailable, match="fsync"):
            asyncio.run(_start(migrated))
    finally:
        postgresql.admin("ALTER SYSTEM RESET fsync")
        postgresql.admin("SELECT pg_reload_conf()")
    _until(migrated, "on")
    asyncio.run(_start(migrated))


def _until(kept: Kept, wanted: str) -> None:
    """A server takes its new settings in a moment."""
    for _ in range(200):
        if kept.rows("SELECT current_setting('fsync')") == [(wanted,)]:
            return
        time.sleep(0.05)
    raise AssertionError(wanted)
