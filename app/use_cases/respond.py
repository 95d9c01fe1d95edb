"""Answer a plan: the clinician's word becomes new versions, kept before the caller hears of it."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from app.domain.frame import Output
from app.domain.history import (
    ContentVersion,
    DecisionRecord,
    IdempotencyRecord,
    ReadSet,
    ResourceVersion,
    SomethingMoved,
    Stored,
    WriteSet,
)
from app.domain.problem import Conflict, NotFound, PreconditionFailed, Problem
from app.domain.response import Change, PlanVersion, Response, transition
from app.use_cases.calling import NAMESPACE, TRIES, Caller, executed, used_otherwise
from app.use_cases.kept_decision import PLAN
from app.use_cases.ports import Clock, History, Journal, Library, Reader, Writer
from app.use_cases.responses import KIND, written

TRACE = 1


class RespondAsk(NamedTuple):
    """One call. ``if_match`` are the version ids that the caller allows, None for any."""

    plan: str
    response: Response
    request_digest: bytes
    if_match: frozenset[str] | None = None
    idempotency_key: str | None = None
    warnings: tuple[Problem, ...] = ()


class Given(NamedTuple):
    """The decision, and the version of the plan that the caller is shown."""

    decision_id: str
    plan: Stored
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RespondToPlan:
    """The use case with the parts it needs."""

    reader: Reader
    writer: Writer
    history: History
    journal: Journal
    library: Library
    clock: Clock

    async def __call__(self, ask: RespondAsk, caller: Caller) -> Given:
        """NotFound, Conflict, PreconditionFailed, Refused: why not; nothing is stored then."""
        key = ask.idempotency_key
        if key is None:
            return await self._until_settled(ask, caller)
        async with self.journal.hold((caller.tenant, caller.client, KIND, key)):
            return await self._until_settled(ask, caller)

    async def _promised(self, ask: RespondAsk, caller: Caller) -> Given | None:
        """The first answer to a repeated key: of this process, or of another meanwhile."""
        key = ask.idempotency_key
        if key is None:
            return None
        known = await self.history.idempotent(caller.tenant, caller.client, KIND, key)
        return None if known is None else await self._first_answer(ask, caller, *known)

    async def _first_answer(
        self, ask: RespondAsk, caller: Caller, digest: bytes, decision_id: str
    ) -> Given:
        if digest != ask.request_digest:
            raise used_otherwise()
        first = await self._version_given(caller.tenant, decision_id)
        await self._audit_again(ask, caller, first.version.patient)
        return Given(decision_id, first, ask.warnings)

    async def _version_given(self, tenant: str, decision_id: str) -> Stored:
        record = await self.history.decision(tenant, decision_id)
        assert record is not None  # noqa: S101  (the promise was written with it)
        type_, id_, version, _ = orjson.loads(record.outputs)[0]
        stored = await self.history.read(tenant, type_, id_, version)
        assert stored is not None  # noqa: S101  (written in the decision's own transaction)
        return stored

    async def _until_settled(self, ask: RespondAsk, caller: Caller) -> Given:
        now = self.clock()
        for _ in range(TRIES):
            try:
                promised = await self._promised(ask, caller)
                return promised or await self._once(ask, caller, now)
            except SomethingMoved:
                continue
        raise Conflict(
            Problem(
                "Other writes for this patient kept coming in between.",
                mend="Send the request again.",
                code="conflict",
            )
        )

    async def _once(self, ask: RespondAsk, caller: Caller, now: datetime) -> Given:
        tenant = caller.tenant
        stored = await self.history.read(tenant, PLAN, ask.plan)
        if stored is None:
            raise NotFound(Problem(f"There is no CarePlan/{ask.plan[:64]}.", code="not-found"))
        decision_id = _decision_id(tenant, ask)
        before = await self.history.decision(tenant, decision_id)
        if before is not None:
            _require_match(ask.if_match, stored, *_versions_of(before))
            await self._audit_again(ask, caller, before.patient)
            return Given(decision_id, stored, ask.warnings)
        _require_match(ask.if_match, stored)
        return await self._answer(ask, caller, now, stored, decision_id)

    async def _answer(
        self, ask: RespondAsk, caller: Caller, now: datetime, stored: Stored, decision_id: str
    ) -> Given:
        tenant, patient = caller.tenant, stored.version.patient
        assert patient is not None  # noqa: S101  (a plan is always somebody's)
        head = await self.history.patient_head(tenant, patient)
        open_plans = await self.history.open_plans(tenant, patient)
        plans = {s.version.id: s for s in (*open_plans, stored)}
        others = [self.reader.plan(s) for id_, s in plans.items() if id_ != ask.plan]
        plan = self.reader.plan(stored)
        changes = transition(plan, others, ask.response)
        versions = [self._changed(plans[c.plan].version, c, now) for c in changes]
        expertise = self.library.current
        changed = [plans[c.plan].version for c in changes]
        record = DecisionRecord(
            id=decision_id,
            patient=patient,
            as_of=now,
            kind=KIND,
            knowledge=expertise.digest,
            engine=expertise.engine,
            parameters=orjson.dumps(
                {**written(ask.response), "knowledgeVersion": expertise.content.version}
            ),
            trace=_trace({p.id: p for p in (plan, *others)}, changes),
            inputs=_references(changed),
            outputs=_references(versions),
        )
        reads = ReadSet(patient, head, tuple((PLAN, v.id, v.version) for v in changed))
        committed = await self.journal.record(
            WriteSet(
                tenant,
                reads,
                (
                    *versions,
                    record,
                    executed(caller, operation=KIND, what=_what(ask), patient=patient, now=now),
                    ContentVersion(expertise.digest, expertise.content.version, expertise.archive),
                ),
                _promise(ask, caller, decision_id),
            )
        )
        shown = Stored(versions[0], committed.sequence, committed.committed_at)
        return Given(decision_id, shown, ask.warnings)

    def _changed(self, version: ResourceVersion, change: Change, now: datetime) -> ResourceVersion:
        return next_version(version, self.writer.answered(version, change, now))

    async def _audit_again(self, ask: RespondAsk, caller: Caller, patient: str | None) -> None:
        now = self.clock()
        audit = executed(caller, operation=KIND, what=_what(ask), patient=patient, now=now)
        await self.journal.record(WriteSet(caller.tenant, ReadSet(), (audit,)))


def next_version(version: ResourceVersion, output: Output) -> ResourceVersion:
    """The version after, with another body."""
    return ResourceVersion(
        type=output.type,
        id=output.id,
        version=version.version + 1,
        patient=version.patient,
        status=output.status,
        sha256=hashlib.sha256(output.body).digest(),
        body=output.body,
        origin=version.origin,
        search=output.search,
    )


def _decision_id(tenant: str, ask: RespondAsk) -> str:
    """The same answer to the same plan is the same decision; a plan is answered once."""
    read = {"kind": KIND, "tenant": tenant, "plan": ask.plan, "answer": written(ask.response)}
    return str(uuid.uuid5(NAMESPACE, orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()))


def _versions_of(record: DecisionRecord) -> tuple[int, int]:
    """The version that was answered and the one that carries the answer."""
    answered, carries = orjson.loads(record.inputs)[0], orjson.loads(record.outputs)[0]
    return answered[2], carries[2]


def _require_match(allowed: frozenset[str] | None, stored: Stored, *also: int) -> None:
    """``also`` are the versions that a repeated answer may name (RFC 9110, 13.1.1)."""
    versions = {"*", *(str(v) for v in (stored.version.version, *also))}
    if allowed is None or allowed & versions:
        return
    raise PreconditionFailed(
        Problem(
            f"If-Match does not name the current version, which is {stored.version.version}.",
            where="If-Match",
            mend="Read the plan again, then answer the version that was read.",
            code="conflict",
        )
    )


def _trace(plans: Mapping[str, PlanVersion], changes: Sequence[Change]) -> bytes:
    """Which plan went from which state to which."""
    steps = [[c.plan, plans[c.plan].status.value, c.status.value] for c in changes]
    return orjson.dumps({"v": TRACE, "changes": steps})


def _references(versions: Sequence[ResourceVersion]) -> bytes:
    return orjson.dumps([[v.type, v.id, v.version, v.sha256.hex()] for v in versions])


def _what(ask: RespondAsk) -> str:
    return f"{PLAN}/{ask.plan}"


def _promise(ask: RespondAsk, caller: Caller, decision_id: str) -> IdempotencyRecord | None:
    if ask.idempotency_key is None:
        return None
    return IdempotencyRecord(
        caller.client, KIND, ask.idempotency_key, ask.request_digest, decision_id
    )
