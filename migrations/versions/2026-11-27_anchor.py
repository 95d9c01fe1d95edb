"""Anchors: the history up to a block in three values, which are kept elsewhere as well.

Revision: 20261127_anchor
Follows: 20261127_revisions
"""

import sqlalchemy as sa
from alembic import op

revision = "20261127_anchor"
down_revision = "20261127_revisions"
branch_labels = None
depends_on = None
additive = True

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HASH = 32
SALT = 16
SAME = "(tenant = NEW.tenant AND id = NEW.id)"
SAME_PLACE = "(sequence = NEW.sequence AND position = NEW.position)"


def _journal(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("salt", sa.LargeBinary(SALT)),
        sa.Column("hash", sa.LargeBinary(HASH), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["block.sequence"], f"fk_{table}_sequence"),
        sa.UniqueConstraint("sequence", "position", name=f"uq_{table}_sequence_position"),
    ]


def upgrade() -> None:
    """One more append-only table of the chain."""
    op.create_table(
        "anchor",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("covered", sa.BigInteger, nullable=False),
        sa.Column("head", sa.LargeBinary(HASH), nullable=False),
        sa.Column("root", sa.LargeBinary(HASH), nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("signer", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        *_journal("anchor"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_anchor"),
    )
    op.create_index("ix_anchor_covered", "anchor", ["covered"])
    _make_append_only("anchor", f"{SAME} OR {SAME_PLACE}")


def _make_append_only(table: str, same: str) -> None:
    """Refuse UPDATE, DELETE, TRUNCATE, and an INSERT over an existing key or row."""
    if op.get_bind().dialect.name == "postgresql":
        # An INSERT replaces nothing here: its key is unique, and ON CONFLICT DO UPDATE updates.
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION painplan_append_only()"
            )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same} OR rowid = NEW.rowid)"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only: this key exists'); END"
    )


def downgrade() -> None:
    """Only without anchors: history is not thrown away by a migration."""
    kept = op.get_bind().execute(sa.text("SELECT count(*) FROM anchor")).scalar()
    if kept:
        message = f"anchor holds {kept} rows of the journal: it is not dropped by a migration"
        raise RuntimeError(message)
    op.drop_table("anchor")
