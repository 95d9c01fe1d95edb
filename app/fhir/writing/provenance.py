"""Where a plan comes from, as a Provenance: rendered from the decision whenever it is read."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from app.domain.frame import Frame
from app.fhir.canon import CANON
from app.fhir.writing.elements import AIAST, DEVICE, ORGANIZATION, Json

TYPES = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def provenance(frame: Frame, outputs: Sequence[tuple[str, str, int]], as_of: datetime) -> bytes:
    """Its id is the decision's; ``outputs`` are (type, id, version)."""
    at = as_of.isoformat().replace("+00:00", "Z")
    agents = [_agent("author"), _agent("assembler")]
    resource: Json = {
        "resourceType": "Provenance",
        "id": frame.decision_id,
        "meta": {"security": [AIAST]},
        "target": [{"reference": _reference(t, i, v)} for t, i, v in outputs],
        "occurredDateTime": at,
        "recorded": at,
        "policy": [f"{CANON}/knowledge/{frame.knowledge_version}#{frame.knowledge_digest}"],
        "activity": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
                    "code": "CREATE",
                    "display": "create",
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
    return orjson.dumps(resource)


def _agent(kind: str) -> Json:
    return {
        "type": {"coding": [{"system": TYPES, "code": kind}]},
        "who": DEVICE,
        "onBehalfOf": ORGANIZATION,
    }


def _reference(type_: str, id_: str, version: int | None) -> str:
    return f"{type_}/{id_}" if version is None else f"{type_}/{id_}/_history/{version}"
