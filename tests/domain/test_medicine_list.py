"""The lists of medicines, allergies and problems: what is not understood rules nothing out."""

from decimal import Decimal

import pytest

from app.domain.facts import Bounds, Fact, SaidBy
from app.domain.medicine_list import NOT_KNOWN
from app.domain.record_codes import Stated, facts_of_record
from tests.patients import AS_OF, Patient, knowledge

SNOMED = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def stated(patient: Patient) -> Stated:
    return facts_of_record(patient.record(), knowledge(), AS_OF)


def about(patient: Patient, name: str) -> list[Fact]:
    return [f for f in stated(patient).facts if f.input == name]


def test_a_medicine_that_was_stopped_is_not_taken() -> None:
    assert about(Patient().taking(text="ibuprofen"), "takes-nsaid")
    assert about(Patient().taking(text="ibuprofen", stopped_days_ago=400), "takes-nsaid") == []


@pytest.mark.parametrize(
    ("text", "is_at_hand"),
    [
        ("naloxone 4 mg nasal spray", True),
        ("oxycodone/naloxone 10/5 mg", False),
        ("buprenorphine-naloxone 8/2", False),
    ],
)
def test_naloxone_inside_an_opioid_is_none_to_wake_somebody_up(text: str, is_at_hand: bool) -> None:
    patient = Patient().taking(text=text).complete("MedicationRequest")

    assert [f.value for f in about(patient, "takes-naloxone")] == [is_at_hand]


def test_a_medicine_that_nobody_knows_is_listed_by_its_reference() -> None:
    patient = Patient().taking(text="something new")

    (unknown,) = stated(patient).not_used

    assert (unknown.reference, unknown.why) == ("MedicationRequest/m0", NOT_KNOWN)
    stopped = Patient().taking(text="something new", stopped_days_ago=3)
    assert [n.why for n in stated(stopped).not_used] == [NOT_KNOWN]


def test_an_allergy_that_nobody_knows_is_listed_by_its_reference() -> None:
    (unknown,) = stated(Patient().allergic_to("something new")).not_used

    assert (unknown.reference, unknown.why) == ("AllergyIntolerance/a0", NOT_KNOWN)
    assert stated(Patient().allergic_to("peanut", is_to_medicine=False)).not_used == ()


@pytest.mark.parametrize(
    ("text", "dose", "why"),
    [
        ("morphine", None, "no daily dose that can be computed of this opioid"),
        ("buprenorphine", Decimal(8), "no factor for this opioid"),
    ],
)
def test_a_dose_that_cannot_be_computed_is_listed_with_its_reason(
    text: str, dose: Decimal | None, why: str
) -> None:
    (unknown,) = stated(Patient().taking(text=text, daily_dose=dose)).not_used

    assert (unknown.reference, unknown.why) == (
        "MedicationRequest/m0",
        f"opioid dose unknown: {why}",
    )


def test_a_dose_is_the_clinicians_word_under_the_last_of_its_sources() -> None:
    patient = Patient().taking(text="morphine", daily_dose=Decimal(10))
    patient.taking(text="oxycodone", daily_dose=Decimal(10))
    patient.taking(text="codeine", daily_dose=Decimal(10))
    (dose,) = about(patient, "mme-per-day")

    assert (dose.said_by, dose.source, dose.at) == (
        SaidBy.CLINICIAN,
        "MedicationRequest/m2",
        AS_OF,
    )
    patient.taking(text="oxycodone")
    (least,) = about(patient, "mme-per-day")
    assert least.source == "MedicationRequest/m3"
    assert least.value == Bounds(Decimal("26.5"), Decimal(5000))


def test_a_problem_that_nobody_knows_might_be_anything() -> None:
    only_if_understood = [
        name
        for name, known in knowledge().inputs.items()
        if known.only_if_understood and known.listed_in == "Condition"
    ]
    assert only_if_understood

    def ruled_out(patient: Patient) -> set[str]:
        facts = stated(patient.complete("Condition")).facts
        return {f.input for f in facts if f.value is False} & set(only_if_understood)

    system, known = min(knowledge().known_conditions)
    history = {name for name in only_if_understood if knowledge().inputs[name].counts_history}
    assert history
    assert ruled_out(Patient()) == set(only_if_understood)
    assert ruled_out(Patient().having(SNOMED, "1")) == set()
    assert ruled_out(Patient().having("http://example.org", "A1")) == set()
    over = Patient().having(SNOMED, "1", current=False)
    assert ruled_out(over) == set(only_if_understood) - history
    assert ruled_out(Patient().having(ICD, "J00")) == set(only_if_understood)
    assert ruled_out(Patient().having(system, known))


def test_an_anti_inflammatory_gel_is_named_by_what_it_is_on_the_skin() -> None:
    assert about(Patient().taking(text="diclofenac gel"), "takes-topical-nsaid")
    assert about(Patient().taking(text="diclofenac gel"), "takes-nsaid") == []
    assert stated(Patient().taking(text="capsaicin cream")).not_used == ()
