"""Derive a care plan: take what came and what is stored, decide, keep it, and only then answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from app import metrics
from app.domain.decision import Decision, derive
from app.domain.expertise import Expertise
from app.domain.frame import Frame, Output
from app.domain.history import (
    ContentVersion,
    DecisionRecord,
    IdempotencyRecord,
    ReadSet,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import Conflict, Problem, Refused
from app.domain.submission import Submission
from app.domain.trace import before_of
from app.use_cases.calling import TRIES, Caller, executed, used_otherwise
from app.use_cases.gathering import Gathered, Gathering, completed
from app.use_cases.kept_decision import (
    FIRST,
    PLAN,
    derived_version,
    frame_for,
    frame_of,
    received_version,
    record_for,
)
from app.use_cases.ports import Clock, History, Journal, Library, Reader, Writer

FUTURE_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # nothing is computed near the first year of Python


class Ask(NamedTuple):
    """One call: what was handed in, whether to keep it, and the key of a retry."""

    submission: Submission
    operation: str
    request_digest: bytes
    is_kept: bool = True
    idempotency_key: str | None = None


class Kept(NamedTuple):
    """A resource of the answer with what only the history knows (None when nothing is kept)."""

    type: str
    id: str
    version: int
    body: bytes
    committed_at: datetime | None


class Answer(NamedTuple):
    """The resources of a decision in their order, and what else the caller is told."""

    decision_id: str
    resources: tuple[Kept, ...]
    frame: Frame
    as_of: datetime
    is_kept: bool
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class DeriveCarePlan:
    """The use case with the parts it needs."""

    reader: Reader
    writer: Writer
    history: History
    journal: Journal
    library: Library
    clock: Clock

    async def __call__(self, ask: Ask, caller: Caller) -> Answer:
        """Refused, Conflict or Unavailable tell why not; nothing is stored then."""
        key = _key(ask)
        if key is None:
            return await self._until_settled(ask, caller)
        async with self.journal.hold((caller.tenant, caller.client, ask.operation, key)):
            return await self._until_settled(ask, caller)

    async def _promised(self, ask: Ask, caller: Caller) -> Answer | None:
        """The first answer to a repeated key: of this process, or of another meanwhile."""
        key = _key(ask)
        if key is None:
            return None
        known = await self.history.idempotent(caller.tenant, caller.client, ask.operation, key)
        return None if known is None else await self._first_answer(ask, caller, *known)

    async def _first_answer(
        self, ask: Ask, caller: Caller, digest: bytes, decision_id: str
    ) -> Answer:
        if digest != ask.request_digest:
            raise used_otherwise()
        return await self._again(ask, caller, decision_id)

    async def _again(self, ask: Ask, caller: Caller, decision_id: str) -> Answer:
        """What was answered before; that it was asked for again is kept."""
        answer = await self.answer_of(caller.tenant, decision_id, ask.submission.warnings)
        what, now = f"{PLAN}/{answer.resources[0].id}", self.clock()
        patient = ask.submission.subject
        audit = executed(caller, operation=ask.operation, what=what, patient=patient, now=now)
        await self.journal.record(WriteSet(caller.tenant, ReadSet(), (audit,)))
        return answer

    async def _until_settled(self, ask: Ask, caller: Caller) -> Answer:
        now = self.clock()
        for _ in range(TRIES):
            try:
                promised = await self._promised(ask, caller)
                if promised is not None:
                    return promised
                submission = self._with_defaults(ask.submission, caller, now)
                return await self._once(ask._replace(submission=submission), caller, now)
            except SomethingMoved:
                continue
        raise Conflict(
            Problem(
                "Other writes for this patient kept coming in between.",
                mend="Send the request again.",
                code="conflict",
            )
        )

    def _with_defaults(self, submission: Submission, caller: Caller, now: datetime) -> Submission:
        as_of = submission.as_of or now
        if as_of > now + FUTURE_TOLERANCE:
            raise _no_as_of("asOf lies in the future.", "Send an instant that has passed")
        if as_of < EARLIEST:
            raise _no_as_of("asOf lies before 1900.", "Send an instant since 1900-01-01")
        profile = submission.guideline_profile or caller.guideline_profile
        return submission._replace(as_of=as_of.astimezone(UTC), guideline_profile=profile)

    async def _once(self, ask: Ask, caller: Caller, now: datetime) -> Answer:
        submission = ask.submission
        expertise = self.library.current
        as_of = submission.as_of
        assert as_of is not None  # noqa: S101  (filled in by _with_defaults)
        gathering = Gathering(self.reader, self.history)
        gathered = await gathering(submission, caller.tenant, as_of)
        before = await gathering.plan_before(gathered, caller.tenant, as_of)
        decision = self._decide(gathered, submission, expertise, as_of, before)
        frame = frame_for(
            decision,
            submission,
            gathered,
            expertise,
            tenant=caller.tenant,
            before=before,
            is_kept=ask.is_kept,
        )
        if ask.is_kept and gathered.reads.patient_head:
            known = await self.history.decision(caller.tenant, frame.decision_id)
            if known is not None:
                return await self._again(ask, caller, frame.decision_id)
        metrics.decided(decision.phenotype.mechanism, decision.gate.level.value)
        outputs = self.writer.write(decision, expertise.content, frame)
        audit = executed(
            caller,
            operation=ask.operation,
            what=f"{PLAN}/{outputs[0].id}" if ask.is_kept else "",
            patient=submission.subject,
            now=now,
        )
        if not ask.is_kept:
            await self.journal.record(WriteSet(caller.tenant, ReadSet(), (audit,)))
            return _answer(frame, outputs, as_of, None, submission.warnings)
        write_set = WriteSet(
            caller.tenant,
            gathered.reads,
            (
                *(received_version(r) for r in gathered.to_store),
                *(derived_version(o, submission.subject) for o in outputs),
                record_for(decision, expertise, frame, outputs, gathered, submission, before),
                audit,
                ContentVersion(expertise.digest, expertise.content.version, expertise.archive),
            ),
            _promise(ask, caller, frame.decision_id),
        )
        committed = await self.journal.record(write_set)
        return _answer(frame, outputs, as_of, committed.committed_at, submission.warnings)

    def _decide(
        self,
        gathered: Gathered,
        submission: Submission,
        expertise: Expertise,
        as_of: datetime,
        before: DecisionRecord | None,
    ) -> Decision:
        record = self.reader.record(
            gathered.inputs, expertise.content, as_of=as_of, complete=submission.complete
        )
        return derive(
            completed(record, gathered.answered, gathered.not_used),
            expertise.content,
            as_of=as_of,
            guideline_profile=submission.guideline_profile or "",
            crisis_text=expertise.crisis_text,
            before=None if before is None else before_of(before.id, orjson.loads(before.trace)),
        )

    async def answer_of(
        self, tenant: str, decision_id: str, warnings: tuple[Problem, ...] = ()
    ) -> Answer:
        """The answer that was given once, from what is stored: the same bytes again."""
        record = await self.history.decision(tenant, decision_id)
        assert record is not None  # noqa: S101  (the caller has just found it)
        resources = []
        for type_, id_, version, *_ in orjson.loads(record.outputs):
            stored = await self.history.read(tenant, type_, id_, version)
            assert stored is not None  # noqa: S101  (written in the decision's own transaction)
            resources.append(Kept(type_, id_, version, stored.version.body, stored.committed_at))
        frame = frame_of(record)
        return Answer(
            decision_id, tuple(resources), frame, record.as_of, is_kept=True, warnings=warnings
        )


def _key(ask: Ask) -> str | None:
    """What is not kept is promised to nobody."""
    return ask.idempotency_key if ask.is_kept else None


def _no_as_of(what: str, mend: str) -> Refused:
    return Refused(
        Problem(
            what,
            where="Parameters.parameter.where(name='asOf')",
            mend=f"{mend}, or leave it out.",
            code="business-rule",
        )
    )


def _promise(ask: Ask, caller: Caller, decision_id: str) -> IdempotencyRecord | None:
    if ask.idempotency_key is None:
        return None
    return IdempotencyRecord(
        caller.client, ask.operation, ask.idempotency_key, ask.request_digest, decision_id
    )


def _answer(
    frame: Frame,
    outputs: Sequence[Output],
    as_of: datetime,
    committed_at: datetime | None,
    warnings: tuple[Problem, ...],
) -> Answer:
    resources = tuple(Kept(o.type, o.id, FIRST, o.body, committed_at) for o in outputs)
    return Answer(
        frame.decision_id,
        resources,
        frame,
        as_of,
        is_kept=committed_at is not None,
        warnings=warnings,
    )
