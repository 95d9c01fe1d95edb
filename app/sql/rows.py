"""The tables of the history as rows: what is written, which columns are hashed, in which order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.domain.history import (
    AnchorRecord,
    AuditRecord,
    ContentVersion,
    DecisionRecord,
    Entry,
    ErasureRecord,
    ResourceVersion,
)
from app.domain.hook_history import FeedbackRecord, HookCallRecord, HookCardRecord
from app.sql.bodies import DECISIONS, TRACE_LEVEL, packed
from app.sql.chain import Value

HASHED: Mapping[str, tuple[str, ...]] = {
    "resource_version": (
        "tenant",
        "type",
        "id",
        "version",
        "patient",
        "status",
        "code",
        "date",
        "origin",
        "source",
        "sha256",
        "body",
    ),
    "decision": (
        "tenant",
        "id",
        "patient",
        "as_of",
        "kind",
        "knowledge",
        "engine",
        "parameters",
        "trace",
        "inputs",
        "outputs",
    ),
    "audit_event": (
        "tenant",
        "id",
        "recorded",
        "action",
        "what",
        "patient",
        "who",
        "origin",
        "outcome",
        "request_id",
        "interaction",
        "operation",
        "status",
        "query",
        "user_ref",
        "token",
        "count",
        "layout",
    ),
    "content_version": ("digest", "version", "files"),
    "anchor": ("tenant", "id", "covered", "head", "root", "at", "signer", "signature"),
    "hook_call": (
        "tenant",
        "id",
        "instance",
        "service",
        "hook",
        "patient",
        "user_ref",
        "called_at",
        "latency_ms",
        "context",
        "orders",
        "facts",
        "asked",
        "snoozes",
        "cards",
    ),
    "hook_card": (
        "tenant",
        "call",
        "id",
        "service",
        "patient",
        "rule",
        "about",
        "order_class",
        "indicator",
        "overrides",
        "shown_at",
    ),
    "feedback": (
        "tenant",
        "id",
        "card",
        "service",
        "call",
        "rule",
        "order_class",
        "patient",
        "outcome",
        "reason_system",
        "reason_code",
        "snoozes",
        "outcome_at",
        "received_at",
        "said",
    ),
    "erasure": (
        "tenant",
        "id",
        "recorded",
        "kind",
        "patient",
        "before",
        "who",
        "entries",
        "places",
        "kept",
    ),
}
"""The columns of each table's newest layout; the hash covers bodies as stored (compressed)."""
NO_LONGER = (None, None)
"""``code`` and ``date`` of a version: nothing looks for them, and they follow from the body."""
LAYOUTS: Mapping[str, int] = {"audit_event": 2}
"""The newest layout of each table, ``painplan-entry-<n>``; 1 where none is named."""
FIRST: Mapping[str, tuple[str, ...]] = {"audit_event": HASHED["audit_event"][:10]}
"""The columns of layout 1 where there is a newer one: old rows are verified by them."""


def layout_of(table: str, row: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    """In which layout a stored row was hashed, and the columns of that."""
    newest = LAYOUTS.get(table, 1)
    if newest == 1 or row["layout"] == newest:
        return newest, HASHED[table]
    return 1, FIRST[table]


def row_of(entry: Entry, tenant: str) -> tuple[str, tuple[Value, ...]]:
    """The table and the values of its hashed columns, in their order."""
    match entry:
        case ResourceVersion():
            return "resource_version", (
                tenant,
                entry.type,
                entry.id,
                entry.version,
                entry.patient,
                entry.status,
                *NO_LONGER,
                entry.origin,
                entry.source,
                entry.sha256,
                packed(entry.body),
            )
        case DecisionRecord():
            return "decision", (
                tenant,
                entry.id,
                entry.patient,
                instant(entry.as_of),
                entry.kind,
                entry.knowledge,
                entry.engine,
                packed(entry.parameters, DECISIONS),
                packed(entry.trace, DECISIONS, TRACE_LEVEL),
                packed(entry.inputs, DECISIONS),
                packed(entry.outputs, DECISIONS),
            )
        case AuditRecord():
            return "audit_event", (
                tenant,
                entry.id,
                instant(entry.recorded),
                entry.action,
                entry.what,
                entry.patient,
                entry.who,
                entry.origin,
                entry.outcome,
                entry.request_id,
                entry.interaction,
                entry.operation,
                entry.status,
                entry.query,
                entry.user,
                entry.token,
                entry.count,
                LAYOUTS["audit_event"],
            )
        case ContentVersion():
            return "content_version", (entry.digest, entry.version, packed(entry.files))
        case AnchorRecord():
            return "anchor", (
                tenant,
                entry.id,
                entry.sequence,
                entry.head,
                entry.root,
                instant(entry.at),
                entry.key,
                entry.signature,
            )
        case HookCallRecord():
            return "hook_call", _hook_call(entry, tenant)
        case HookCardRecord():
            return "hook_card", _hook_card(entry, tenant)
        case FeedbackRecord():
            return "feedback", _feedback(entry, tenant)
        case ErasureRecord():
            return "erasure", (
                tenant,
                entry.id,
                instant(entry.recorded),
                entry.kind,
                entry.patient,
                None if entry.before is None else instant(entry.before),
                entry.who,
                entry.entries,
                packed(entry.places),
                entry.kept,
            )


def _hook_call(entry: HookCallRecord, tenant: str) -> tuple[Value, ...]:
    return (
        tenant,
        entry.id,
        entry.instance,
        entry.service,
        entry.hook,
        entry.patient,
        entry.user,
        instant(entry.called_at),
        entry.latency_ms,
        packed(entry.context),
        packed(entry.orders),
        packed(entry.facts),
        packed(entry.asked),
        packed(entry.snoozes),
        packed(entry.cards),
    )


def _hook_card(entry: HookCardRecord, tenant: str) -> tuple[Value, ...]:
    return (
        tenant,
        entry.call,
        entry.id,
        entry.service,
        entry.patient,
        entry.rule,
        entry.order,
        entry.order_class,
        entry.indicator,
        packed(entry.overrides),
        instant(entry.shown_at),
    )


def _feedback(entry: FeedbackRecord, tenant: str) -> tuple[Value, ...]:
    return (
        tenant,
        entry.id,
        entry.card,
        entry.service,
        entry.call,
        entry.rule,
        entry.order_class,
        entry.patient,
        entry.outcome,
        entry.reason_system,
        entry.reason_code,
        entry.snoozes,
        instant(entry.outcome_at),
        instant(entry.received_at),
        packed(entry.said),
    )


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: its order as text is its order in time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The reverse of ``instant``."""
    return datetime.fromisoformat(text)
