"""Review orders: gather what is known, review, keep the call with its cards, and only then answer.

One write set: the call with its facts, a row a card, the decision, the audit row, the token that
was used. Nothing from a hook becomes server data, and no prefetch is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import orjson

from app import metrics
from app.domain.expertise import Expertise
from app.domain.facts import NotUsed, Record
from app.domain.history import ContentVersion, Entry, ReadSet, SomethingMoved, WriteSet
from app.domain.orders.call import CardFrame, HookCall, Part, WrittenAnswer
from app.domain.orders.review import review
from app.domain.orders.types import PlanOnRecord, Snooze
from app.domain.problem import Conflict, Problem, Refused
from app.domain.submission import Received
from app.use_cases.calling import TRIES, Caller, executed
from app.use_cases.gathering import completed
from app.use_cases.kept_decision import PLAN
from app.use_cases.kept_review import keep_facts
from app.use_cases.looking_up import Known, gaps_of, known, looked_up
from app.use_cases.ports import (
    Clock,
    Ehr,
    History,
    HookReader,
    HookWriter,
    Journal,
    Library,
    Reader,
    Stopwatch,
)
from app.use_cases.responses import answered_of
from app.use_cases.review_records import (
    Made,
    Timing,
    call_record,
    card_records,
    decision_id,
    decision_record,
)

BUDGET, RESERVE = 2.0, 0.3  # seconds for the whole call, and what of them is for ourselves
SNOOZED_FOR = timedelta(days=90)  # alert discipline of interventions.md §3.2


class Reviewed(NamedTuple):
    """The answer as kept, and what the log is told of it."""

    decision: str
    answer: WrittenAnswer


@dataclass(frozen=True, slots=True)
class ReviewOrder:
    """The use case with the parts it needs."""

    reader: Reader
    hooks: HookReader
    writer: HookWriter
    history: History
    journal: Journal
    library: Library
    ehr: Ehr
    clock: Clock
    stopwatch: Stopwatch
    public_url: str

    async def __call__(self, call: HookCall, caller: Caller, *, started: float) -> Reviewed:
        """``started`` is when the request came, by the stopwatch.

        Refused (another patient), PreconditionFailed (nobody knows anything), Unauthenticated (the
        token was used before): nothing is kept then.
        """
        now = self.clock()

        def left() -> float:
            return BUDGET - RESERVE - (self.stopwatch() - started)

        parts = await looked_up(call, caller.client, self.ehr, self.hooks, left)
        for _ in range(TRIES):
            try:
                return await self._once(call, caller, parts, now, started)
            except SomethingMoved:
                continue
        raise Conflict(
            Problem(
                "Other writes for this patient kept coming in between.",
                mend="Send the request again.",
                code="conflict",
            )
        )

    async def _once(
        self,
        call: HookCall,
        caller: Caller,
        parts: Mapping[str, Part],
        now: datetime,
        started: float,
    ) -> Reviewed:
        expertise = self.library.current
        head = await self.history.patient_head(caller.tenant, call.patient)
        made = await self._review(call, caller, parts, now, expertise)
        facts = keep_facts(made.record, made.known.resources, made.plan)
        decision = decision_id(call, caller, now, facts, expertise.digest)
        frame = self._frame(call, caller, decision, made, parts)
        answer = self.writer.answer(made.review, expertise.content, frame, made.orders, call.drafts)
        timing = Timing(now, round((self.stopwatch() - started) * 1000))
        entries: tuple[Entry, ...] = (
            call_record(call, decision, timing, made, facts, parts, answer),
            *card_records(call, decision, now, answer),
            decision_record(call, caller, frame, now, made, expertise),
            executed(
                caller,
                operation=call.hook,
                what=f"decision/{decision}",
                patient=call.patient,
                now=now,
                user=call.user or None,
            ),
            ContentVersion(expertise.digest, expertise.content.version, expertise.archive),
        )
        reads = ReadSet(call.patient, head)
        await self.journal.record(WriteSet(caller.tenant, reads, entries, token=caller.token))
        for advice in made.review.shown:
            metrics.shown(advice.rule, advice.indicator.value)
        return Reviewed(decision, answer)

    async def _review(
        self,
        call: HookCall,
        caller: Caller,
        parts: Mapping[str, Part],
        now: datetime,
        expertise: Expertise,
    ) -> Made:
        tenant = caller.tenant
        kept = await self.history.current_of_patient(tenant, call.patient)
        stored = [self.reader.stored(s) for s in kept if s.version.origin == "received"]
        about = known(parts, stored, self.hooks)
        answered = answered_of(await self.history.responses(tenant, call.patient, now))
        read, unusable = self._read(about, expertise, now)
        record = completed(read, answered, (*about.not_used, *unusable))
        plan, activities = await self._plan(tenant, call.patient, now)
        snoozes = await self._snoozes(tenant, call.patient, now)
        orders, unread = self.hooks.orders(call.drafts, about.resources, as_of=now)
        reviewed = review(
            orders,
            record,
            expertise.content,
            hook=call.hook,
            as_of=now,
            guideline_profile=caller.guideline_profile,
            plan=plan,
            snoozes=snoozes,
        )
        return Made(orders, unread, record, about, plan, activities, snoozes, reviewed)

    def _read(
        self, about: Known, expertise: Expertise, now: datetime
    ) -> tuple[Record, tuple[NotUsed, ...]]:
        """One value out of its range is set aside and named; it takes no other fact with it."""
        content = expertise.content
        try:
            return self.reader.record(
                about.resources, content, as_of=now, complete=about.complete
            ), ()
        except Refused:
            bad = {
                r.reference: why for r in about.resources if (why := self._fault(r, expertise, now))
            }
        good = [r for r in about.resources if r.reference not in bad]
        complete = about.complete - {reference.partition("/")[0] for reference in bad}
        record = self.reader.record(good, content, as_of=now, complete=complete)
        return record, tuple(NotUsed(reference, why) for reference, why in bad.items())

    def _fault(self, received: Received, expertise: Expertise, now: datetime) -> str:
        try:
            self.reader.record((received,), expertise.content, as_of=now, complete=frozenset())
        except Refused as error:
            return error.problems[0].what
        return ""

    async def _plan(
        self, tenant: str, patient: str, now: datetime
    ) -> tuple[PlanOnRecord | None, tuple[str, ...]]:
        """The plan of the last derivation, the next day to look at it, and what it asks for."""
        before = await self.history.previous_decision(tenant, patient, now)
        if before is None:
            return None, ()
        outputs = orjson.loads(before.outputs)
        plan = next((id_ for type_, id_, *_ in outputs if type_ == PLAN), "")
        stored = await self.history.read(tenant, PLAN, plan)
        mechanism = orjson.loads(before.trace)["mechanism"]
        if stored is None:
            return PlanOnRecord(before.id, before.as_of, mechanism, None), ()
        days = self.hooks.reviews(stored)
        due = next((day for day in days if day >= now.date()), days[-1] if days else None)
        at = None if due is None else datetime.combine(due, time(), UTC)
        activities = tuple(self.hooks.activities(stored))
        return PlanOnRecord(before.id, before.as_of, mechanism, at), activities

    async def _snoozes(self, tenant: str, patient: str, now: datetime) -> tuple[Snooze, ...]:
        since = now - SNOOZED_FOR
        found = await self.history.overrides(tenant, patient, since)
        return tuple(Snooze(one.rule, one.order_class, one.at + SNOOZED_FOR) for one in found)

    def _frame(
        self,
        call: HookCall,
        caller: Caller,
        decision: str,
        made: Made,
        parts: Mapping[str, Part],
    ) -> CardFrame:
        return CardFrame(
            tenant=caller.tenant,
            decision=decision,
            instance=call.instance,
            patient=call.patient,
            user=call.user,
            encounter=call.encounter,
            as_of=made.review.as_of.isoformat(timespec="seconds").replace("+00:00", "Z"),
            public_url=self.public_url,
            unread=made.unread,
            gaps=gaps_of(parts),
            plan="" if made.plan is None else made.plan.decision,
            activities=made.activities,
        )
