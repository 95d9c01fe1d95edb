"""Morphine equivalents a day: what is summed, what counts once, what stays unknown."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.facts import Bounds, FactValue
from app.domain.medicine_list import MEDICINES
from app.domain.record_codes import facts_of_record
from tests.patients import AS_OF, Patient, knowledge

RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"


def mme(patient: Patient) -> FactValue | None:
    facts = facts_of_record(patient.record(), knowledge(), AS_OF).facts
    return next((f.value for f in facts if f.input == "mme-per-day"), None)


def told(patient: Patient) -> str:
    entries = facts_of_record(patient.record(), knowledge(), AS_OF).not_used
    return " | ".join(f"{n.reference}: {n.why}" for n in entries)


def taking(text: str, dose: int | None, **more: object) -> Patient:
    return also(Patient().complete(MEDICINES), text, dose, **more)


def also(patient: Patient, text: str, dose: int | None, **more: object) -> Patient:
    patient.taking(text=text, daily_dose=None if dose is None else Decimal(dose))
    if more:
        patient.medicines[-1] = replace(patient.medicines[-1], **more)  # type: ignore[arg-type]
    return patient


def test_the_oldest_opioid_on_the_list_tells_for_how_long_at_least() -> None:
    patient = Patient().taking(text="oxycodone", began_days_ago=100)
    patient.taking(text="morphine", began_days_ago=15).taking(text="ibuprofen", began_days_ago=900)
    patient.taking(text="codeine", began_days_ago=800, stopped_days_ago=700)
    patient.taking(text="buprenorphine", began_days_ago=900)  # perhaps for a use disorder
    patient.taking(ATC, "N07BC02", began_days_ago=900)
    facts = facts_of_record(patient.record(), knowledge(), AS_OF).facts

    (weeks,) = (f for f in facts if f.input == "opioid-weeks-on-list")

    assert (weeks.value, weeks.source) == (
        Bounds(Decimal(14), Decimal(5200)),
        "MedicationRequest/m0",
    )


@pytest.mark.parametrize(
    ("text", "dose", "expected"),
    [
        ("codeine", 100, "15.00"),
        ("hydrocodone", 40, "40"),
        ("hydromorphone", 8, "40"),
        ("methadone", 10, "47.0"),
        ("morphine", 60, "60"),
        ("oxycodone", 20, "30.0"),
        ("oxymorphone", 10, "30"),
        ("tapentadol", 100, "40.0"),
        ("tramadol", 200, "40.0"),
    ],
)
def test_factors_of_cdc_2022(text: str, dose: int, expected: str) -> None:
    assert mme(taking(text, dose)) == Decimal(expected)


def test_a_fentanyl_patch_counts_by_micrograms_an_hour() -> None:
    assert mme(taking("fentanyl patch", 25, dose_unit="ug/h")) == Decimal("60.0")


@pytest.mark.parametrize(("text", "unit"), [("fentanyl", "mg"), ("morphine", "ug/h")])
def test_a_dose_in_another_unit_than_the_factor_is_unknown(text: str, unit: str) -> None:
    patient = taking(text, 1, dose_unit=unit)

    assert mme(patient) is None
    assert "its factor is for" in told(patient)


def test_doses_are_summed() -> None:
    assert mme(also(taking("oxycodone", 20), "tramadol", 200)) == Decimal(70)


@pytest.mark.parametrize(
    ("system", "code"), [(RXNORM, "7804"), (ATC, "N02AA05")], ids=["RxNorm", "ATC"]
)
def test_a_coded_opioid_needs_no_text(system: str, code: str) -> None:
    patient = Patient().complete(MEDICINES).taking(system, code, daily_dose=Decimal(20))

    assert mme(patient) == Decimal(30)


def test_a_list_that_may_lack_an_opioid_tells_a_lower_bound_only() -> None:
    patient = Patient().taking(text="morphine", daily_dose=Decimal(30))

    assert mme(patient) == Bounds(Decimal(30), Decimal(5000))


def test_a_dose_that_is_not_known_leaves_the_rest_as_a_lower_bound() -> None:
    patient = also(taking("morphine", 60), "oxycodone", None)

    assert mme(patient) == Bounds(Decimal(60), Decimal(5000))
    assert "no daily dose that can be computed" in told(patient)


@pytest.mark.parametrize("text", ["buprenorphine", "dihydrocodeine"])
def test_an_opioid_without_a_factor_is_unknown(text: str) -> None:
    assert mme(taking(text, 8)) is None
    assert "no factor" in told(taking(text, 8))


def test_the_dose_of_a_combination_is_nobodys() -> None:
    patient = taking("oxycodone-acetaminophen", 330)

    assert mme(patient) is None
    assert "combination" in told(patient)


def test_no_opioid_on_a_whole_list_is_a_dose_of_nothing() -> None:
    assert mme(Patient().complete("MedicationRequest")) == 0
    assert mme(Patient()) is None
    assert mme(Patient().taking(text="unheardof").complete("MedicationRequest")) is None


def test_an_opioid_that_may_be_taken_leaves_the_dose_open() -> None:
    patient = taking("morphine", 60, doubt="its status is unknown").complete("MedicationRequest")

    assert mme(patient) is None
    assert mme(also(patient, "tramadol", 100)) == Bounds(Decimal(20), Decimal(5000))


# What counts once


def test_a_renewal_counts_once() -> None:
    patient = taking("morphine", 60)
    also(patient, "morphine", 60, replaces=("MedicationRequest/m0",))

    assert mme(patient) == 60


def test_an_earlier_one_that_had_ended_counts_no_more() -> None:
    patient = taking("morphine", 60, ended=AS_OF - timedelta(days=20))
    also(patient, "morphine", 90, began=AS_OF - timedelta(days=20))

    assert mme(patient) == 90


def test_two_that_run_side_by_side_count_both() -> None:
    assert mme(also(taking("oxycodone", 20), "oxycodone", 10)) == 45


def test_another_opioid_replaces_nothing() -> None:
    patient = also(taking("morphine", 60), "tramadol", 100, replaces=("MedicationRequest/m0",))

    assert mme(patient) == 80


def test_entries_that_replace_each_other_or_themselves_do_not_vanish() -> None:
    own = taking("morphine", 60, replaces=("MedicationRequest/m0",))
    pair = also(own, "morphine", 60, replaces=("MedicationRequest/m0",))
    pair.medicines[0] = replace(pair.medicines[0], replaces=("MedicationRequest/m1",))

    assert mme(taking("morphine", 60, replaces=("MedicationRequest/m0",))) == 60
    assert mme(pair) == 120


def test_a_request_and_a_statement_may_tell_of_the_same_tablets() -> None:
    patient = also(taking("morphine", 60), "morphine", 60, source="MedicationStatement/s")

    assert mme(patient) == Bounds(Decimal(60), Decimal(120))
