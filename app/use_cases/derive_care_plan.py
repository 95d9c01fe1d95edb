"""Derive a care plan: take what came and what is stored, decide, keep it, and only then answer."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from app import metrics
from app.domain.decision import Decision, derive
from app.domain.expertise import Expertise
from app.domain.facts import NotUsed, Record
from app.domain.frame import Frame, InputVersion, Output
from app.domain.history import (
    AuditRecord,
    ContentVersion,
    CurrentVersion,
    DecisionRecord,
    IdempotencyRecord,
    ReadSet,
    ResourceVersion,
    SeenToken,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import Conflict, Problem, Refused
from app.domain.response import Answered, acceptances, refusals
from app.domain.submission import Received, Submission
from app.domain.trace import before_of, trace_of
from app.use_cases.ports import Clock, History, Journal, Library, Reader, Writer
from app.use_cases.responses import answered_of

NAMESPACE = uuid.UUID("5f2d9a35-3a3c-5a69-9d0f-2f0c6f1d7b11")
FUTURE_TOLERANCE = timedelta(minutes=5)
TRIES = 3
KIND = "derive"
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # nothing is computed near the first year of Python
PLAN = "CarePlan"
LOW_BACK = ("low-back-pain-on-problem-list", "chronic-low-back-pain-on-problem-list")
UNIT = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which id space, and under which request.

    ``token`` is the single-use token that the request came with, if it came with one;
    ``token_id`` is the id (jti) of its token of either kind, where it has one.
    """

    tenant: str
    client: str
    request_id: str
    origin: str
    guideline_profile: str
    token: SeenToken | None = None
    token_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: what was handed in, whether to keep it, and the key of a retry."""

    submission: Submission
    operation: str
    request_digest: bytes
    is_kept: bool = True
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A resource of the answer with what only the history knows (None when nothing is kept)."""

    type: str
    id: str
    version: int
    body: bytes
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The resources of a decision in their order, and what else the caller is told."""

    decision_id: str
    resources: tuple[Kept, ...]
    frame: Frame
    as_of: datetime
    is_kept: bool
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What the decision reads: the inputs in order, those to store, and the read set behind it.

    ``answered`` are the clinicians' answers to the patient's earlier plans, up to the instant of
    evaluation; they count whether or not what else is stored does. ``erased`` names the last
    erasure of the patient: what is decided afterwards is no decision of before.
    """

    inputs: tuple[Received, ...]
    to_store: tuple[Received, ...]
    not_used: tuple[NotUsed, ...]
    reads: ReadSet
    answered: tuple[Answered, ...] = ()
    erased: str | None = None


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
                return await self._once(replace(ask, submission=submission), caller, now)
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
        return replace(submission, as_of=as_of.astimezone(UTC), guideline_profile=profile)

    async def _once(self, ask: Ask, caller: Caller, now: datetime) -> Answer:
        submission = ask.submission
        expertise = self.library.current
        as_of = submission.as_of
        assert as_of is not None  # noqa: S101  (filled in by _with_defaults)
        gathered = await self._gather(submission, caller.tenant)
        gathered = replace(gathered, answered=await self._answered(caller, gathered, as_of))
        before = await self._plan_before(caller.tenant, submission.subject, as_of, gathered)
        decision = self._decide(gathered, submission, expertise, as_of, before)
        frame = _frame(ask, gathered, expertise, decision, caller.tenant, before)
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
                *(_version(r) for r in gathered.to_store),
                *(_output_version(o, submission.subject) for o in outputs),
                _record(decision, expertise, frame, outputs, gathered, submission, before),
                audit,
                ContentVersion(expertise.digest, expertise.content.version, expertise.archive),
            ),
            _promise(ask, caller, frame.decision_id),
        )
        committed = await self.journal.record(write_set)
        return _answer(frame, outputs, as_of, committed.committed_at, submission.warnings)

    def _decide(
        self,
        gathered: _Gathered,
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

    async def _gather(self, submission: Submission, tenant: str) -> _Gathered:
        """Inline resources first; what is stored of the patient beside them, if it counts."""
        head = await self.history.patient_head(tenant, submission.subject)
        keys = [(r.type, r.id) for r in submission.resources]
        current = await self.history.current_versions(tenant, keys)
        stored = await self._stored(submission, tenant, head, current)
        inputs: dict[tuple[str, str], Received] = {}
        to_store: list[Received] = []
        not_used: list[NotUsed] = []
        for received in submission.resources:
            key = (received.type, received.id)
            known = current.get(key)
            if known is None:
                inputs[key] = replace(received, version=1)
                to_store.append(inputs[key])
                continue
            _same_patient(received, known)
            _not_ours(received, known)
            if known.is_erased:
                inputs[key] = replace(received, version=known.version + 1)
                to_store.append(inputs[key])
                continue
            if known.sha256 == received.sha256:
                inputs[key] = replace(received, version=known.version)
                continue
            before = stored[key]
            _same_person(received, before)
            if _is_older(received, before):
                not_used.append(NotUsed(received.reference, "older than the stored version"))
                inputs[key] = before
                continue
            inputs[key] = replace(received, version=known.version + 1)
            to_store.append(inputs[key])
        if submission.use_server_data:
            for key, before in stored.items():
                inputs.setdefault(key, before)
        versions = tuple(
            (type_, id_, current[(type_, id_)].version if (type_, id_) in current else 0)
            for type_, id_ in dict.fromkeys(keys)
        )
        return _Gathered(
            inputs=tuple(inputs[key] for key in sorted(inputs)),
            to_store=tuple(to_store),
            not_used=(*submission.not_used, *not_used),
            reads=ReadSet(submission.subject, head, versions),
            erased=await self.history.erased(tenant, submission.subject) if head else None,
        )

    async def _stored(
        self,
        submission: Submission,
        tenant: str,
        head: int,
        current: dict[tuple[str, str], CurrentVersion],
    ) -> dict[tuple[str, str], Received]:
        """What is stored of the patient and was received, and the versions now superseded."""
        if not head and not current:
            return {}
        found = await self.history.current_of_patient(tenant, submission.subject)
        parsed = {
            (s.version.type, s.version.id): self.reader.stored(s)
            for s in found
            if s.version.origin == "received"
        }
        there = {key for key, version in current.items() if not version.is_erased}
        for type_, id_ in there - parsed.keys():
            other = await self.history.read(tenant, type_, id_)
            if other is not None:
                parsed[(type_, id_)] = self.reader.stored(other)
        return parsed

    async def _plan_before(
        self, tenant: str, patient: str, as_of: datetime, gathered: _Gathered
    ) -> DecisionRecord | None:
        if not gathered.reads.patient_head:
            return None
        return await self.history.previous_decision(tenant, patient, as_of)

    async def _answered(
        self, caller: Caller, gathered: _Gathered, as_of: datetime
    ) -> tuple[Answered, ...]:
        patient = gathered.reads.patient
        if patient is None or not gathered.reads.patient_head:
            return ()
        return answered_of(await self.history.responses(caller.tenant, patient, as_of))

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


def executed(  # noqa: PLR0913  (who, what, about whom, when)
    caller: Caller,
    *,
    operation: str,
    what: str,
    patient: str | None,
    now: datetime,
    user: str | None = None,
) -> AuditRecord:
    """The audit row of an operation."""
    return AuditRecord(
        id=str(uuid.uuid5(NAMESPACE, f"{caller.request_id} {now.isoformat()}")),
        recorded=now,
        action="E",
        what=what,
        patient=patient,
        who=caller.client,
        origin=caller.origin,
        outcome="0",
        request_id=caller.request_id,
        interaction="operation",
        operation=operation,
        user=user,
        token=caller.token_id,
    )


def used_otherwise() -> Refused:
    """A key that stands for another request."""
    return Refused(
        Problem(
            "This Idempotency-Key was used before with another request.",
            mend="Send a new key with a new request.",
            code="business-rule",
        )
    )


def completed(
    record: Record, answered: Sequence[Answered], not_used: tuple[NotUsed, ...]
) -> Record:
    """What was read, with the answers that stand and what was set aside before reading."""
    facts = (*record.facts, *refusals(answered), *acceptances(answered))
    return replace(record, facts=facts, not_used=(*not_used, *record.not_used))


def frame_of(record: DecisionRecord) -> Frame:
    """The frame of a stored decision, read back from its parameters."""
    parameters = orjson.loads(record.parameters)
    inputs = tuple(
        InputVersion(type_, id_, version, bytes.fromhex(digest))
        for type_, id_, version, digest in orjson.loads(record.inputs)
    )
    return Frame(
        decision_id=record.id,
        patient=record.patient,
        inputs=inputs,
        knowledge_version=parameters["knowledgeVersion"],
        knowledge_digest=record.knowledge,
        engine=record.engine,
        replaces=parameters["replaces"],
        conditions=tuple(parameters["conditions"]),
        encounter=parameters["encounter"],
        practitioner=parameters["practitioner"],
        organization=parameters["organization"],
    )


def _no_as_of(what: str, mend: str) -> Refused:
    return Refused(
        Problem(
            what,
            where="Parameters.parameter.where(name='asOf')",
            mend=f"{mend}, or leave it out.",
            code="business-rule",
        )
    )


def _same_patient(received: Received, known: CurrentVersion) -> None:
    if received.patient == known.patient:
        return
    raise Conflict(
        Problem(
            f"{received.reference} is stored for another patient.",
            where=f"{received.type}.id",
            mend="An id belongs to one resource; send this one under its own id.",
            code="conflict",
        )
    )


def _not_ours(received: Received, known: CurrentVersion) -> None:
    if known.origin != "derived":
        return
    raise Conflict(
        Problem(
            f"{received.reference} was derived by this service and is only read.",
            where=f"{received.type}.id",
            mend="Send what you found under an id of its own.",
            code="conflict",
        )
    )


def _same_person(received: Received, before: Received) -> None:
    dates = {received.birth_date, before.birth_date} - {None}
    if received.type != "Patient" or len(dates) <= 1:
        return
    raise Conflict(
        Problem(
            f"{received.reference} is stored with another birth date.",
            where="Patient.birthDate",
            mend="Correct the stored Patient with a PUT if this is the same person.",
            code="conflict",
        )
    )


def _is_older(received: Received, before: Received) -> bool:
    if received.last_updated is None or before.last_updated is None:
        return False
    return received.last_updated < before.last_updated


def _frame(  # noqa: PLR0913  (everything that a decision is identified by)
    ask: Ask,
    gathered: _Gathered,
    expertise: Expertise,
    decision: Decision,
    tenant: str,
    before: DecisionRecord | None,
) -> Frame:
    submission = ask.submission
    replaces = _care_plan_of(before)
    inputs = tuple(
        InputVersion(r.type, r.id, r.version if ask.is_kept else None, r.sha256)
        for r in gathered.inputs
    ) + tuple(InputVersion(PLAN, a.plan, a.version, a.sha256) for a in gathered.answered)
    read = {
        "tenant": tenant,
        "patient": submission.subject,
        "asOf": decision.as_of.isoformat(),
        "guidelineProfile": decision.guideline_profile,
        "complete": sorted(submission.complete),
        "useServerData": submission.use_server_data,
        "encounter": submission.encounter,
        "practitioner": submission.practitioner,
        "organization": submission.organization,
        "inputs": [[i.type, i.id, i.sha256.hex()] for i in inputs],
        "before": before.id if before else None,
        "answered": [a.decision for a in gathered.answered],
        "notUsed": [[n.reference, n.why] for n in gathered.not_used],
        "knowledge": expertise.digest,
        "isKept": ask.is_kept,
    }
    if gathered.erased is not None:
        read["erased"] = gathered.erased
    text = orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()
    return Frame(
        decision_id=str(uuid.uuid5(NAMESPACE, text)),
        patient=submission.subject,
        inputs=inputs,
        knowledge_version=expertise.content.version,
        knowledge_digest=expertise.digest,
        engine=expertise.engine,
        replaces=replaces,
        conditions=_low_back_conditions(decision),
        encounter=submission.encounter,
        practitioner=submission.practitioner,
        organization=submission.organization,
        is_kept=ask.is_kept,
    )


def _care_plan_of(before: DecisionRecord | None) -> str | None:
    if before is None:
        return None
    return next((id_ for type_, id_, *_ in orjson.loads(before.outputs) if type_ == PLAN), None)


def _low_back_conditions(decision: Decision) -> tuple[str, ...]:
    """The problem-list entries that the plan addresses."""
    facts = decision.standings.facts
    sources = {f.source for name in LOW_BACK for f in facts.get(name, ()) if f.value is True}
    sources = {source for source in sources if source.startswith("Condition/")}
    return tuple(sorted(sources))


def _version(received: Received) -> ResourceVersion:
    return ResourceVersion(
        type=received.type,
        id=received.id,
        version=received.version,
        patient=received.patient,
        status=received.status,
        sha256=received.sha256,
        body=received.body,
        source=received.source,
        search=received.search,
    )


def _output_version(output: Output, patient: str) -> ResourceVersion:
    return ResourceVersion(
        type=output.type,
        id=output.id,
        version=UNIT,
        patient=patient,
        status=output.status,
        sha256=hashlib.sha256(output.body).digest(),
        body=output.body,
        origin="derived",
        search=output.search,
    )


def _record(  # noqa: PLR0913  (a decision is kept with all that made it)
    decision: Decision,
    expertise: Expertise,
    frame: Frame,
    outputs: Sequence[Output],
    gathered: _Gathered,
    submission: Submission,
    before: DecisionRecord | None,
) -> DecisionRecord:
    parameters = {
        "before": None if before is None else before.id,
        "guidelineProfile": decision.guideline_profile,
        "complete": sorted(submission.complete),
        "useServerData": submission.use_server_data,
        "encounter": frame.encounter,
        "practitioner": frame.practitioner,
        "organization": frame.organization,
        "replaces": frame.replaces,
        "conditions": list(frame.conditions),
        "knowledgeVersion": frame.knowledge_version,
        "notUsed": [[n.reference, n.why] for n in gathered.not_used],
        "answered": [a.decision for a in gathered.answered],
    }
    return DecisionRecord(
        id=frame.decision_id,
        patient=frame.patient,
        as_of=decision.as_of,
        kind=KIND,
        knowledge=expertise.digest,
        engine=expertise.engine,
        parameters=orjson.dumps(parameters),
        trace=orjson.dumps(trace_of(decision, expertise.content)),
        inputs=orjson.dumps([[i.type, i.id, i.version, i.sha256.hex()] for i in frame.inputs]),
        outputs=orjson.dumps([[o.type, o.id, UNIT] for o in outputs]),
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
    resources = tuple(Kept(o.type, o.id, UNIT, o.body, committed_at) for o in outputs)
    return Answer(
        frame.decision_id,
        resources,
        frame,
        as_of,
        is_kept=committed_at is not None,
        warnings=warnings,
    )
