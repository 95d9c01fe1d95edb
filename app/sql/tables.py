"""The tables of the history (architecture, "The tables"), as SQLAlchemy Core.

Every journal row carries the block it is in (``sequence``), its place there (``position``), its
salt and its hash. Instants are RFC 3339 text in UTC, so that their order is the order of time.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from app.sql.chain import HASH, SALT

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = MetaData(naming_convention=NAMES)


def _journal_columns() -> tuple[Column[int] | Column[bytes] | UniqueConstraint, ...]:
    return (
        Column("sequence", BigInteger, ForeignKey("block.sequence"), nullable=False),
        Column("position", Integer, nullable=False),
        Column("salt", LargeBinary(SALT)),
        Column("hash", LargeBinary(HASH), nullable=False),
        UniqueConstraint("sequence", "position"),
    )


BLOCK = Table(
    "block",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("committed_at", String, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("previous", LargeBinary(HASH), nullable=False),
    Column("merkle_root", LargeBinary(HASH), nullable=False),
    Column("hash", LargeBinary(HASH), nullable=False, unique=True),
    Index(None, "committed_at"),
)
HEAD = Table(
    "head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary(HASH), nullable=False),
    Column("committed_at", String, nullable=False),
)
RESOURCE_VERSION = Table(
    "resource_version",
    METADATA,
    Column("rowid", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("tenant", String, nullable=False),
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("patient", String),
    Column("status", String),
    Column("code", String),
    Column("date", String),
    Column("origin", String, nullable=False),
    Column("source", String),
    Column("sha256", LargeBinary(HASH), nullable=False),
    Column("body", LargeBinary),
    *_journal_columns(),
    UniqueConstraint("tenant", "type", "id", "version"),
    Index(None, "tenant", "patient", "sequence", "type"),
)
DECISION = Table(
    "decision",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("patient", String, nullable=False),
    Column("as_of", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("knowledge", String, nullable=False),
    Column("engine", String, nullable=False),
    Column("parameters", LargeBinary),
    Column("trace", LargeBinary),
    Column("inputs", LargeBinary),
    Column("outputs", LargeBinary),
    *_journal_columns(),
    Index(None, "tenant", "patient", "kind", "as_of"),
)
AUDIT_EVENT = Table(
    "audit_event",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("recorded", String, nullable=False),
    Column("action", String, nullable=False),
    Column("what", String, nullable=False),
    Column("patient", String),
    Column("who", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("interaction", String),
    Column("operation", String),
    Column("status", Integer),
    Column("query", LargeBinary),
    Column("user_ref", String),
    Column("token", String),
    Column("count", Integer),
    Column("layout", Integer, nullable=False, server_default="1"),
    *_journal_columns(),
    Index(None, "tenant", "patient", "recorded"),
    Index(None, "tenant", "recorded"),
)
CONTENT_VERSION = Table(
    "content_version",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("files", LargeBinary),
    *_journal_columns(),
)
ANCHOR = Table(
    "anchor",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("covered", BigInteger, nullable=False),
    Column("head", LargeBinary(HASH), nullable=False),
    Column("root", LargeBinary(HASH), nullable=False),
    Column("at", String, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    *_journal_columns(),
    Index(None, "covered"),
)
SEARCH_VALUE = Table(
    "search_value",
    METADATA,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("value", String, primary_key=True),
    Column("until", String, primary_key=True),
    Column("system", String, primary_key=True),
    Index(None, "key", "value"),
    sqlite_with_rowid=False,  # the key is the row: one tree by version, one by value
)
SEARCH_STATE = Table(
    "search_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
SCHEMA_REVISION = Table(
    "schema_revision",
    METADATA,
    Column("revision", String, primary_key=True),
    Column("follows", String, nullable=False),
    Column("additive", Integer, nullable=False),
)
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("client", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_digest", LargeBinary(HASH), nullable=False),
    Column("decision_id", String, nullable=False),
    Column("recorded", String, nullable=False),
)
HOOK_CALL = Table(
    "hook_call",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("instance", String, nullable=False),
    Column("service", String, nullable=False),
    Column("hook", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("user_ref", String, nullable=False),
    Column("called_at", String, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("context", LargeBinary),
    Column("orders", LargeBinary),
    Column("facts", LargeBinary),
    Column("asked", LargeBinary),
    Column("snoozes", LargeBinary),
    Column("cards", LargeBinary),
    *_journal_columns(),
    Index(None, "tenant", "patient", "called_at"),
)
HOOK_CARD = Table(
    "hook_card",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("call", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("about", String, nullable=False),
    Column("order_class", String, nullable=False),
    Column("indicator", String, nullable=False),
    Column("overrides", LargeBinary),
    Column("shown_at", String, nullable=False),
    *_journal_columns(),
    Index(None, "tenant", "id"),
    Index(None, "tenant", "rule", "shown_at"),
)
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("card", String, nullable=False),
    Column("service", String, nullable=False),
    Column("call", String),
    Column("rule", String),
    Column("order_class", String),
    Column("patient", String),
    Column("outcome", String, nullable=False),
    Column("reason_system", String),
    Column("reason_code", String),
    Column("snoozes", Integer, nullable=False),
    Column("outcome_at", String, nullable=False),
    Column("received_at", String, nullable=False),
    Column("said", LargeBinary),
    *_journal_columns(),
    Index(None, "tenant", "patient", "received_at"),
)
SEEN_TOKEN = Table(
    "seen_token",
    METADATA,
    Column("issuer", String, primary_key=True),
    Column("jti", String, primary_key=True),
    Column("expires", String, nullable=False),
    Index(None, "expires"),
)
ERASURE = Table(
    "erasure",
    METADATA,
    Column("tenant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("recorded", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("patient", String),
    Column("before", String),
    Column("who", String, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("places", LargeBinary, nullable=False),
    Column("kept", LargeBinary(HASH), nullable=False),
    *_journal_columns(),
    Index(None, "tenant", "patient"),
)
ERASING = Table(
    "erasing",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
)
"""Holds a row while a transaction erases, and never after it: the triggers ask for it."""
JOURNAL = (
    RESOURCE_VERSION,
    DECISION,
    AUDIT_EVENT,
    CONTENT_VERSION,
    ANCHOR,
    HOOK_CALL,
    HOOK_CARD,
    FEEDBACK,
    ERASURE,
)
