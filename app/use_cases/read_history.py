"""Read the history: a resource version, a decision with its reasons, and its replay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson

from app.domain.content import Content
from app.domain.course import Before
from app.domain.decision import Decision, derive
from app.domain.expertise import Expertise
from app.domain.explanation import explain
from app.domain.facts import NotUsed
from app.domain.frame import Frame
from app.domain.history import DecisionRecord, Stored
from app.domain.hook_history import HookCallRecord
from app.domain.plan_types import WITHHELD
from app.domain.problem import Conflict, Gone, NotFound, Problem, Refused
from app.domain.questions import questions
from app.domain.response import Answered, acceptances, refusals, transition
from app.domain.submission import Received
from app.domain.trace import Trace, before_of, facts_by_slot, standings_of, worlds_of
from app.domain.unlocking import unlocking
from app.domain.worlds import Worlds, evaluate
from app.use_cases.derive_care_plan import KIND as DERIVE
from app.use_cases.derive_care_plan import completed, frame_of
from app.use_cases.kept_review import review_of
from app.use_cases.ports import History, HookReader, HookWriter, Library, Reader, Writer
from app.use_cases.read_review import SeenReview, differences, explained, seen_review
from app.use_cases.responses import KIND as RESPOND
from app.use_cases.responses import answered_of, frame_of_response, response_of
from app.use_cases.review_records import KIND as REVIEW

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the resources of one decision come from; ``outputs`` are (type, id, version)."""

    is_answer: bool
    frame: Frame
    outputs: tuple[tuple[str, str, int], ...]
    as_of: datetime
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """A decision as it was made, derived again for a page; ``differences`` says where it differs.

    ``patient`` is a reference. No difference: what is seen is what was stored, to the bit.
    """

    id: str
    patient: str
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
            return _rendered_response(record)
        expertise = await self._expertise(record)
        if record.kind == REVIEW:
            return explained(record, await self._call_of(tenant, record), expertise.content)
        answered = await self._answered(tenant, record)
        return {**_rendered(record, expertise), "answered": [_answered(a) for a in answered]}

    async def decisions(self, tenant: str, patient: str, kind: str = "") -> Json:
        """The decisions about one patient, newest first, of one kind where one is named."""
        found = await self.history.decisions_of(tenant, patient, kind)
        return {"patient": f"Patient/{patient}", "decisions": [_summary(r) for r in found]}

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
        patient = f"Patient/{record.patient}"
        return Seen(record.id, patient, decision, expertise, tuple(differences))

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


def _summary(record: DecisionRecord) -> Json:
    return {
        "id": record.id,
        "kind": record.kind,
        "asOf": _instant(record.as_of),
        **_conclusion(record),
        "outputs": _references(record.outputs),
    }


def _conclusion(record: DecisionRecord) -> Json:
    if record.kind == RESPOND:
        return {"outcome": response_of(record).outcome.value}
    if record.kind == REVIEW:
        told = review_of(record.trace)
        return {"hook": told.hook, "cards": [advice.rule for advice in told.shown]}
    trace = cast("Trace", orjson.loads(record.trace))
    return {"gate": trace["gate"], "mechanism": trace["mechanism"]}


def _references(versions: bytes) -> list[str]:
    return [f"{t}/{i}/_history/{v}" for t, i, v, *_ in orjson.loads(versions)]


def _inputs_of(record: DecisionRecord) -> list[Json]:
    return [
        {"reference": f"{t}/{i}/_history/{v}", "digest": f"sha256:{digest}"}
        for t, i, v, digest in orjson.loads(record.inputs)
    ]


def _rendered_response(record: DecisionRecord) -> Json:
    """A clinician's answer: what was said, to which version, and what became of every plan."""
    response = response_of(record)
    outputs = _references(record.outputs)
    return {
        "id": record.id,
        "kind": record.kind,
        "patient": f"Patient/{record.patient}",
        "asOf": _instant(record.as_of),
        "knowledge": {
            "version": orjson.loads(record.parameters)["knowledgeVersion"],
            "digest": record.knowledge,
        },
        "engine": record.engine,
        "plan": outputs[0],
        "outcome": response.outcome.value,
        "activities": [
            {"id": a.activity, "outcome": a.outcome.value, "reason": a.reason.words or None}
            for a in response.activities
        ],
        "practitioner": response.practitioner,
        "note": response.note or None,
        "inputs": _inputs_of(record),
        "outputs": outputs,
        "changes": [
            {"plan": f"CarePlan/{plan}", "from": before, "to": after}
            for plan, before, after in orjson.loads(record.trace)["changes"]
        ],
    }


def _answered(answered: Answered) -> Json:
    """An answer that a derivation knew of."""
    return {
        "decision": answered.decision,
        "plan": f"CarePlan/{answered.plan}/_history/{answered.version}",
        "at": _instant(answered.at),
        "outcome": answered.response.outcome.value,
        "declined": [fact.value for fact in refusals((answered,))],
        "accepted": [fact.value for fact in acceptances((answered,))],
    }


def _rendered(record: DecisionRecord, expertise: Expertise) -> Json:
    content = expertise.content
    trace = cast("Trace", orjson.loads(record.trace))
    worlds = worlds_of(trace, content)
    parameters = orjson.loads(record.parameters)
    versions = {f"{t}/{i}": f"{t}/{i}/_history/{v}" for t, i, v, _ in orjson.loads(record.inputs)}
    return {
        "id": record.id,
        "kind": record.kind,
        "patient": f"Patient/{record.patient}",
        "asOf": _instant(record.as_of),
        "guidelineProfile": parameters["guidelineProfile"],
        "knowledge": {"version": content.version, "digest": record.knowledge},
        "engine": record.engine,
        "applicability": trace["applicability"],
        "gate": trace["gate"],
        "mechanism": trace["mechanism"],
        "drivers": [
            {"id": name, "level": level, "atLeast": at_least}
            for name, level, at_least in trace["drivers"]
        ],
        "severity": trace["severity"],
        "care": {name: trace["course"][name] for name in ("started", "step", "why")},
        "safety": [
            {"id": safety, "activity": activity, "result": result, "rules": rules}
            for safety, activity, result, rules in trace["safety"]
        ],
        "inputs": _inputs_of(record),
        "outputs": _references(record.outputs),
        "rules": _rules(trace, content, worlds, versions),
        "interventions": [
            {"id": i, "status": status, "reasons": reasons}
            for i, status, reasons in trace["catalogue"]
        ],
        "questions": _questions(content, worlds, trace["considered"]),
        "lists": trace["lists"],
        "unlocks": _unlocks(trace, content),
        "disagreements": trace["disagreements"],
        "notUsed": [{"reference": r, "why": why} for r, why in trace["notUsed"]],
    }


def _rules(
    trace: Trace, content: Content, worlds: Worlds, versions: Mapping[str, str]
) -> list[Json]:
    facts = facts_by_slot(trace)
    rendered: list[Json] = []
    for rule in content.plan_rules:
        why = explain(rule, content, worlds)
        used = (
            {
                **_fact(content.slot_names[slot], facts[slot], worlds.truth(slot).value, versions),
                **_membership(str(facts[slot][0]), content),
            }
            for slot in why.used
            if slot in facts
        )
        rendered.append(
            {
                "id": rule.id,
                "value": worlds.truth(rule.slot).value,
                "label": rule.label,
                "status": rule.status,
                "facts": list(used),
                "missing": list(
                    dict.fromkeys(_plain(content.slot_names[slot]) for slot in why.missing)
                ),
                "evidence": list(rule.evidence),
            }
        )
    return rendered


def _membership(input_: str, content: Content) -> Json:
    """Of a class of medicines, the mark of how we know its members (``R``: recalled)."""
    known = content.inputs.get(input_)
    return {"classMembers": known.members} if known is not None and known.members else {}


def _fact(slot_name: str, fact: Sequence[object], truth: str, versions: Mapping[str, str]) -> Json:
    input_, value, source, at, said_by = fact
    return {
        "finding": _plain(slot_name),
        "holds": truth,
        "input": input_,
        "value": value,
        "source": versions.get(str(source), source),
        "at": at,
        "saidBy": said_by,
    }


def _plain(slot_name: str) -> str:
    """A finding's name without the flag in whose rules it was read."""
    return slot_name.partition("@")[0]


def _questions(content: Content, worlds: Worlds, considered: Sequence[str]) -> list[Json]:
    return [
        {
            "finding": question.input,
            "ask": content.inputs[question.input].ask,
            "could": [
                {
                    "answer": answer.answer,
                    "changes": [
                        f"{c.rule} {c.now.value} -> {c.then.value}" for c in answer.changes
                    ],
                }
                for answer in question.answers
            ],
        }
        for question in questions(content, worlds, considered)
    ]


def _unlocks(trace: Trace, content: Content) -> list[Json]:
    """What would make a withheld option possible: one answer, or two together."""
    standings = standings_of(trace, content)
    kept = {id_ for id_, status, _ in trace["catalogue"] if status == WITHHELD}
    withheld = [activity for activity in trace["considered"] if activity in kept]
    found = unlocking(content, standings, evaluate(content, standings), withheld)
    return [
        {
            "activity": one.activity,
            "answers": [{"finding": name, "answer": answer} for name, answer in one.answers],
        }
        for one in found
    ]


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
