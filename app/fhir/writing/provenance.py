"""Where a plan comes from, as a Provenance: rendered from the decision whenever it is read."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from app.domain.frame import Frame
from app.fhir.canon import CANON
from app.fhir.writing.elements import DEVICE, ORGANIZATION, Json, meta, profile

TYPES = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def provenance(
    frame: Frame, outputs: Sequence[tuple[str, str, int | None]], as_of: datetime
) -> bytes:
    """Of a derivation. Its id is the decision's; ``outputs`` are (type, id, version if kept)."""
    agents = [_agent("author"), _agent("assembler")]
    return orjson.dumps(_resource(frame, outputs, as_of, ("CREATE", "create"), agents))


def answer_provenance(
    frame: Frame, outputs: Sequence[tuple[str, str, int | None]], answered_at: datetime
) -> bytes:
    """Of a clinician's answer: who gave it, and our service that wrote it down."""
    agents = [_agent("assembler")]
    if frame.practitioner is not None:
        agents.insert(0, {"type": _kind("author"), "who": {"reference": frame.practitioner}})
    return orjson.dumps(_resource(frame, outputs, answered_at, ("UPDATE", "revise"), agents))


def _resource(
    frame: Frame,
    outputs: Sequence[tuple[str, str, int | None]],
    moment: datetime,
    operation: tuple[str, str],
    agents: list[Json],
) -> Json:
    at = moment.isoformat().replace("+00:00", "Z")
    code, display = operation
    resource: Json = {
        "resourceType": "Provenance",
        "id": frame.decision_id,
        "meta": meta(profile("painplan-provenance")),
        "target": [{"reference": _reference(t, i, v)} for t, i, v in outputs],
        "occurredDateTime": at,
        "recorded": at,
        "policy": [f"{CANON}/knowledge/{frame.knowledge_version}#{frame.knowledge_digest}"],
        "activity": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
                    "code": code,
                    "display": display,
                }
            ]
        },
        "agent": agents,
    }
    if frame.inputs:
        resource["entity"] = [
            {"role": "source", "what": {"reference": _reference(i.type, i.id, i.version)}}
            for i in frame.inputs
        ]
    return resource


def _agent(kind: str) -> Json:
    return {
        "type": _kind(kind),
        "who": DEVICE,
        "onBehalfOf": ORGANIZATION,
    }


def _kind(code: str) -> Json:
    return {"coding": [{"system": TYPES, "code": code}]}


def _reference(type_: str, id_: str, version: int | None) -> str:
    return f"{type_}/{id_}" if version is None else f"{type_}/{id_}/_history/{version}"
