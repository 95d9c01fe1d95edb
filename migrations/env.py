"""Alembic's entry: where the database is, and how a migration runs on it."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.attributes.get("url") or os.environ.get(
    "PAINPLAN_DATABASE_URL", "sqlite:///painplan.db"
)
target_metadata = context.config.attributes.get("target_metadata")


def run() -> None:
    """Each migration in a transaction of its own."""
    engine = create_engine(url, poolclass=pool.NullPool)
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
