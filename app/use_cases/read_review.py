"""Read a review back: its cards with rules, facts and evidence, and its replay from the facts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from app.domain.content import Content
from app.domain.expertise import Expertise
from app.domain.history import DecisionRecord
from app.domain.hook_history import HookCallRecord
from app.domain.orders.review import review
from app.domain.orders.types import Order
from app.use_cases.kept_review import (
    KeptFacts,
    KeptReview,
    facts_of,
    keep_review,
    orders_of,
    record_of,
    review_of,
    snoozes_of,
)
from app.use_cases.ports import HookReader, HookWriter
from app.use_cases.review_records import frame_of_call
from app.use_cases.reviewed_rules import Reviewed, reviewed_rules

Json = dict[str, object]


class SeenReview(NamedTuple):
    """A review as it was kept, for a page; ``differences`` says where a replay differs.

    ``patient`` is a reference. ``labels`` are the words of the order rules, by their id. ``unread``
    are (order, why), ``gaps`` (key, state, why), ``not_used`` (reference, why).
    """

    id: str
    patient: str
    hook: str
    guideline_profile: str
    knowledge: str
    content: Content
    told: KeptReview
    orders: tuple[Order, ...]
    labels: Mapping[str, str]
    unread: tuple[tuple[str, str], ...]
    gaps: tuple[tuple[str, str, str], ...]
    not_used: tuple[tuple[str, str], ...]
    differences: tuple[Json, ...]


def seen_review(
    record: DecisionRecord,
    call: HookCallRecord,
    content: Content,
    differences: Sequence[Json],
) -> SeenReview:
    """Everything that the page of a review tells."""
    said = orjson.loads(record.parameters)
    return SeenReview(
        id=record.id,
        patient=f"Patient/{record.patient}",
        hook=call.hook,
        guideline_profile=said["guidelineProfile"],
        knowledge=record.knowledge,
        content=content,
        told=review_of(record.trace),
        orders=orders_of(call.orders),
        labels={card.id: card.label for card in content.orders.cards},
        unread=tuple((order, why) for order, why in said["unread"]),
        gaps=tuple((key, state, why) for key, state, why in said["gaps"]),
        not_used=tuple((n.reference, n.why) for n in facts_of(call.facts).not_used),
        differences=tuple(differences),
    )


def explained(record: DecisionRecord, call: HookCallRecord, content: Content) -> Json:
    """``GET /decisions/{id}`` of a review (contract §5)."""
    kept = facts_of(call.facts)
    told = review_of(record.trace)
    said = orjson.loads(record.parameters)
    orders = orders_of(call.orders)
    reviewed = Reviewed(orders, kept, told, record.as_of, said["guidelineProfile"])
    return {
        "id": record.id,
        "kind": record.kind,
        "patient": f"Patient/{record.patient}",
        "asOf": _instant(record.as_of.isoformat()),
        "hook": call.hook,
        "service": call.service,
        "hookInstance": call.instance,
        "user": call.user,
        "latencyMs": call.latency_ms,
        "guidelineProfile": said["guidelineProfile"],
        "knowledge": {"version": content.version, "digest": record.knowledge},
        "engine": record.engine,
        "inputs": [
            {"reference": s.reference, "version": s.version or None, "digest": f"sha256:{s.sha256}"}
            for s in kept.sources
        ],
        "outputs": [],
        "orders": [
            {
                "reference": order.reference,
                "type": order.type,
                "text": order.text,
                "status": order.status,
                "selected": order.is_selected,
            }
            for order in orders
        ],
        "lookedUp": orjson.loads(call.asked),
        "complete": list(kept.complete),
        "cards": list(_cards(call, told)),
        "rules": list(reviewed_rules(reviewed, content)),
        "undecided": [
            {"rule": u.rule, "order": u.order or None, "lacks": list(u.lacks)}
            for u in told.undecided
        ],
        "faults": [{"rule": f.rule, "order": f.order or None} for f in told.faults],
        "suppressed": [
            {"rule": s.rule, "order": s.order or None, "why": s.why} for s in told.suppressed
        ],
        "snoozes": [
            {"rule": s.rule, "orderClass": s.order_class, "until": _instant(s.until.isoformat())}
            for s in snoozes_of(call.snoozes)
        ],
        "unread": [{"order": order, "why": why} for order, why in said["unread"]],
        "leftOut": list(told.left_out),
        "notUsed": [{"reference": n.reference, "why": n.why} for n in kept.not_used],
    }


def _cards(call: HookCallRecord, told: KeptReview) -> Iterator[Json]:
    by_rule: dict[tuple[str, str], Any] = {}
    for card in orjson.loads(call.cards)["cards"]:
        by_rule.setdefault((card["extension"]["health.painplan.rule"], card["summary"]), card)
    for advice in told.shown:
        card = by_rule.get((advice.rule, advice.summary), {})
        yield {
            "uuid": card.get("uuid"),
            "rule": advice.rule,
            "order": advice.order or None,
            "indicator": advice.indicator.value,
            "summary": advice.summary,
            "lowered": advice.is_lowered,
            "suggestions": [s.what for s in advice.suggestions],
        }


def differences(  # noqa: PLR0913  (what was kept, and who reads and writes it)
    record: DecisionRecord,
    call: HookCallRecord,
    expertise: Expertise,
    hooks: HookReader,
    writer: HookWriter,
    tenant: str,
) -> list[Json]:
    """Review the kept facts again; what is not the same, byte for byte."""
    kept: KeptFacts = facts_of(call.facts)
    orders = orders_of(call.orders)
    again = review(
        orders,
        record_of(kept),
        expertise.content,
        hook=call.hook,
        as_of=record.as_of,
        guideline_profile=orjson.loads(record.parameters)["guidelineProfile"],
        plan=kept.plan,
        snoozes=snoozes_of(call.snoozes),
    )
    frame = frame_of_call(call, record, tenant)
    drafts = hooks.drafts(call.context, call.hook, call.patient)
    answer = writer.answer(again, expertise.content, frame, orders, drafts)
    found: list[Json] = []
    if keep_review(again) != record.trace:
        found.append({"reference": "review", "what": "differs"})
    if answer.body != call.cards:
        found.append({"reference": "cards", "what": "differs"})
    return found


def _instant(text: str) -> str:
    return text.replace("+00:00", "Z")
