"""Erasure: what was emptied and when, and rows that may be emptied but never rewritten.

Revision: 20261129_erasure
Follows: 20261128_audit
"""

import sqlalchemy as sa
from alembic import op

revision = "20261129_erasure"
down_revision = "20261128_audit"
branch_labels = None
depends_on = None
additive = False

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
HASH, SALT = 32, 16
# Of each table: what names and places a row, which stays; then what is emptied, by how.
KEPT = {
    "resource_version": "rowid tenant type id version patient origin sequence position hash",
    "decision": "tenant id patient as_of kind knowledge engine sequence position hash",
    "audit_event": (
        "tenant id recorded action what patient who origin outcome request_id interaction"
        " operation status user_ref token count layout sequence position hash"
    ),
    "hook_call": (
        "tenant id instance service hook patient user_ref called_at latency_ms sequence position"
        " hash"
    ),
    "hook_card": "tenant call id service patient indicator shown_at sequence position hash",
    "feedback": (
        "tenant id card service call patient outcome snoozes outcome_at received_at sequence"
        " position hash"
    ),
}
NULLED = {
    "resource_version": "status code date source body salt",
    "decision": "parameters trace inputs outputs salt",
    "audit_event": "query salt",
    "hook_call": "context orders facts asked snoozes cards salt",
    "hook_card": "overrides salt",
    "feedback": "rule order_class reason_system reason_code said salt",
}
BLANKED = {"resource_version": "sha256", "hook_card": "rule about order_class"}
APPEND_ONLY = (
    "(tenant = NEW.tenant AND id = NEW.id) OR (sequence = NEW.sequence AND position = NEW.position)"
)


def upgrade() -> None:
    """Create the table, and let the triggers through while something is erased."""
    op.create_table(
        "erasure",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("patient", TEXT),
        sa.Column("before", TEXT),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=False),
        sa.Column("kept", sa.LargeBinary(HASH), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("salt", sa.LargeBinary(SALT)),
        sa.Column("hash", sa.LargeBinary(HASH), nullable=False),
        sa.ForeignKeyConstraint(["sequence"], ["block.sequence"], "fk_erasure_sequence"),
        sa.UniqueConstraint("sequence", "position", name="uq_erasure_sequence_position"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_erasure"),
    )
    op.create_index("ix_erasure_tenant_patient", "erasure", ["tenant", "patient"])
    # Holds a row from the beginning to the end of a transaction that erases, and never after it.
    op.create_table(
        "erasing",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasing"),
    )
    _make_append_only()
    for table in KEPT:
        _let_through(table)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _make_append_only() -> None:
    if _is_postgresql():
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            op.execute(
                f"CREATE TRIGGER erasure_no_{verb.lower()} BEFORE {verb} ON erasure"
                " FOR EACH STATEMENT EXECUTE FUNCTION painplan_append_only()"
            )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER erasure_no_{verb.lower()} BEFORE {verb} ON erasure"
            " BEGIN SELECT RAISE(ABORT, 'erasure is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER erasure_no_replace BEFORE INSERT ON erasure"
        f" WHEN EXISTS (SELECT 1 FROM erasure WHERE {APPEND_ONLY} OR rowid = NEW.rowid)"
        " BEGIN SELECT RAISE(ABORT, 'erasure is append-only: this key exists'); END"
    )


def _let_through(table: str) -> None:
    """While ``erasing`` holds a row, an UPDATE may empty a row; it may do nothing else."""
    _drop_trigger(table)
    may = f"EXISTS (SELECT 1 FROM erasing) AND {_only_emptied(table)}"
    if not _is_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({may})"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION painplan_only_emptied_{table}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN IF {may} THEN RETURN NEW; END IF;"
        " RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION painplan_only_emptied_{table}()"
    )


def _only_emptied(table: str) -> str:
    same = "IS NOT DISTINCT FROM" if _is_postgresql() else "IS"
    kept = [f"NEW.{column} {same} OLD.{column}" for column in KEPT[table].split()]
    nulled = [f"NEW.{column} IS NULL" for column in NULLED[table].split()]
    blanked = [f"length(NEW.{column}) = 0" for column in BLANKED.get(table, "").split()]
    return " AND ".join((*kept, *nulled, *blanked))


def _drop_trigger(table: str) -> None:
    where = f" ON {table}" if _is_postgresql() else ""
    op.execute(f"DROP TRIGGER {table}_no_update{where}")


def downgrade() -> None:
    """What was emptied could not be told from what was tampered with: then it stays."""
    kept = op.get_bind().execute(sa.text("SELECT count(*) FROM erasure")).scalar()
    if kept:
        message = f"the journal holds {kept} erasures: not dropped by a migration"
        raise RuntimeError(message)
    for table in KEPT:
        _drop_trigger(table)
        if _is_postgresql():
            op.execute(f"DROP FUNCTION painplan_only_emptied_{table}()")
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION painplan_append_only()"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.drop_table("erasing")
    op.drop_table("erasure")
