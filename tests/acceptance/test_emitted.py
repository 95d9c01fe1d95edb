"""Whatever the service emits is valid R4: for our validator, and for fhir.resources."""

import json
import random
from importlib import import_module
from math import ceil
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.content_parts import Input, ValueType
from app.fhir.validation import Validator
from tests.acceptance.test_drug_safety import medicine, person
from tests.acceptance.wire import CANON, bundle, finding, intake, patient, screened
from tests.patients import knowledge

ROOT = Path(__file__).parents[2]
PEOPLE = 40
MARKUP = "<script>alert(1)</script> & <b>bold</b>"


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load()


def somebody(rng: random.Random, id_: str) -> dict[str, Any]:
    """A person of whom a random part of everything is known."""
    answers = screened() if rng.random() < 0.7 else {"pain-location-low-back": True}
    found = []
    for known in knowledge().inputs.values():
        if known.asked_of == "record" or rng.random() < 0.6:
            continue
        resource = _stated(rng, known, id_)
        if resource is not None:
            found.append(resource)
    return bundle(patient(id_, gender="female"), intake(answers, of=id_), *found)


def _stated(rng: random.Random, known: Input, id_: str) -> dict[str, Any] | None:
    match known.value_type:
        case ValueType.BOOLEAN:
            return finding(known.name, rng.random() < 0.15, of=id_)
        case ValueType.INTEGER:
            low, high = ceil(known.low or 0), int(known.high or 100)
            return finding(known.name, rng.randint(low, high), of=id_)
        case ValueType.TEXT:
            return finding(known.name, MARKUP, of=id_)
        case ValueType.DECIMAL if known.codings:
            low, high = ceil(known.low or 0), int(known.high or 100)
            score = finding(known.name, rng.randint(low, high), of=id_)
            system, code = known.codings[0]
            return {
                **score,
                "code": {"coding": [{"system": system, "code": code}]},
            }
        case ValueType.CODE if known.choices:
            coded = finding(known.name, True, of=id_)
            del coded["valueBoolean"]
            code, _ = rng.choice(known.choices)
            coding = {"system": f"{CANON}/CodeSystem/finding-value", "code": code}
            return {**coded, "valueCodeableConcept": {"coding": [coding]}}
        case _:
            return None


def problems(validator: Validator, resource: dict[str, Any]) -> list[str]:
    """What either oracle says."""
    type_ = resource["resourceType"]
    said = [f"{p.where}: {p.what}" for p in validator.problems(resource)]
    model: Any = getattr(import_module(f"fhir.resources.R4B.{type_.lower()}"), type_)
    model.model_validate(resource)
    return said


def test_every_plan_with_everything_beside_it(service: httpx.Client, validator: Validator) -> None:
    rng = random.Random(7)
    seen: set[str] = set()
    people = [somebody(rng, f"somebody-{number}") for number in range(PEOPLE)]
    # Chance seldom lets a person through the gate with a medicine that matters: one who does.
    people.append(bundle(*person(medicine("Warfarin 5 mg"))))
    for sent in people:
        answer = service.post("/fhir/$derive", params={"asOf": "2026-06-01"}, json=sent)
        assert answer.status_code == 200, answer.text
        assert problems(validator, answer.json()) == []
        for entry in answer.json()["entry"]:
            seen.add(entry["resource"]["resourceType"])
            assert problems(validator, entry["resource"]) == []
            read = service.get(
                f"/fhir/{entry['resource']['resourceType']}/{entry['resource']['id']}"
            )
            assert read.json() == entry["resource"]
    always = {"CarePlan", "Goal", "Observation", "GuidanceResponse", "Provenance"}
    assert seen == always | {"DetectedIssue"}


def test_words_of_the_patient_are_escaped(service: httpx.Client) -> None:
    words = finding("goal-in-own-words", MARKUP, of="words")

    answer = service.post(
        "/fhir/$derive", json=bundle(patient("words"), intake(screened(), of="words"), words)
    )

    plan = answer.json()["entry"][0]["resource"]
    assert "<script>" not in plan["text"]["div"]


def test_the_capability_statement(service: httpx.Client, validator: Validator) -> None:
    assert problems(validator, service.get("/fhir/metadata").json()) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/fhir/Nothing/1", b""),
        ("POST", "/fhir/$derive", b"{"),
        ("POST", "/fhir/$derive", b'{"resourceType":"Bundle","type":"collection"}'),
        ("DELETE", "/fhir/Patient/1", b""),
        ("GET", "/fhir/Patient/none", b""),
        ("POST", "/fhir/Patient", json.dumps({"resourceType": "Patient", "x": 1}).encode()),
    ],
)
def test_every_refusal(
    service: httpx.Client, validator: Validator, method: str, path: str, body: bytes
) -> None:
    answer = service.request(method, path, content=body)

    assert answer.is_client_error
    assert problems(validator, answer.json()) == []


def test_a_warning_stands_in_the_bundle(service: httpx.Client, validator: Validator) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueString": "Patient/warned"},
            {"name": "not-a-parameter", "valueString": "x"},
            {"name": "data", "resource": bundle(patient("warned"))},
        ],
    }

    answer = service.post("/fhir/$derive", json=body)

    assert answer.status_code == 200
    assert answer.headers["warning"]
    assert problems(validator, answer.json()) == []
    last = answer.json()["entry"][-1]["resource"]
    assert last["resourceType"] == "OperationOutcome"
    assert problems(validator, last) == []
