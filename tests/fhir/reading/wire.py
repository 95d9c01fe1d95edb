"""Small resources as an EHR sends them, and what the readers make of them."""

import json
from functools import cache
from typing import Any

from app.domain.facts import Fact, NotUsed, Record
from app.domain.submission import Submission
from app.fhir.reading.draft import Query
from app.fhir.reading.record import RecordReader
from app.fhir.reading.response import Questionnaires
from app.fhir.reading.submission import read_bare, read_submission
from app.fhir.validation import Validator
from tests.patients import AS_OF, knowledge

Json = dict[str, Any]

CANON = "https://painplan.health/fhir"
FINDING = f"{CANON}/CodeSystem/finding"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
PRESENT = {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "52101004"}]}}
ABSENT = {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "2667000"}]}}
PHQ_9 = "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8".split()
PEG = ["75893-8", "91145-3", "91146-1"]
PHQ_9_TOTAL, PEG_TOTAL, ODI = "44261-6", "91147-9", "97909-6"
PATIENT: Json = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-04-12"}


@cache
def validator() -> Validator:
    """The validator, compiled once for all tests."""
    return Validator.load()


def coded(system: str, *codes: str) -> Json:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def quantity(value: Any, unit: str | None = None, system: str = UCUM) -> Json:
    """A valueQuantity; with a unit as a code of UCUM, or of the system given."""
    plain: Json = {"value": value}
    if unit is not None:
        plain |= {"unit": unit, "code": unit, "system": system}
    return {"valueQuantity": plain}


def observation(system: str, code: str, /, **more: Any) -> Json:
    """A final Observation of p1; an element given as None is left out."""
    plain = {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": coded(system, code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-05-28T08:00:00Z",
        **more,
    }
    return {name: value for name, value in plain.items() if value is not None}


def finding(name: str, **more: Any) -> Json:
    """An Observation under one of our own codes."""
    return observation(FINDING, name, **more)


def response(*items: Json, **more: Any) -> Json:
    """A completed QuestionnaireResponse of p1; an element given as None is left out."""
    plain = {
        "resourceType": "QuestionnaireResponse",
        "id": "r",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "authored": "2026-05-28T08:00:00Z",
        "item": list(items),
        **more,
    }
    return {name: value for name, value in plain.items() if value is not None}


def item(link: str, *answers: Json, **more: Any) -> Json:
    plain: Json = {"linkId": link, **more}
    return {**plain, "answer": list(answers)} if answers else plain


def points(link: str, number: int) -> Json:
    """An answer that is a number."""
    return item(link, {"valueInteger": number})


def bundle(*resources: Json, **more: Any) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in resources],
        **more,
    }


def parameters(*given: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(given)}


def asked(document: object, *, operation: str = "derive", query: Query | None = None) -> Submission:
    """What is read of a request; bytes are sent as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_submission(body, query=query or {}, validator=validator(), operation=operation)


def record(*resources: Json, questionnaires: Questionnaires | None = None) -> Record:
    """What is read of the patient p1 and these resources, sent as one Bundle."""
    everything = bundle(*resources)
    if not any(r["resourceType"] == "Patient" for r in resources):
        everything = bundle(PATIENT, *resources)
    return record_of(everything, questionnaires=questionnaires)


def record_of(document: Json, *, questionnaires: Questionnaires | None = None) -> Record:
    submission = read_bare(json.dumps(document).encode(), patient=None, validator=validator())
    reader = RecordReader(questionnaires or {})
    return reader.record(
        submission.resources, knowledge(), as_of=AS_OF, complete=submission.complete
    )


def told(record: Record, name: str) -> list[Fact]:
    """The facts about one input."""
    return [fact for fact in record.facts if fact.input == name]


def the(record: Record, name: str) -> Fact:
    """The one fact about one input."""
    (fact,) = told(record, name)
    return fact


def why_not_used(not_used: tuple[NotUsed, ...], reference: str) -> str:
    """Why a resource was not used; empty when it was."""
    return "; ".join(n.why for n in not_used if n.reference == reference)
