"""A clinician's response as it is kept with its decision, and read back from there."""

from collections.abc import Sequence

import orjson

from app.domain.frame import Frame, InputVersion
from app.domain.history import DecisionRecord
from app.domain.response import ActivityAnswer, Answered, Outcome, Reason, Response

KIND = "respond"
Json = dict[str, object]


def written(response: Response) -> Json:
    """As JSON; the same answer is the same text, in whatever order its activities came."""
    return {
        "outcome": response.outcome.value,
        "activities": [
            {
                "id": answer.activity,
                "outcome": answer.outcome.value,
                "reason": answer.reason.text,
                "codings": [list(coding) for coding in answer.reason.codings],
            }
            for answer in sorted(response.activities, key=lambda a: a.activity)
        ],
        "practitioner": response.practitioner,
        "note": response.note,
    }


def response_of(record: DecisionRecord) -> Response:
    """The reverse of ``written``, from the parameters of the decision."""
    said = orjson.loads(record.parameters)
    answers = (
        ActivityAnswer(
            one["id"],
            Outcome(one["outcome"]),
            Reason(
                one["reason"],
                tuple((system, code, display) for system, code, display in one["codings"]),
            ),
        )
        for one in said["activities"]
    )
    return Response(Outcome(said["outcome"]), tuple(answers), said["practitioner"], said["note"])


def answered_of(records: Sequence[DecisionRecord]) -> tuple[Answered, ...]:
    """The answers behind decisions of this kind; the plan answered is their first output."""
    found = []
    for record in records:
        _, plan, version, digest = orjson.loads(record.outputs)[0]
        found.append(
            Answered(
                decision=record.id,
                plan=plan,
                version=version,
                sha256=bytes.fromhex(digest),
                at=record.as_of,
                response=response_of(record),
            )
        )
    return tuple(found)


def inputs_of(record: DecisionRecord) -> tuple[InputVersion, ...]:
    """The versions that a decision of any kind has read."""
    return tuple(
        InputVersion(type_, id_, version, bytes.fromhex(digest))
        for type_, id_, version, digest in orjson.loads(record.inputs)
    )


def frame_of_response(record: DecisionRecord) -> Frame:
    """What surrounds a response, for its Provenance."""
    parameters = orjson.loads(record.parameters)
    return Frame(
        decision_id=record.id,
        patient=record.patient,
        inputs=inputs_of(record),
        knowledge_version=parameters["knowledgeVersion"],
        knowledge_digest=record.knowledge,
        engine=record.engine,
        practitioner=parameters["practitioner"],
    )
