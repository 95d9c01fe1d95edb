"""Alembic's entry: where the database is, and how a migration runs on it."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import sqlalchemy as sa
from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection, create_engine, event, make_url, pool
from sqlalchemy.ext.asyncio import create_async_engine

url = make_url(
    context.config.attributes.get("url")
    or os.environ.get("PAINPLAN_DATABASE_URL", "sqlite:///painplan.db")
)
target_metadata = context.config.attributes.get("target_metadata")
# One migration at a time on a PostgreSQL, and no statement of it that holds up the service.
ONE_AT_A_TIME = sa.text("SELECT pg_try_advisory_lock(5017902403)")
WAITS_AT_MOST = 300.0
PAGE_SIZE = 2048
LOCK_TIMEOUT = "SET lock_timeout = '5s'"


def _by_hand(connection: sqlite3.Connection, _: object) -> None:
    """Transactions are begun here and nowhere else. A new file has small pages, an old one its own.

    A decision takes more than half of SQLite's usual page of 4 KB, so that the rest would be empty;
    and a commit writes whole pages, most of them for a few bytes of an index.
    """
    connection.isolation_level = None
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")


def _at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _noted(*, ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
    """Beside the schema stands what it followed and whether it only added.

    So a service of the release before knows whether it can go on working.
    """
    connection = ctx.connection
    if not sa.inspect(connection).has_table("schema_revision"):
        return
    assert connection is not None  # noqa: S101  (no migration of ours is written to a file)
    assert step.up_revision is not None  # noqa: S101  (none branches)
    revision = step.up_revision
    connection.execute(
        sa.text("DELETE FROM schema_revision WHERE revision = :revision"),
        {"revision": revision.revision},
    )
    if step.is_upgrade:
        connection.execute(
            sa.text("INSERT INTO schema_revision VALUES (:revision, :follows, :additive)"),
            {
                "revision": revision.revision,
                "follows": revision.down_revision or "",
                "additive": int(getattr(revision.module, "additive", False)),
            },
        )


def _migrate(connection: Connection) -> None:
    """Each migration in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        transaction_per_migration=True,
        render_as_batch=False,
        on_version_apply=_noted,
    )
    with context.begin_transaction():
        context.run_migrations()


def _sqlite() -> None:
    engine = create_engine(url, poolclass=pool.NullPool)
    # The driver would commit before each DDL; so a migration that is cut off leaves nothing, and
    # two at once wait for each other.
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", _at_once)
    with engine.connect() as connection:
        _migrate(connection)


def _alone(connection: Connection) -> None:
    """Ask again and again: who waits in a lock would itself hold up an index made concurrently."""
    until = time.monotonic() + WAITS_AT_MOST
    while not connection.execute(ONE_AT_A_TIME).scalar():
        connection.rollback()
        if time.monotonic() > until:
            message = "another migration of this database does not come to its end"
            raise RuntimeError(message)
        time.sleep(0.2)
    connection.exec_driver_sql(LOCK_TIMEOUT)
    connection.commit()
    _migrate(connection)


async def _postgresql(migrate: Callable[[Connection], None]) -> None:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=pool.NullPool,
        async_creator=lambda: asyncpg.connect(address),
    )
    async with engine.connect() as connection:
        await connection.run_sync(migrate)


if url.drivername in ("postgresql", "postgres"):
    with ThreadPoolExecutor(1) as alone:  # where a loop runs already, too
        alone.submit(asyncio.run, _postgresql(_alone)).result()
else:
    _sqlite()
