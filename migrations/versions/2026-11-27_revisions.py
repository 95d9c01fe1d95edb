"""Which schema followed which, and whether it only added: for a service of the release before.

Revision: 20261127_revisions
Follows: 20261126_search
"""

import sqlalchemy as sa
from alembic import op

revision = "20261127_revisions"
down_revision = "20261126_search"
branch_labels = None
depends_on = None
additive = True

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; ``migrations/env.py`` writes one row a migration from here on."""
    op.create_table(
        "schema_revision",
        sa.Column("revision", TEXT, nullable=False),
        sa.Column("follows", TEXT, nullable=False),
        sa.Column("additive", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_schema_revision"),
    )


def downgrade() -> None:
    """It says nothing that the migrations do not."""
    op.drop_table("schema_revision")
