"""Paracetamol a day: what is summed, what stays unknown, and what the plan makes of it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.facts import Bounds, FactValue
from app.domain.record_codes import facts_of_record
from tests.domain.test_choosing import nociceptive
from tests.patients import AS_OF, Patient, checked, knowledge


def taking(patient: Patient, text: str, dose: int | None) -> Patient:
    return patient.taking(text=text, daily_dose=None if dose is None else Decimal(dose))


def a_day(patient: Patient) -> FactValue | None:
    facts = facts_of_record(patient.record(), knowledge(), AS_OF).facts
    return next((f.value for f in facts if f.input == "paracetamol-mg-per-day"), None)


def test_an_older_content_that_does_not_ask_is_told_nothing() -> None:
    known = dict(knowledge().inputs)
    del known["paracetamol-mg-per-day"]
    patient = taking(Patient(), "paracetamol 500 mg", 1500)

    facts = facts_of_record(patient.record(), replace(knowledge(), inputs=known), AS_OF).facts

    assert "paracetamol-mg-per-day" not in {f.input for f in facts}
    assert a_day(patient) is not None


def whole(patient: Patient) -> Patient:
    return patient.complete("MedicationRequest")


def test_nothing_on_a_whole_list_is_nothing_a_day() -> None:
    assert a_day(whole(Patient())) == Decimal(0)
    assert a_day(Patient()) is None


@pytest.mark.parametrize("name", ["paracetamol", "acetaminophen"])
def test_two_packets_add_up(name: str) -> None:
    patient = taking(taking(whole(Patient()), name, 2000), "paracetamol 500 mg", 1500)

    assert a_day(patient) == Decimal(3500)


def test_what_is_known_is_the_least_that_is_taken() -> None:
    most = knowledge().inputs["paracetamol-mg-per-day"].high
    assert most is not None
    assert a_day(taking(Patient(), "paracetamol", 4000)) == Bounds(Decimal(4000), most)
    unknown = taking(taking(whole(Patient()), "paracetamol", 4000), "paracetamol", None)
    assert a_day(unknown) == Bounds(Decimal(4000), most)


@pytest.mark.parametrize(("text", "dose"), [("paracetamol", None), ("co-codamol", 3000)])
def test_a_dose_that_cannot_be_computed_is_told_and_unknown(text: str, dose: int | None) -> None:
    patient = taking(whole(Patient()), text, dose)
    told = [n.why for n in facts_of_record(patient.record(), knowledge(), AS_OF).not_used]

    assert a_day(patient) is None
    assert any(why.startswith("paracetamol dose unknown") for why in told)


@pytest.mark.parametrize(
    ("dose", "fact", "is_too_much"),
    [
        (4000, None, True),
        (3000, None, False),
        (3000, "has-cirrhosis-or-severe-liver", True),
        (2000, "has-cirrhosis-or-severe-liver", False),
    ],
)
def test_the_plan_looks_at_a_dose_that_is_too_high(
    dose: int, fact: str | None, is_too_much: bool
) -> None:
    patient = taking(checked(nociceptive()), "paracetamol", dose)
    if fact is not None:
        patient.with_(fact, True)
    plan = patient.decide().plan
    rows = {a.id: a for a in plan.activities}
    told = [f for f in plan.safety if f.safety == "S-42" and f.result.value == "adjust"]

    assert bool(told) is is_too_much
    assert ("MED-01" in rows) is is_too_much
    if is_too_much:
        assert "P-20" in rows["MED-01"].rules
        assert rows["MED-01"].reasons[0].startswith("paracetamol: at most 3 g a day")
