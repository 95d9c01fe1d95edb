"""Every Bundle that the REST interface answers is valid R4, and loads in fhir.resources."""

import uuid
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle

from app.fhir.validation import Validator
from tests.acceptance.wire import AS_OF, bundle, finding, intake, patient, screened

Json = dict[str, Any]


@pytest.fixture(scope="module")
def person(service: httpx.Client) -> str:
    """Somebody with a plan and a corrected observation."""
    id_ = f"w-{uuid.uuid4()}"
    body = bundle(patient(id_), intake(screened(), of=id_), finding("pain-localised", True, of=id_))
    assert service.post(f"/fhir/$derive?asOf={AS_OF}", json=body).status_code == 200
    changed = finding("pain-localised", False, of=id_)
    assert service.put(f"/fhir/Observation/{changed['id']}", json=changed).status_code == 200
    return id_


@pytest.mark.parametrize(
    "url",
    [
        "CarePlan?patient={}&_include=CarePlan:goal&_revinclude=Provenance:target&colour=blue",
        "CarePlan?patient={}&_summary=true",
        "CarePlan?patient={}&_summary=text",
        "CarePlan?patient={}&_elements=title",
        "CarePlan?patient={}&_summary=count",
        "CarePlan?patient=nobody",
        "Observation?patient={}&_count=2&_total=accurate",
        "Observation?patient={}&_summary=true",
        "DetectedIssue?patient={}",
        "Questionnaire?_count=2&_summary=true",
        "Patient/{}/$everything",
        "Patient/{}/_history",
        "Observation/{}-pain-localised/_history",
        "CarePlan/_history?_count=2",
        "Patient/{}/_history?_count=0",
        "QuestionnaireResponse/{}-intake/$extract",
    ],
)
def test_what_is_asked_for(service: httpx.Client, person: str, url: str) -> None:
    answer = service.get(f"/fhir/{url.replace('{}', person)}")

    is_valid(answer)


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_what_answers_a_bundle(service: httpx.Client, person: str, kind: str) -> None:
    entries: list[Json] = [
        {"request": {"method": "GET", "url": f"Patient/{person}"}},
        {"request": {"method": "GET", "url": f"Patient?_id={person}"}},
        {
            "fullUrl": f"urn:uuid:{uuid.uuid4()}",
            "request": {"method": "POST", "url": "Patient"},
            "resource": {"resourceType": "Patient"},
        },
    ]
    if kind == "batch":
        entries.append({"request": {"method": "GET", "url": "Patient/nobody"}})
        entries.append({"request": {"method": "HEAD", "url": f"Patient/{person}"}})
    body = {"resourceType": "Bundle", "type": kind, "entry": entries}

    is_valid(service.post("/fhir", json=body))


def is_valid(answer: httpx.Response) -> None:
    """By our own validator and by pydantic models."""
    assert answer.status_code == 200, answer.text
    assert Validator.load().problems(answer.json(), expected_type="Bundle") == ()
    Bundle.model_validate_json(answer.content)
