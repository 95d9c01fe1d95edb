"""Alembic's entry: where the database is, and how a migration runs on it."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, event, pool

url = context.config.attributes.get("url") or os.environ.get(
    "PAINPLAN_DATABASE_URL", "sqlite:///painplan.db"
)
target_metadata = context.config.attributes.get("target_metadata")


def _by_hand(connection: object, _: object) -> None:
    """Transactions are begun here and nowhere else."""
    connection.isolation_level = None  # type: ignore[attr-defined]


def _at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def run() -> None:
    """Each migration in a transaction of its own."""
    engine = create_engine(url, poolclass=pool.NullPool)
    # The driver would commit before each DDL; so a migration that is cut off leaves nothing, and
    # two at once wait for each other.
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", _at_once)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            transaction_per_migration=True,
            render_as_batch=False,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
