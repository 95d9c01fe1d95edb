"""CDS Hooks: calls, the cards they showed, feedback about them, and tokens that were seen.

Revision: 20261126_hooks
Follows: 20261124_journal
"""

import sqlalchemy as sa
from alembic import op

revision = "20261126_hooks"
down_revision = "20261124_journal"
branch_labels = None
depends_on = None

# Compared byte by byte on PostgreSQL too, whatever the database's own order of letters is.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HASH = 32
SALT = 16
SAME_PLACE = "(sequence = NEW.sequence AND position = NEW.position)"
APPEND_ONLY = {
    "hook_call": f"(tenant = NEW.tenant AND id = NEW.id) OR {SAME_PLACE}",
    "hook_card": (f"(tenant = NEW.tenant AND call = NEW.call AND id = NEW.id) OR {SAME_PLACE}"),
    "feedback": f"(tenant = NEW.tenant AND id = NEW.id) OR {SAME_PLACE}",
}


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
    """Three append-only tables of the chain, and one of tokens outside of it."""
    _hook_call()
    _hook_card()
    _feedback()
    op.create_table(
        "seen_token",
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("jti", TEXT, nullable=False),
        sa.Column("expires", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name="pk_seen_token"),
    )
    op.create_index("ix_seen_token_expires", "seen_token", ["expires"])
    for table, same in APPEND_ONLY.items():
        _make_append_only(table, same)


def _hook_call() -> None:
    op.create_table(
        "hook_call",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("instance", TEXT, nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("hook", TEXT, nullable=False),
        sa.Column("patient", TEXT, nullable=False),
        sa.Column("user_ref", TEXT, nullable=False),
        sa.Column("called_at", TEXT, nullable=False),
        sa.Column("latency_ms", sa.Integer, nullable=False),
        sa.Column("context", sa.LargeBinary),
        sa.Column("orders", sa.LargeBinary),
        sa.Column("facts", sa.LargeBinary),
        sa.Column("asked", sa.LargeBinary),
        sa.Column("snoozes", sa.LargeBinary),
        sa.Column("cards", sa.LargeBinary),
        *_journal("hook_call"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_hook_call"),
    )
    op.create_index(
        "ix_hook_call_tenant_patient_called_at", "hook_call", ["tenant", "patient", "called_at"]
    )


def _hook_card() -> None:
    op.create_table(
        "hook_card",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("call", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("patient", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("order_class", TEXT, nullable=False),
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("overrides", sa.LargeBinary),
        sa.Column("shown_at", TEXT, nullable=False),
        *_journal("hook_card"),
        sa.PrimaryKeyConstraint("tenant", "call", "id", name="pk_hook_card"),
    )
    op.create_index("ix_hook_card_tenant_id", "hook_card", ["tenant", "id"])
    op.create_index(
        "ix_hook_card_tenant_rule_shown_at", "hook_card", ["tenant", "rule", "shown_at"]
    )


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("card", TEXT, nullable=False),
        sa.Column("service", TEXT, nullable=False),
        sa.Column("call", TEXT),
        sa.Column("rule", TEXT),
        sa.Column("order_class", TEXT),
        sa.Column("patient", TEXT),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("reason_system", TEXT),
        sa.Column("reason_code", TEXT),
        sa.Column("snoozes", sa.Integer, nullable=False),
        sa.Column("outcome_at", TEXT, nullable=False),
        sa.Column("received_at", TEXT, nullable=False),
        sa.Column("said", sa.LargeBinary),
        *_journal("feedback"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_feedback"),
    )
    op.create_index(
        "ix_feedback_tenant_patient_received_at", "feedback", ["tenant", "patient", "received_at"]
    )


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
    """Only without calls and feedback: history is not thrown away by a migration."""
    for table in APPEND_ONLY:
        kept = op.get_bind().execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()
        if kept:
            message = f"{table} holds {kept} rows of the journal: it is not dropped by a migration"
            raise RuntimeError(message)
    for table in ("seen_token", *reversed(APPEND_ONLY)):
        op.drop_table(table)
