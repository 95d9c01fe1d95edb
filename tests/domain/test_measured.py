"""Body mass index and creatinine clearance, worked out from what was measured."""

from decimal import Decimal

import pytest

from app.domain.facts import FactValue
from app.domain.record_codes import facts_of_record
from tests.patients import AS_OF, Patient, knowledge


def value(patient: Patient, name: str) -> FactValue | None:
    facts = facts_of_record(patient.record(), knowledge(), AS_OF).facts
    found = [f.value for f in facts if f.input == name]
    return found[-1] if found else None


def measured(
    *, kg: float | None = 80, cm: float | None = 180, mg: float = 1, gender: str = "male"
) -> Patient:
    patient = Patient().aged(40).with_("creatinine", mg).with_("gender", gender)
    for name, number in (("weight-kg", kg), ("height-cm", cm)):
        if number is not None:
            patient.with_(name, number)
    return patient


def test_clearance_by_cockcroft_and_gault() -> None:
    assert value(measured(), "creatinine-clearance") == Decimal("111.1")
    assert value(measured(gender="female"), "creatinine-clearance") == Decimal("94.4")


def test_from_a_bmi_of_30_the_adjusted_weight_counts() -> None:
    # 120 kg at 180 cm: ideal 75.0 kg, adjusted 93.0 kg.
    assert value(measured(kg=120), "creatinine-clearance") == Decimal("129.2")


def test_without_weight_the_egfr_stands_in() -> None:
    assert value(Patient().with_("egfr", 55), "creatinine-clearance") == 55


@pytest.mark.parametrize(
    ("egfr", "days_ago", "clearance"), [(20, 1, "20"), (20, 200, "111.1"), (120, 1, "111.1")]
)
def test_a_lower_egfr_of_a_later_day_beats_an_old_creatinine(
    egfr: int, days_ago: float, clearance: str
) -> None:
    patient = Patient().aged(40).with_("gender", "male").with_("weight-kg", 80)
    patient.with_("height-cm", 180).with_("creatinine", 1, days_ago=100)

    found = value(patient.with_("egfr", egfr, days_ago=days_ago), "creatinine-clearance")

    assert found == Decimal(clearance)


@pytest.mark.parametrize("gender", ["other", "unknown"])
def test_the_formula_knows_two_sexes(gender: str) -> None:
    assert value(measured(gender=gender), "creatinine-clearance") is None


def test_without_height_and_bmi_nobody_knows_which_weight_counts() -> None:
    assert value(measured(cm=None), "creatinine-clearance") is None
    assert value(measured(cm=None).with_("bmi", 25), "creatinine-clearance") == Decimal("111.1")
    assert value(measured(cm=None).with_("bmi", 35), "creatinine-clearance") is None


@pytest.mark.parametrize("days_ago", [0.5, 364])
def test_a_creatinine_counts_for_a_year(days_ago: float) -> None:
    patient = Patient().aged(40).with_("gender", "male")
    patient.with_("weight-kg", 80).with_("height-cm", 180)

    assert value(patient.with_("creatinine", 1, days_ago=days_ago), "creatinine-clearance")


def test_an_older_creatinine_does_not() -> None:
    patient = Patient().aged(40).with_("gender", "male")
    patient.with_("weight-kg", 80).with_("height-cm", 180).with_("creatinine", 1, days_ago=370)

    assert value(patient, "creatinine-clearance") is None


def test_the_bmi_is_worked_out_where_none_was_told() -> None:
    assert value(measured(), "bmi") == Decimal("24.7")
    assert value(measured().with_("bmi", 26), "bmi") == 26
    assert value(measured(cm=None), "bmi") is None
