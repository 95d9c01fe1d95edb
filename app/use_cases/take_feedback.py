"""Keep what became of cards: against the card and its rule, each thing that was said once.

An override for a reason that the card offered makes the rule silent about that class of order for
this patient for a while (``review_order.py`` asks for it at the next call).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from app.domain.history import Entry, ReadSet, SomethingMoved, WriteSet
from app.domain.hook_history import FeedbackRecord, HookCardRecord
from app.domain.orders.feedback import Feedback
from app.domain.problem import Conflict, Problem
from app.use_cases.calling import NAMESPACE, TRIES, Caller, executed
from app.use_cases.ports import Clock, History, Journal

CRITICAL = "critical"


class Taken(NamedTuple):
    """How many entries are new, and which cards we do not know."""

    kept: int
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeFeedback:
    """The use case with the parts it needs."""

    history: History
    journal: Journal
    clock: Clock

    async def __call__(self, service: str, said: Sequence[Feedback], caller: Caller) -> Taken:
        """Unauthenticated when the token was used before; nothing is kept then."""
        now = self.clock()
        for _ in range(TRIES):
            try:
                return await self._once(service, said, caller, now)
            except SomethingMoved:
                continue
        raise Conflict(
            Problem("The same feedback kept coming in.", mend="Send it again.", code="conflict")
        )

    async def _once(
        self, service: str, said: Sequence[Feedback], caller: Caller, now: datetime
    ) -> Taken:
        tenant = caller.tenant
        records: dict[str, FeedbackRecord] = {}
        unknown: dict[str, None] = {}
        for one in said:
            card = await self.history.hook_card(tenant, service, one.card)
            if card is None:
                unknown[one.card] = None
            record = _record(service, one, card, now)
            records[record.id] = record
        known = await self.history.known_feedback(tenant, list(records))
        new = tuple(record for id_, record in records.items() if id_ not in known)
        patients = {record.patient for record in records.values()}
        patient = patients.pop() if len(patients) == 1 else None
        audit = executed(caller, operation="feedback", what="", patient=patient, now=now)
        entries: tuple[Entry, ...] = (*new, audit)
        await self.journal.record(WriteSet(tenant, ReadSet(), entries, token=caller.token))
        return Taken(len(new), tuple(unknown))


def _record(
    service: str, said: Feedback, card: HookCardRecord | None, now: datetime
) -> FeedbackRecord:
    reason = said.reason
    words = {
        "suggestions": list(said.suggestions),
        "system": reason.system if reason else "",
        "code": reason.code if reason else "",
        "comment": said.comment,
    }
    named = {"service": service, "card": said.card, "outcome": said.outcome, **words}
    named["at"] = said.at.isoformat()
    text = orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()
    return FeedbackRecord(
        id=str(uuid.uuid5(NAMESPACE, text)),
        card=said.card,
        service=service,
        call=card.call if card else None,
        rule=card.rule if card else None,
        order_class=card.order_class if card else None,
        patient=card.patient if card else None,
        outcome=said.outcome,
        reason_system=(reason.system or None) if reason else None,
        reason_code=reason.code if reason else None,
        snoozes=int(card is not None and _is_accepted_override(said, card)),
        outcome_at=said.at,
        received_at=now,
        said=orjson.dumps(words),
    )


def _is_accepted_override(said: Feedback, card: HookCardRecord) -> bool:
    """An override for one of the reasons that the card offered; never of a critical card."""
    if said.reason is None or card.indicator == CRITICAL:
        return False
    offered = orjson.loads(card.overrides)
    system, code = said.reason.system, said.reason.code
    return any(code == known and system in ("", its) for its, known in offered)
