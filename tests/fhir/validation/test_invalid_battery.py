import time
from typing import Any

import pytest

from app.fhir.validation import Validator
from app.fhir.validation.faults import FOUND_AT_MOST
from tests.fhir.validation.bases import BASES, Json
from tests.fhir.validation.corpus import INVALID
from tests.fhir.validation.neighbours import VALID

TYPES_COVERED = frozenset(base["resourceType"] for base in BASES)


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load()


REFUSED = [
    pytest.param(resource, where, word, id=f"{where.partition('.')[0]}: {name}")
    for name, resource, where, word in INVALID
]


@pytest.mark.parametrize("base", BASES, ids=lambda base: base["resourceType"])
def test_a_base_of_the_battery_is_valid(base: Json, validator: Validator) -> None:
    assert validator.problems(base) == ()


@pytest.mark.parametrize(("resource", "where", "word"), REFUSED)
def test_an_invalid_resource_is_refused_where_it_is_wrong(
    resource: Any, where: str, word: str, validator: Validator
) -> None:
    problems = validator.problems(resource)

    assert {p.where for p in problems} == set(where.split())
    assert any(word in f"{p.what} {p.mend}" for p in problems), problems


@pytest.mark.parametrize("resource", [pytest.param(r, id=name) for name, r in VALID])
def test_its_valid_neighbour_is_not_refused(resource: Json, validator: Validator) -> None:
    assert validator.problems(resource) == ()


def test_the_battery_meets_every_type_that_is_read() -> None:
    met = {
        resource["resourceType"]
        for _, resource, _, _ in INVALID
        if isinstance(resource, dict) and "resourceType" in resource
    }

    assert met >= TYPES_COVERED
    assert len(INVALID) > 200


def test_no_problem_quotes_what_the_patient_said(validator: Validator) -> None:
    secret = "Geheimnisvoll 1"
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": secret,
        "authored": secret,
        "item": [{"linkId": "1", "answer": [{"valueInteger": secret}]}],
    }

    problems = validator.problems(response)

    assert len(problems) == 3
    assert not any(secret in f"{p.what}{p.where}{p.mend}" for p in problems)


def test_a_thousand_faults_are_all_found(validator: Validator) -> None:
    items = [{"text": "no linkId"} for _ in range(1000)]

    problems = validator.problems(
        {"resourceType": "QuestionnaireResponse", "status": "completed", "item": items}
    )

    assert len(problems) == 1000
    assert problems[999].where == "QuestionnaireResponse.item[999].linkId"


def test_a_resource_of_another_type_than_announced_is_refused(validator: Validator) -> None:
    problem, *others = validator.problems(BASES[0], expected_type="Observation")

    assert problem.where == "Patient.resourceType"
    assert "expected is Observation" in problem.what
    assert not others


def test_a_fault_is_told_at_its_place_in_a_bundle(validator: Validator) -> None:
    at = "Bundle.entry[3].resource"

    (problem,) = validator.problems({**BASES[0], "gender": "F"}, at=at)

    assert problem.where == "Bundle.entry[3].resource.gender"


def test_a_resource_of_five_megabytes_of_faults_is_refused_at_its_first(
    validator: Validator,
) -> None:
    categories = [{"wrong": 1}] * 400_000
    wrong = {"resourceType": "Observation", "category": categories}
    barred = {**wrong, "status": "final", "code": {"text": "x"}}
    began = time.process_time()

    (problem,) = validator.problems(wrong)
    marked = validator.problems({**barred, "category": [{"text": "\x01"} for _ in range(100_000)]})

    assert "is missing" in problem.what or "is no element here" in problem.what
    assert len(marked) == FOUND_AT_MOST
    assert marked[-1].where.startswith("Observation.category[")
    # 600,000 of the first took 35 s and 1.9 GB, 3,000 of the second 4.5 s, with the square of them.
    assert time.process_time() - began < 8
