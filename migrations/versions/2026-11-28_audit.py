"""What an AuditEvent needs of a row, the layout of its hash, and decisions found by their kind.

Revision: 20261128_audit
Follows: 20261127_anchor
"""

import sqlalchemy as sa
from alembic import op

revision = "20261128_audit"
down_revision = "20261127_anchor"
branch_labels = None
depends_on = None
additive = False

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HOLDS_UP_NOBODY = {"postgresql_concurrently": True}
TABLE, BY_TIME = "audit_event", "ix_audit_event_tenant_recorded"
DECISIONS = "decision"
ALIKE, OF_A_KIND = "ix_decision_tenant_patient_as_of", "ix_decision_tenant_patient_kind_as_of"


def _added() -> list[sa.Column[object]]:
    return [
        sa.Column("interaction", TEXT),
        sa.Column("operation", TEXT),
        sa.Column("status", sa.Integer),
        sa.Column("query", sa.LargeBinary),
        sa.Column("user_ref", TEXT),
        sa.Column("token", TEXT),
        sa.Column("count", sa.Integer),
        # Of the rows that are there; each new one says its own.
        sa.Column("layout", sa.Integer, nullable=False, server_default="1"),
    ]


def upgrade() -> None:
    """Add the columns: no row that is there changes, so its hash stays true.

    The indexes come first: an attempt that is interrupted among them is simply made again.
    """
    with op.get_context().autocommit_block():
        _index(BY_TIME, TABLE, ["tenant", "recorded"])
        _index(OF_A_KIND, DECISIONS, ["tenant", "patient", "kind", "as_of"])
        op.drop_index(ALIKE, DECISIONS, **HOLDS_UP_NOBODY, if_exists=True)
    for column in _added():
        op.add_column(TABLE, column)


def _index(name: str, table: str, columns: list[str]) -> None:
    """What an interrupted attempt has left cannot be used."""
    op.drop_index(name, table, **HOLDS_UP_NOBODY, if_exists=True)
    op.create_index(name, table, columns, **HOLDS_UP_NOBODY)


def downgrade() -> None:
    """Rows of the newer layout cannot be verified without their columns: they stay."""
    sql = "SELECT count(*) FROM audit_event WHERE layout > 1"
    kept = op.get_bind().execute(sa.text(sql)).scalar()
    if kept:
        message = f"the journal holds {kept} audit rows of layout 2: not dropped by a migration"
        raise RuntimeError(message)
    with op.get_context().autocommit_block():
        _index(ALIKE, DECISIONS, ["tenant", "patient", "as_of"])
        op.drop_index(OF_A_KIND, DECISIONS, **HOLDS_UP_NOBODY, if_exists=True)
        op.drop_index(BY_TIME, TABLE, **HOLDS_UP_NOBODY, if_exists=True)
    for column in reversed(_added()):
        op.drop_column(TABLE, column.name)
