"""What may be recent is taken to be: a year or a month does not hide a red flag."""

import pytest

from app.domain.decision import derive
from app.domain.gate import GateLevel
from app.domain.record_codes import facts_of_record
from tests.fhir.reading.wire import (
    LOINC,
    PATIENT,
    Json,
    coded,
    finding,
    observation,
    quantity,
    record,
    the,
    why_not_used,
)
from tests.patients import AS_OF, knowledge

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def level(*resources: Json) -> GateLevel:
    decision = derive(
        record(*resources), knowledge(), as_of=AS_OF, guideline_profile="who", crisis_text=""
    )
    return decision.gate.level


def problem(code: str, onset: str) -> Json:
    return {
        "resourceType": "Condition",
        "id": "c",
        "code": coded(ICD, code),
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": onset,
    }


@pytest.mark.parametrize("onset", ["2026-05-20", "2026-05", "2026"])
@pytest.mark.parametrize("code", ["R45.851", "S32.010A"])
def test_a_problem_that_may_be_recent_acts(code: str, onset: str) -> None:
    assert level(problem(code, onset)) is GateLevel.URGENT


@pytest.mark.parametrize("onset", ["2024-05-20", "2024-05", "2024"])
@pytest.mark.parametrize("code", ["R45.851", "S32.010A"])
def test_one_that_cannot_be_recent_does_not(code: str, onset: str) -> None:
    assert level(problem(code, onset)) is GateLevel.NOT_SCREENED


@pytest.mark.parametrize("when", ["2026-05-25", "2026-05", "2026"])
def test_a_finding_that_may_be_recent_acts(when: str) -> None:
    saddle = finding("saddle-sensory-change", valueBoolean=True, effectiveDateTime=when)

    assert level(saddle) is GateLevel.EMERGENCY


def test_an_assessment_in_the_month_of_the_finding_may_have_come_before_it() -> None:
    saddle = finding("saddle-sensory-change", valueBoolean=True, effectiveDateTime="2026-05")
    told = {"valueCodeableConcept": {"text": "cauda-equina", "coding": [{"code": "cauda-equina"}]}}
    assessed = finding("red-flag-assessed", effectiveDateTime="2026-05-20T08:00:00Z", **told)

    assert level(saddle, assessed) is GateLevel.EMERGENCY


@pytest.mark.parametrize("value", [0.9, 2.5])
def test_part_of_a_point_is_no_answer(value: float) -> None:
    read = record(observation(LOINC, "44260-8", **quantity(value)))

    assert not [f for f in read.facts if f.input == "phq9-item-9"]
    assert "whole number" in why_not_used(read.not_used, "Observation/o-44260-8")


def test_of_a_duration_the_whole_weeks_count() -> None:
    read = record(finding("pain-duration-weeks", **quantity(90, "d")))

    assert the(read, "pain-duration-weeks").value == 12


def test_a_creatinine_that_nobody_can_have_is_no_error() -> None:
    measures = [
        PATIENT | {"gender": "female"},
        observation(LOINC, "29463-7", **quantity(80, "kg")),
        observation(LOINC, "8302-2", **quantity(170, "cm")),
        observation(LOINC, "2160-0", **quantity(0.06, "mg/dL")),
    ]

    facts = facts_of_record(record(*measures), knowledge(), AS_OF).facts

    assert not [f for f in facts if f.input == "creatinine-clearance"]
