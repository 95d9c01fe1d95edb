"""A derivation as it is identified, as it is kept, and as it is read back."""

import hashlib
import uuid
from collections.abc import Sequence

import orjson

from app.domain.decision import Decision
from app.domain.expertise import Expertise
from app.domain.frame import Frame, InputVersion, Output
from app.domain.history import DecisionRecord, ResourceVersion
from app.domain.submission import Received, Submission
from app.domain.trace import trace_of
from app.use_cases.calling import NAMESPACE
from app.use_cases.gathering import Gathered
from app.use_cases.responses import inputs_of

KIND = "derive"
PLAN = "CarePlan"
LOW_BACK = ("low-back-pain-on-problem-list", "chronic-low-back-pain-on-problem-list")
FIRST = 1  # what is derived has one version only


def frame_for(  # noqa: PLR0913  (everything that a decision is identified by)
    decision: Decision,
    submission: Submission,
    gathered: Gathered,
    expertise: Expertise,
    *,
    tenant: str,
    before: DecisionRecord | None,
    is_kept: bool,
) -> Frame:
    """What surrounds a decision; its id follows from everything that the decision depends on."""
    replaces = _care_plan_of(before)
    inputs = tuple(
        InputVersion(r.type, r.id, r.version if is_kept else None, r.sha256)
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
        "isKept": is_kept,
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
        is_kept=is_kept,
    )


def frame_of(record: DecisionRecord) -> Frame:
    """The frame of a stored decision, read back from its parameters."""
    parameters = orjson.loads(record.parameters)
    return Frame(
        decision_id=record.id,
        patient=record.patient,
        inputs=inputs_of(record),
        knowledge_version=parameters["knowledgeVersion"],
        knowledge_digest=record.knowledge,
        engine=record.engine,
        replaces=parameters["replaces"],
        conditions=tuple(parameters["conditions"]),
        encounter=parameters["encounter"],
        practitioner=parameters["practitioner"],
        organization=parameters["organization"],
    )


def record_for(  # noqa: PLR0913  (a decision is kept with all that made it)
    decision: Decision,
    expertise: Expertise,
    frame: Frame,
    outputs: Sequence[Output],
    gathered: Gathered,
    submission: Submission,
    before: DecisionRecord | None,
) -> DecisionRecord:
    """The decision with all that made it, so that it can be derived again bit for bit."""
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
        outputs=orjson.dumps([[o.type, o.id, FIRST] for o in outputs]),
    )


def received_version(received: Received) -> ResourceVersion:
    """What came in, as it is stored."""
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


def derived_version(output: Output, patient: str) -> ResourceVersion:
    """What was derived, as it is stored."""
    return ResourceVersion(
        type=output.type,
        id=output.id,
        version=FIRST,
        patient=patient,
        status=output.status,
        sha256=hashlib.sha256(output.body).digest(),
        body=output.body,
        origin="derived",
        search=output.search,
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
