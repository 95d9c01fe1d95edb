"""Small pieces that several of our resources share."""

import uuid
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from app.domain.frame import Frame
from app.fhir.canon import CANON, DECISION

Json = dict[str, Any]
DEVICE = {"reference": "Device/painplan"}
ORGANIZATION = {"reference": "Organization/painplan"}
AIAST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
UNKNOWN: Json = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
            "code": "unknown",
            "display": "Unknown",
        }
    ]
}
SURVEY: list[Json] = [
    {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "survey",
                "display": "Survey",
            }
        ]
    }
]
DERIVATION = f"{CANON}/CodeSystem/derivation"


def profile(name: str) -> str:
    """The canonical of one of our profiles or extensions."""
    return f"{CANON}/StructureDefinition/{name}"


def meta(*profiles: str) -> Json:
    """Our profiles and the mark of an algorithm; version and time are spliced in on reading."""
    marked: Json = {"security": [AIAST]}
    return {"profile": list(profiles), **marked} if profiles else marked


def output_id(frame: Frame, name: str) -> str:
    """The id of one output: UUIDv5 below the decision."""
    return output_id_of(frame.decision_id, name)


@lru_cache(maxsize=64)
def output_id_of(decision_id: str, name: str) -> str:
    """A decision's outputs name one another: each id is worked out once."""
    return str(uuid.uuid5(_namespace(decision_id), name))


@lru_cache(maxsize=1)
def _namespace(decision_id: str) -> uuid.UUID:
    return uuid.UUID(decision_id)


def written(constant: Json) -> orjson.Fragment:
    """What is the same in every answer, as the bytes that it is sent as."""
    return orjson.Fragment(orjson.dumps(constant))


def identifier(frame: Frame) -> list[Json]:
    """By which we know our own conclusions again when they come back."""
    return [{"system": DECISION, "value": frame.decision_id}]


def patient(frame: Frame) -> Json:
    """The subject, under the id that came in."""
    return {"reference": f"Patient/{frame.patient}"}


def code(system: str, value: str) -> Json:
    """A CodeableConcept of one of our code systems."""
    return {"coding": [{"system": f"{CANON}/CodeSystem/{system}", "code": value}]}


def component(name: str, **value: Any) -> Json:
    """A component of a derived Observation."""
    return {"code": code("derivation", name), **value}


def number(value: Decimal) -> int | float:
    """A JSON number: whole where the value is."""
    return int(value) if value == value.to_integral_value() else float(value)


def derived_from(frame: Frame) -> list[Json]:
    """The inputs that an Observation may name as its sources."""
    allowed = {"QuestionnaireResponse", "Observation"}
    return [{"reference": f"{i.type}/{i.id}"} for i in frame.inputs if i.type in allowed]
