"""What a review leaves behind: the call, its cards, and the decision that explains them."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import orjson

from app.domain.expertise import Expertise
from app.domain.facts import Record
from app.domain.history import DecisionRecord
from app.domain.hook_history import HookCallRecord, HookCardRecord
from app.domain.orders.call import CardFrame, HookCall, Part, Unread, WrittenAnswer
from app.domain.orders.types import Order, PlanOnRecord, Review, Snooze
from app.use_cases.calling import NAMESPACE, Caller
from app.use_cases.kept_review import keep_orders, keep_review, keep_snoozes
from app.use_cases.looking_up import Known

KIND = "order-review"


class Made(NamedTuple):
    """A review with all it was made from."""

    orders: tuple[Order, ...]
    unread: tuple[Unread, ...]
    record: Record
    known: Known
    plan: PlanOnRecord | None
    activities: tuple[str, ...]
    snoozes: tuple[Snooze, ...]
    review: Review


class Timing(NamedTuple):
    """When a call came, and how long it took so far."""

    at: datetime
    latency_ms: int


def decision_id(call: HookCall, caller: Caller, now: datetime, facts: bytes, knowledge: str) -> str:
    """UUIDv5 over everything that was read, and the request it was read for."""
    read = {
        "kind": KIND,
        "tenant": caller.tenant,
        "request": caller.request_id,
        "service": call.service,
        "instance": call.instance,
        "patient": call.patient,
        "asOf": now.isoformat(),
        "context": hashlib.sha256(call.context).hexdigest(),
        "facts": hashlib.sha256(facts).hexdigest(),
        "guidelineProfile": caller.guideline_profile,
        "knowledge": knowledge,
    }
    return str(uuid.uuid5(NAMESPACE, orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()))


def call_record(  # noqa: PLR0913  (a call is kept with all that made its cards)
    call: HookCall,
    decision: str,
    timing: Timing,
    made: Made,
    facts: bytes,
    parts: Mapping[str, Part],
    answer: WrittenAnswer,
) -> HookCallRecord:
    """The call. What was looked up is kept as states and digests, never as it came."""
    asked = {
        key: {
            "state": part.state.value,
            "origin": part.origin,
            "why": part.why,
            "resources": [r.reference for r in part.resources],
        }
        for key, part in parts.items()
    }
    return HookCallRecord(
        id=decision,
        instance=call.instance,
        service=call.service,
        hook=call.hook,
        patient=call.patient,
        user=call.user,
        called_at=timing.at,
        latency_ms=timing.latency_ms,
        context=call.context,
        orders=keep_orders(made.orders),
        facts=facts,
        asked=orjson.dumps(asked),
        snoozes=keep_snoozes(made.snoozes),
        cards=answer.body,
    )


def card_records(
    call: HookCall, decision: str, now: datetime, answer: WrittenAnswer
) -> Iterator[HookCardRecord]:
    """A row a card."""
    for card in answer.cards:
        yield HookCardRecord(
            call=decision,
            id=card.uuid,
            service=call.service,
            patient=call.patient,
            rule=card.rule,
            order=card.order,
            order_class=card.order_class,
            indicator=card.indicator,
            overrides=orjson.dumps(card.overrides),
            shown_at=now,
        )


def decision_record(  # noqa: PLR0913  (a decision is kept with all that made it)
    call: HookCall,
    caller: Caller,
    frame: CardFrame,
    now: datetime,
    made: Made,
    expertise: Expertise,
) -> DecisionRecord:
    """The decision; its facts stand in the call."""
    parameters = {
        "hook": call.hook,
        "service": call.service,
        "hookInstance": call.instance,
        "user": call.user,
        "encounter": call.encounter,
        "guidelineProfile": caller.guideline_profile,
        "knowledgeVersion": expertise.content.version,
        "publicUrl": frame.public_url,
        "unread": [[u.order, u.why] for u in frame.unread],
        "gaps": [list(gap) for gap in frame.gaps],
        "plan": frame.plan,
        "activities": list(frame.activities),
    }
    inputs = [[r.type, r.id, r.version, r.sha256.hex()] for r in made.known.resources]
    return DecisionRecord(
        id=frame.decision,
        patient=call.patient,
        as_of=now,
        kind=KIND,
        knowledge=expertise.digest,
        engine=expertise.engine,
        parameters=orjson.dumps(parameters),
        trace=keep_review(made.review),
        inputs=orjson.dumps(inputs),
        outputs=orjson.dumps([]),
    )


def frame_of_call(call: HookCallRecord, record: DecisionRecord, tenant: str) -> CardFrame:
    """The frame of the cards as it was then."""
    said = orjson.loads(record.parameters)
    return CardFrame(
        tenant=tenant,
        decision=record.id,
        instance=call.instance,
        patient=call.patient,
        user=call.user,
        encounter=said["encounter"],
        as_of=record.as_of.isoformat(timespec="seconds").replace("+00:00", "Z"),
        public_url=said["publicUrl"],
        unread=tuple(Unread(order, why) for order, why in said["unread"]),
        gaps=tuple((key, state, why) for key, state, why in said["gaps"]),
        plan=said["plan"],
        activities=tuple(said["activities"]),
    )
