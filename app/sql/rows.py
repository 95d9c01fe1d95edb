"""Entries as rows and rows as entries: the fixed order of columns that is hashed and written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.domain.auditing import KeptAudit
from app.domain.history import (
    AnchorRecord,
    AuditRecord,
    ContentVersion,
    DecisionRecord,
    Entry,
    ErasureRecord,
    ResourceVersion,
    Stored,
)
from app.domain.hook_history import FeedbackRecord, HookCallRecord, HookCardRecord
from app.sql.bodies import DECISIONS, packed, unpacked
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
                packed(entry.trace, DECISIONS),
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


def stored_of(row: Mapping[str, Any]) -> Stored:
    """A resource version joined with its block."""
    version = ResourceVersion(
        type=row["type"],
        id=row["id"],
        version=row["version"],
        patient=row["patient"],
        status=row["status"],
        sha256=row["sha256"],
        body=unpacked(row["body"]),
        origin=row["origin"],
        source=row["source"],
    )
    return Stored(version, row["sequence"], moment(row["committed_at"]))


def decision_of(row: Mapping[str, Any]) -> DecisionRecord:
    """A stored decision."""
    return DecisionRecord(
        id=row["id"],
        patient=row["patient"],
        as_of=moment(row["as_of"]),
        kind=row["kind"],
        knowledge=row["knowledge"],
        engine=row["engine"],
        parameters=unpacked(row["parameters"]),
        trace=unpacked(row["trace"]),
        inputs=unpacked(row["inputs"]),
        outputs=unpacked(row["outputs"]),
    )


OF_OLD = {"C": ("create", 201), "U": ("update", 200)}


def audit_of(row: Mapping[str, Any]) -> KeptAudit:
    """A row of the audit joined with its block; what layout 1 left out follows from the rest."""
    is_old = row["layout"] == 1
    interaction, status = OF_OLD.get(row["action"], ("operation", 200))
    operation = row["what"].partition(" ")[0] if is_old and interaction == "operation" else ""
    record = AuditRecord(
        id=row["id"],
        recorded=moment(row["recorded"]),
        action=row["action"],
        what=row["what"] if not (is_old and operation) else "",
        patient=row["patient"],
        who=row["who"],
        origin=row["origin"],
        outcome=row["outcome"],
        request_id=row["request_id"],
        interaction=interaction if is_old else row["interaction"],
        operation=operation if is_old else row["operation"],
        status=status if is_old else row["status"],
        query=row["query"],
        user=row["user_ref"],
        token=row["token"],
        count=1 if is_old else row["count"],
    )
    return KeptAudit(record, moment(row["committed_at"]))


def anchor_of(row: Mapping[str, Any]) -> AnchorRecord:
    """A stored anchor."""
    return AnchorRecord(
        id=row["id"],
        sequence=row["covered"],
        head=row["head"],
        root=row["root"],
        at=moment(row["at"]),
        key=row["signer"],
        signature=row["signature"],
    )


def hook_call_of(row: Mapping[str, Any]) -> HookCallRecord:
    """A stored call of a hook."""
    return HookCallRecord(
        id=row["id"],
        instance=row["instance"],
        service=row["service"],
        hook=row["hook"],
        patient=row["patient"],
        user=row["user_ref"],
        called_at=moment(row["called_at"]),
        latency_ms=row["latency_ms"],
        context=unpacked(row["context"]),
        orders=unpacked(row["orders"]),
        facts=unpacked(row["facts"]),
        asked=unpacked(row["asked"]),
        snoozes=unpacked(row["snoozes"]),
        cards=unpacked(row["cards"]),
    )


def hook_card_of(row: Mapping[str, Any]) -> HookCardRecord:
    """A stored card."""
    return HookCardRecord(
        call=row["call"],
        id=row["id"],
        service=row["service"],
        patient=row["patient"],
        rule=row["rule"],
        order=row["about"],
        order_class=row["order_class"],
        indicator=row["indicator"],
        overrides=unpacked(row["overrides"]),
        shown_at=moment(row["shown_at"]),
    )


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: its order as text is its order in time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The reverse of ``instant``."""
    return datetime.fromisoformat(text)
