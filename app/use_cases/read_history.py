"""Read the history: a resource version, a decision with its reasons, and its replay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

import orjson

from app.domain.course import Before
from app.domain.decision import Decision, derive
from app.domain.expertise import Expertise
from app.domain.facts import NotUsed
from app.domain.frame import Frame
from app.domain.history import DecisionRecord, Stored
from app.domain.hook_history import HookCallRecord
from app.domain.problem import Conflict, Gone, NotFound, Problem, Refused
from app.domain.response import Answered, transition
from app.domain.submission import Received
from app.domain.trace import Trace, before_of
from app.use_cases.gathering import completed
from app.use_cases.kept_decision import KIND as DERIVE
from app.use_cases.kept_decision import frame_of
from app.use_cases.ports import History, HookReader, HookWriter, Library, Reader, Writer
from app.use_cases.read_review import SeenReview, differences, explained, seen_review
from app.use_cases.responses import KIND as RESPOND
from app.use_cases.responses import answered_of, frame_of_response, response_of
from app.use_cases.review_records import KIND as REVIEW
from app.use_cases.told_decision import answer_read, answer_told, plan_told, summary

Json = dict[str, object]


class Origin(NamedTuple):
    """Where the resources of one decision come from; ``outputs`` are (type, id, version)."""

    is_answer: bool
    frame: Frame
    outputs: tuple[tuple[str, str, int], ...]
    as_of: datetime
    committed_at: datetime


class Seen(NamedTuple):
    """A decision as it was made, derived again for a page; ``differences`` says where it differs.

    ``patient`` is a reference, ``status`` that of the plan by now. No difference: what is seen is
    what was stored, to the bit.
    """

    id: str
    patient: str
    status: str
    decision: Decision
    expertise: Expertise
    differences: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """The use case with the parts it needs."""

    history: History
    library: Library
    reader: Reader
    writer: Writer
    hooks: HookReader
    hook_writer: HookWriter

    async def resource(
        self, tenant: str, type_: str, id_: str, version: int | None = None
    ) -> Stored:
        """One version, the newest by default; NotFound names what is not there."""
        stored = await self.history.read(tenant, type_, id_, version)
        if stored is None:
            wanted = f"{type_}/{id_}" + (f"/_history/{version}" if version else "")
            raise NotFound(Problem(f"There is no {wanted}.", code="not-found"))
        return stored

    async def record_of(self, tenant: str, id_: str) -> DecisionRecord:
        """The stored decision."""
        record = await self.history.decision(tenant, id_)
        if record is None:
            raise NotFound(Problem(f"There is no decision {id_}.", code="not-found"))
        return record

    async def origin(self, tenant: str, id_: str) -> Origin:
        """For the Provenance of what a decision made; a review of orders made no resource."""
        record = await self.record_of(tenant, id_)
        if record.kind == REVIEW:
            raise NotFound(Problem(f"There is no Provenance/{id_}.", code="not-found"))
        is_answer = record.kind == RESPOND
        outputs = tuple((t, i, v) for t, i, v, *_ in orjson.loads(record.outputs))
        first = await self.resource(tenant, *outputs[0])
        frame = frame_of_response(record) if is_answer else frame_of(record)
        return Origin(is_answer, frame, outputs, record.as_of, first.committed_at)

    async def made_by(
        self, tenant: str, patient: str, targets: Collection[tuple[str, str]]
    ) -> list[str]:
        """The decisions about a patient that made a version of any of these, newest first."""
        return [
            id_
            for id_, outputs in await self.history.outputs(tenant, patient)
            if any((type_, id_) in targets for type_, id_, *_ in orjson.loads(outputs))
        ]

    async def makers_of(self, tenant: str, targets: Sequence[tuple[str, str]]) -> list[str]:
        """The same for resources of whatever patient."""
        current = await self.history.current_versions(tenant, list(dict.fromkeys(targets)))
        of_patient: dict[str, set[tuple[str, str]]] = {}
        for key, version in current.items():
            if version.patient is not None:
                of_patient.setdefault(version.patient, set()).add(key)
        return [
            id_
            for patient, made in of_patient.items()
            for id_ in await self.made_by(tenant, patient, made)
        ]

    async def is_decision(self, tenant: str, id_: str) -> bool:
        """Whether a decision of this id is kept."""
        try:
            return await self.history.decision(tenant, id_) is not None
        except Gone:
            return False

    async def decision(self, tenant: str, id_: str) -> Json:
        """A decision with its reasons, in the words of the content that made it (contract §3)."""
        record = await self.record_of(tenant, id_)
        if record.kind == RESPOND:
            return answer_told(record)
        expertise = await self._expertise(record)
        if record.kind == REVIEW:
            return explained(record, await self._call_of(tenant, record), expertise.content)
        answered = await self._answered(tenant, record)
        return {**plan_told(record, expertise), "answered": [answer_read(a) for a in answered]}

    async def decisions(self, tenant: str, patient: str, kind: str = "") -> Json:
        """The decisions about one patient, newest first, of one kind where one is named."""
        found = await self.history.decisions_of(tenant, patient, kind)
        return {"patient": f"Patient/{patient}", "decisions": [summary(r) for r in found]}

    async def replay(self, tenant: str, id_: str) -> tuple[Json, str]:
        """Derive again from what is stored, and compare byte by byte; and whose decision it is."""
        record = await self.record_of(tenant, id_)
        found = await self._replayed(tenant, record)
        told: Json = {
            "decision": record.id,
            "identical": not found,
            "engine": {"then": record.engine, "now": self.library.current.engine},
            "differences": found,
        }
        return told, record.patient

    async def _replayed(self, tenant: str, record: DecisionRecord) -> list[Json]:
        if record.kind == REVIEW:
            expertise = await self._expertise(record)
            call = await self._call_of(tenant, record)
            return differences(record, call, expertise, self.hooks, self.hook_writer, tenant)
        if record.kind == RESPOND:
            again = await self._answered_again(tenant, record)
        else:
            again = await self._derived_again(tenant, record)
        return await self._differences(tenant, record, again)

    async def _call_of(self, tenant: str, record: DecisionRecord) -> HookCallRecord:
        call = await self.history.hook_call(tenant, record.id)
        assert call is not None  # noqa: S101  (written in the decision's own transaction)
        return call

    async def _expertise(self, record: DecisionRecord) -> Expertise:
        current = self.library.current
        if current.digest == record.knowledge:
            return current
        kept = await self.history.content(record.knowledge)
        if kept is None:
            raise Conflict(
                Problem(
                    f"The knowledge {record.knowledge} of this decision is not in the database.",
                    mend=f"Replay it with release {record.engine}.",
                    code="conflict",
                )
            )
        return self.library.from_archive(kept.digest, kept.files)

    async def _inputs(self, tenant: str, record: DecisionRecord) -> list[Stored]:
        return [
            await self.resource(tenant, type_, id_, version)
            for type_, id_, version, _ in orjson.loads(record.inputs)
        ]

    async def _answered(self, tenant: str, record: DecisionRecord) -> tuple[Answered, ...]:
        """The clinicians' answers that a derivation read."""
        ids = orjson.loads(record.parameters)["answered"]
        return answered_of([await self.record_of(tenant, id_) for id_ in ids])

    async def seen(self, tenant: str, id_: str) -> Seen | SeenReview:
        """A derivation or a review with everything in it; Refused for an answer to a plan."""
        record = await self.record_of(tenant, id_)
        if record.kind == REVIEW:
            content = (await self._expertise(record)).content
            call = await self._call_of(tenant, record)
            return seen_review(record, call, content, await self._replayed(tenant, record))
        if record.kind != DERIVE:
            raise Refused(
                Problem(
                    f"The decision {id_} is neither a plan nor a review ({record.kind}).",
                    mend=f"GET /decisions/{id_} tells what it is.",
                    code="not-supported",
                )
            )
        decision, expertise = await self._decided_again(tenant, record)
        outputs = self._written(record, decision, expertise)
        differences = await self._differences(tenant, record, outputs)
        plan, *_ = orjson.loads(record.outputs)
        now = await self.resource(tenant, plan[0], plan[1])
        return Seen(
            id=record.id,
            patient=f"Patient/{record.patient}",
            status=now.version.status or "",
            decision=decision,
            expertise=expertise,
            differences=tuple(differences),
        )

    async def _derived_again(
        self, tenant: str, record: DecisionRecord
    ) -> dict[tuple[str, str], bytes]:
        return self._written(record, *await self._decided_again(tenant, record))

    async def _decided_again(
        self, tenant: str, record: DecisionRecord
    ) -> tuple[Decision, Expertise]:
        expertise = await self._expertise(record)
        inputs = [
            self.reader.stored(stored)
            for stored in await self._inputs(tenant, record)
            if stored.version.origin == "received"
        ]
        answered = await self._answered(tenant, record)
        before = await self._before(tenant, record)
        return self._again(record, expertise, inputs, answered, before), expertise

    def _written(
        self, record: DecisionRecord, decision: Decision, expertise: Expertise
    ) -> dict[tuple[str, str], bytes]:
        outputs = self.writer.write(decision, expertise.content, frame_of(record))
        return {(o.type, o.id): o.body for o in outputs}

    async def _answered_again(
        self, tenant: str, record: DecisionRecord
    ) -> dict[tuple[str, str], bytes]:
        """The plan that was answered comes first among the inputs."""
        inputs = await self._inputs(tenant, record)
        plan, *others = (self.reader.plan(stored) for stored in inputs)
        versions = {stored.version.id: stored.version for stored in inputs}
        outputs = (
            self.writer.answered(versions[change.plan], change, record.as_of)
            for change in transition(plan, others, response_of(record))
        )
        return {(o.type, o.id): o.body for o in outputs}

    async def _before(self, tenant: str, record: DecisionRecord) -> Before | None:
        """The plan that this one followed, as it was known then."""
        name = orjson.loads(record.parameters)["before"]
        if name is None:
            return None
        before = await self.record_of(tenant, name)
        return before_of(before.id, cast("Trace", orjson.loads(before.trace)))

    def _again(
        self,
        record: DecisionRecord,
        expertise: Expertise,
        inputs: Sequence[Received],
        answered: Sequence[Answered],
        before: Before | None,
    ) -> Decision:
        parameters = orjson.loads(record.parameters)
        read = self.reader.record(
            inputs,
            expertise.content,
            as_of=record.as_of,
            complete=frozenset(parameters["complete"]),
        )
        not_used = tuple(NotUsed(reference, why) for reference, why in parameters["notUsed"])
        return derive(
            completed(read, answered, not_used),
            expertise.content,
            as_of=record.as_of,
            guideline_profile=parameters["guidelineProfile"],
            crisis_text=expertise.crisis_text,
            before=before,
        )

    async def _differences(
        self, tenant: str, record: DecisionRecord, again: Mapping[tuple[str, str], bytes]
    ) -> list[Json]:
        differences: list[Json] = []
        kept: set[tuple[str, str]] = set()
        for type_, id_, version, *_ in orjson.loads(record.outputs):
            kept.add((type_, id_))
            stored = await self.resource(tenant, type_, id_, version)
            if again.get((type_, id_)) != stored.version.body:
                what = "differs" if (type_, id_) in again else "is not derived again"
                differences.append({"reference": f"{type_}/{id_}", "what": what})
        differences.extend(
            {"reference": f"{type_}/{id_}", "what": "is derived only now"}
            for type_, id_ in again.keys() - kept
        )
        return differences
