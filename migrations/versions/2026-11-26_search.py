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


def upgrade() -> None:
    """Create the values, by patient and by value, and an index on when blocks were committed."""
    op.create_table(
        "search_value",
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("patient", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("until", sa.String, nullable=False),
        sa.Column("system", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
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
    op.create_index("ix_block_committed_at", "block", ["committed_at"])


def downgrade() -> None:
    """All of it follows from the journal and is made again."""
    op.drop_index("ix_block_committed_at", "block")
    op.drop_table("search_state")
    op.drop_table("search_value")
