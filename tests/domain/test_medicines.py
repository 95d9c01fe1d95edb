"""Medicines and measurements: classes by code, else by name, doses, clearance."""

from decimal import Decimal

import pytest

from app.domain.facts import Bounds, FactValue
from app.domain.medicines import classes_of
from app.domain.record_codes import facts_of_record
from tests.patients import AS_OF, Patient, knowledge

RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"


def classes(text: str = "", system: str = "", code: str = "") -> set[str]:
    patient = Patient().taking(system, code, text=text)
    return set(classes_of(patient.medicines[0], knowledge()))


def value(patient: Patient, name: str) -> FactValue | None:
    facts = facts_of_record(patient.record(), knowledge(), AS_OF).facts
    found = [f.value for f in facts if f.input == name]
    return found[-1] if found else None


def test_there_are_names_enough() -> None:
    assert len(knowledge().medicine_names) >= 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ibuprofen 400 mg tablet", "takes-nsaid"),
        ("IBUPROFEN", "takes-nsaid"),
        ("Voltaren (diclofenac) 50 mg", "takes-nsaid"),
        ("St John's wort extract", "takes-st-johns-wort"),
        ("mycophenolic acid", "takes-immunosuppressant"),
        ("Dabigatran 150", "anticoagulant-current"),
    ],
)
def test_a_name_is_known_in_any_case_and_among_other_words(text: str, expected: str) -> None:
    assert expected in classes(text)


def test_a_combination_has_the_classes_of_both() -> None:
    found = classes("Paracetamol 500 mg / codeine 30 mg")

    assert {"takes-paracetamol", "takes-opioid"} <= found


def test_part_of_a_word_is_no_name() -> None:
    assert classes("Nonaspirinol") == set()


def test_a_code_beats_the_text() -> None:
    assert classes("something", RXNORM, "5640") == {"takes-nsaid"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("M01AE01", {"takes-nsaid"}),
        ("M01AX05", {"other"}),
        ("M02AA15", {"takes-topical-nsaid"}),
        ("N02AA05", {"takes-opioid"}),
        ("N07BC02", {"takes-opioid"}),
        ("N02AX02", {"takes-opioid", "takes-tramadol"}),
        ("N05CD07", {"takes-benzodiazepine"}),
        ("N05CF01", {"takes-z-drug"}),
        ("N03AX16", {"takes-gabapentinoid", "takes-antiepileptic"}),
        ("B01AF02", {"anticoagulant-current"}),
        ("C10AA01", set()),
    ],
)
def test_atc_by_its_first_letters(code: str, expected: set[str]) -> None:
    assert classes(system=ATC, code=code) == expected


@pytest.mark.parametrize("text", ["Prednisolone eye drops", "hydrocortisone cream"])
def test_a_steroid_on_the_surface_is_not_systemic(text: str) -> None:
    assert classes(text) == {"other"}


# Doses


def test_the_opioid_dose_is_summed_with_its_factors() -> None:
    patient = Patient().taking(text="oxycodone", daily_dose=Decimal(20))
    patient.taking(text="tramadol", daily_dose=Decimal(200))

    assert value(patient, "mme-per-day") == Decimal(70)


def test_a_dose_that_is_not_known_leaves_the_rest_as_a_lower_bound() -> None:
    patient = Patient().taking(text="morphine", daily_dose=Decimal(60)).taking(text="oxycodone")

    assert value(patient, "mme-per-day") == Bounds(Decimal(60), Decimal(5000))


def test_buprenorphine_has_no_factor() -> None:
    patient = Patient().taking(text="buprenorphine", daily_dose=Decimal(8))

    assert value(patient, "mme-per-day") is None


def test_no_opioid_on_a_whole_list_is_a_dose_of_nothing() -> None:
    assert value(Patient().complete("MedicationRequest"), "mme-per-day") == 0
    assert value(Patient(), "mme-per-day") is None


# Clearance


def measured(*, kg: float = 80, cm: float = 180, mg: float = 1, gender: str = "male") -> Patient:
    patient = Patient().aged(40).with_("weight-kg", kg).with_("height-cm", cm)
    return patient.with_("creatinine", mg).with_("gender", gender)


def test_clearance_by_cockcroft_and_gault() -> None:
    assert value(measured(), "creatinine-clearance") == Decimal("111.1")
    assert value(measured(gender="female"), "creatinine-clearance") == Decimal("94.4")


def test_from_a_bmi_of_30_the_adjusted_weight_counts() -> None:
    # 120 kg at 180 cm: ideal 75.0 kg, adjusted 93.0 kg.
    assert value(measured(kg=120), "creatinine-clearance") == Decimal("129.2")


def test_without_weight_the_egfr_stands_in() -> None:
    assert value(Patient().with_("egfr", 55), "creatinine-clearance") == 55


def test_two_values_at_one_time_are_no_value() -> None:
    patient = measured().with_("creatinine", 2)

    assert value(patient, "creatinine-clearance") is None
