"""The journal: blocks, their entries, the head that is locked, and promises to retries.

Revision: 20261124_journal
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_journal"
down_revision = None
branch_labels = None
depends_on = None

# Compared byte by byte on PostgreSQL too, whatever the database's own order of letters is.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HASH = 32
SALT = 16
NO_HASH = bytes(HASH)
BEFORE_ALL = "1970-01-01T00:00:00.000000Z"
APPEND_ONLY = {
    "block": "sequence = NEW.sequence OR hash = NEW.hash",
    "resource_version": (
        "(tenant = NEW.tenant AND type = NEW.type AND id = NEW.id AND version = NEW.version)"
        " OR (sequence = NEW.sequence AND position = NEW.position)"
    ),
    "decision": (
        "(tenant = NEW.tenant AND id = NEW.id)"
        " OR (sequence = NEW.sequence AND position = NEW.position)"
    ),
    "audit_event": (
        "(tenant = NEW.tenant AND id = NEW.id)"
        " OR (sequence = NEW.sequence AND position = NEW.position)"
    ),
    "content_version": (
        "digest = NEW.digest OR (sequence = NEW.sequence AND position = NEW.position)"
    ),
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
    """Create the tables, the first head, and the triggers that make them append-only."""
    op.create_table(
        "block",
        sa.Column("sequence", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("committed_at", TEXT, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("previous", sa.LargeBinary(HASH), nullable=False),
        sa.Column("merkle_root", sa.LargeBinary(HASH), nullable=False),
        sa.Column("hash", sa.LargeBinary(HASH), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_block"),
        sa.UniqueConstraint("hash", name="uq_block_hash"),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary(HASH), nullable=False),
        sa.Column("committed_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": NO_HASH, "committed_at": BEFORE_ALL}])
    _resource_version()
    _decision()
    _audit_event()
    op.create_table(
        "content_version",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("files", sa.LargeBinary),
        *_journal("content_version"),
        sa.PrimaryKeyConstraint("digest", name="pk_content_version"),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("request_digest", sa.LargeBinary(HASH), nullable=False),
        sa.Column("decision_id", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "client", "operation", "key", name="pk_idempotency"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION painplan_append_only() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table, same in APPEND_ONLY.items():
        _make_append_only(table, same)


def _resource_version() -> None:
    op.create_table(
        "resource_version",
        sa.Column("rowid", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("patient", TEXT),
        sa.Column("status", TEXT),
        sa.Column("code", TEXT),
        sa.Column("date", TEXT),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("source", TEXT),
        sa.Column("sha256", sa.LargeBinary(HASH), nullable=False),
        sa.Column("body", sa.LargeBinary),
        *_journal("resource_version"),
        sa.PrimaryKeyConstraint("rowid", name="pk_resource_version"),
        sa.UniqueConstraint(
            "tenant", "type", "id", "version", name="uq_resource_version_tenant_type_id_version"
        ),
    )
    op.create_index(
        "ix_resource_version_tenant_patient_type_code_date",
        "resource_version",
        ["tenant", "patient", "type", "code", "date"],
    )
    op.create_index(
        "ix_resource_version_tenant_patient_sequence",
        "resource_version",
        ["tenant", "patient", "sequence"],
    )


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("patient", TEXT, nullable=False),
        sa.Column("as_of", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("knowledge", TEXT, nullable=False),
        sa.Column("engine", TEXT, nullable=False),
        sa.Column("parameters", sa.LargeBinary),
        sa.Column("trace", sa.LargeBinary),
        sa.Column("inputs", sa.LargeBinary),
        sa.Column("outputs", sa.LargeBinary),
        *_journal("decision"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_decision"),
    )
    op.create_index("ix_decision_tenant_patient_as_of", "decision", ["tenant", "patient", "as_of"])


def _audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("patient", TEXT),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        *_journal("audit_event"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_audit_event"),
    )
    op.create_index(
        "ix_audit_event_tenant_patient_recorded",
        "audit_event",
        ["tenant", "patient", "recorded"],
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
    """Only an empty journal goes down: history is not thrown away by a migration."""
    kept = op.get_bind().execute(sa.text("SELECT count(*) FROM block")).scalar()
    if kept:
        message = f"the journal holds {kept} blocks: it is not dropped by a migration"
        raise RuntimeError(message)
    for table in (
        "idempotency",
        "content_version",
        "audit_event",
        "decision",
        "resource_version",
        "head",
        "block",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION painplan_append_only()")
