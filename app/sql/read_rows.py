"""Rows of the history read back as what the domain knows."""

from collections.abc import Mapping
from typing import Any

from app.domain.auditing import KeptAudit
from app.domain.history import AnchorRecord, AuditRecord, DecisionRecord, ResourceVersion, Stored
from app.domain.hook_history import HookCallRecord, HookCardRecord
from app.sql.bodies import unpacked
from app.sql.rows import moment


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
