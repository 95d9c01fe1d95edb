"""What resources are found by: their search values, and the time of blocks.

Revision: 20261126_search
Follows: 20261126_hooks

Additive: an older release goes on working. What it writes has no search values; the newer one sees
that at its start, from the block up to which there are some, and makes all of them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_search"
down_revision = "20261126_hooks"
branch_labels = None
depends_on = None

# Compared byte by byte on PostgreSQL too, whatever the database's own order of letters is.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HOLDS_UP_NOBODY = {"postgresql_concurrently": True}


def upgrade() -> None:
    """Create the values, by patient and by value, and an index on when blocks were committed."""
    op.create_table(
        "search_value",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("patient", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("until", TEXT, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant",
            "patient",
            "type",
            "name",
            "value",
            "until",
            "system",
            "id",
            "version",
            name="pk_search_value",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_search_value_tenant_type_name_value",
        "search_value",
        ["tenant", "type", "name", "value"],
    )
    op.create_table(
        "search_state",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_state"),
    )
    with op.get_context().autocommit_block():
        # What an interrupted attempt has left cannot be used.
        op.drop_index("ix_block_committed_at", "block", **HOLDS_UP_NOBODY, if_exists=True)
        op.create_index("ix_block_committed_at", "block", ["committed_at"], **HOLDS_UP_NOBODY)


def downgrade() -> None:
    """All of it follows from the journal and is made again."""
    op.drop_table("search_state")
    op.drop_table("search_value")
    with op.get_context().autocommit_block():
        op.drop_index("ix_block_committed_at", "block", **HOLDS_UP_NOBODY)
