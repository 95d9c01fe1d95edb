"""What lists of medicines, allergies and problems say, and what they never rule out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import Bounds, FactValue
from app.domain.record_codes import Stated, facts_of_record
from tests.patients import AS_OF, Patient, checked, knowledge, screened

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
LISTS = ("Condition", "MedicationRequest", "AllergyIntolerance")
TAKES = sorted(n for n, i in knowledge().inputs.items() if i.listed_in == "MedicationRequest")
ALLERGIES = sorted(n for n, i in knowledge().inputs.items() if i.allergy_to)
PROBLEMS = sorted(n for n in knowledge().inputs if n.startswith("has-"))


def stated(patient: Patient) -> Stated:
    return facts_of_record(patient.record(), knowledge(), AS_OF)


def says(patient: Patient) -> dict[str, FactValue]:
    return {f.input: f.value for f in stated(patient).facts}


def ruled_out(patient: Patient) -> set[str]:
    return {name for name, value in says(patient.complete(*LISTS)).items() if value is False}


def told(patient: Patient) -> str:
    return " | ".join(f"{n.reference}: {n.why}" for n in stated(patient).not_used)


def stopped(text: str, **dates: Any) -> Patient:
    """A medicine no longer taken, with the dates that are given, in days before now."""
    patient = Patient().taking(text=text)
    told_dates: dict[str, Any] = {n: AS_OF - timedelta(days=days) for n, days in dates.items()}
    patient.medicines[0] = replace(patient.medicines[0], current=False, **told_dates)
    return patient


def doubtful(text: str) -> Patient:
    patient = Patient().taking(text=text)
    patient.medicines[0] = replace(patient.medicines[0], doubt="its status is unknown")
    return patient


# A whole list rules out


def test_a_whole_list_rules_out_every_class_not_on_it() -> None:
    out = ruled_out(Patient().taking(text="ramipril"))

    assert "takes-raas" not in out
    assert {"takes-nsaid", "takes-maoi", "anticoagulant-current", "maoi-within-14-days"} <= out


def test_a_list_not_known_to_be_whole_rules_out_nothing() -> None:
    assert not [n for n, v in says(Patient().taking(text="ramipril")).items() if v is False]


def test_a_medicine_that_nobody_knows_rules_out_nothing_and_is_listed() -> None:
    patient = Patient().taking(text="ramipril").taking(text="unheardof 5 mg")

    assert ruled_out(patient).isdisjoint(TAKES)
    assert says(patient)["takes-raas"] is True
    assert "MedicationRequest/m1: a medicine that matches nothing" in told(patient)


def test_a_group_rules_out_no_member() -> None:
    patient = Patient().taking(ATC, "N06AA04")
    out = ruled_out(patient)

    assert {"takes-clomipramine", "takes-tca"}.isdisjoint(out)
    assert "takes-nsaid" in out
    assert "rules out no member" in told(patient)


def test_a_medicine_that_may_be_taken_is_neither_taken_nor_ruled_out() -> None:
    patient = doubtful("warfarin")
    out = ruled_out(patient)

    assert "anticoagulant-current" not in says(patient)
    assert "anticoagulant-current" not in out
    assert "takes-nsaid" in out
    assert "its status is unknown" in told(patient)


# Stopped a short while ago


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"ended": 13}, True),
        ({"ended": 15}, False),
        ({"began": 13}, True),
        ({"began": 400}, None),
        ({"began": 400, "ended_by": 15}, False),
        ({"began": 400, "ended_by": 3}, None),
        ({}, None),
    ],
)
def test_an_mao_inhibitor_acts_for_14_days(dates: dict[str, int], expected: bool | None) -> None:
    patient = stopped("phenelzine", **dates).complete(*LISTS)

    assert says(patient).get("maoi-within-14-days") is expected
    assert says(patient)["takes-maoi"] is False


def test_other_windows() -> None:
    assert says(stopped("fluoxetine", ended=34))["fluoxetine-within-5-weeks"] is True
    assert says(stopped("oxycodone", ended=89))["opioid-within-90-days"] is True
    assert "opioid-within-90-days" in ruled_out(stopped("oxycodone", ended=91))


def test_what_was_stopped_and_is_not_known_may_have_been_one() -> None:
    out = ruled_out(stopped("unheardof", ended=3))

    assert "maoi-within-14-days" not in out
    assert "takes-maoi" in out
    assert "maoi-within-14-days" in ruled_out(stopped("unheardof", ended=300))


# Counts


def count(patient: Patient) -> FactValue | None:
    return says(patient).get("cns-active-drug-count")


def test_medicines_that_act_on_the_nervous_system_are_counted() -> None:
    patient = Patient().taking(text="sertraline").taking(text="zopiclone").taking(text="ramipril")

    assert count(patient) == Bounds(Decimal(2), Decimal(100))
    assert count(patient.complete(*LISTS)) == 2


def test_none_on_a_whole_list_is_a_count_of_none() -> None:
    assert count(Patient().complete(*LISTS)) == 0
    assert count(Patient()) is None
    assert count(Patient().taking(text="unheardof").complete(*LISTS)) is None


def test_three_of_a_known_part_are_enough() -> None:
    patient = Patient().taking(text="unheardof").complete(*LISTS)
    for text in ("sertraline", "zopiclone", "oxycodone"):
        patient.taking(text=text)

    assert count(patient) == Bounds(Decimal(3), Decimal(100))


def test_one_medicine_told_twice_counts_once() -> None:
    twice = Patient().taking(text="sertraline").taking(text="Sertraline 50 mg tablet")
    synonyms = Patient().taking(text="divalproex (valproate)")

    assert count(twice.complete(*LISTS)) == 1
    assert count(synonyms.complete(*LISTS)) == 1


def test_one_that_may_be_taken_may_count() -> None:
    patient = doubtful("zopiclone").taking(text="sertraline").complete(*LISTS)

    assert count(patient) == Bounds(Decimal(1), Decimal(2))


# Allergies


def allergy(patient: Patient) -> set[str]:
    return {n for n in ALLERGIES if says(patient).get(n) is True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ibuprofen", {"allergy-nsaid"}),
        ("Aspirin", {"allergy-nsaid"}),
        ("NSAIDs", {"allergy-nsaid"}),
        ("Duloxetine", {"allergy-duloxetine"}),
        ("Tricyclic antidepressants", {"allergy-tca"}),
        ("pregabalin", {"allergy-gabapentinoid"}),
        ("Codeine", {"allergy-opioid"}),
        ("Acetaminophen", {"allergy-paracetamol"}),
        ("capsaicin cream", {"allergy-capsaicin"}),
        ("Penicillins", set()),
    ],
)
def test_an_allergy_to_one_member_counts_for_its_class(text: str, expected: set[str]) -> None:
    patient = Patient().allergic_to(text)

    assert allergy(patient) == expected
    assert ruled_out(patient) & set(ALLERGIES) == set(ALLERGIES) - expected


def test_an_allergy_to_something_unknown_rules_nothing_out() -> None:
    patient = Patient().allergic_to("unheardof")

    assert ruled_out(patient).isdisjoint(ALLERGIES)
    assert "AllergyIntolerance/a0" in told(patient)


def test_an_allergy_to_food_is_to_no_medicine() -> None:
    patient = Patient().allergic_to("Peanut butter", is_to_medicine=False)

    assert set(ALLERGIES) <= ruled_out(patient)


def test_an_allergy_to_a_group_rules_out_no_member() -> None:
    patient = Patient().allergic_to("SNRIs")

    assert "allergy-duloxetine" not in says(patient.complete(*LISTS))
    assert "allergy-tca" in ruled_out(patient)


# Problems


def test_a_problem_without_a_known_code_rules_nothing_out_and_is_listed() -> None:
    patient = Patient().having(SNOMED, "999999999")

    assert ruled_out(patient).isdisjoint(PROBLEMS)
    assert "Condition/c0: a problem whose code is not known" in told(patient)


@pytest.mark.parametrize("code", ["XYZ", "250.00", ""])
def test_what_is_no_icd_10_cm_code_is_not_known(code: str) -> None:
    assert ruled_out(Patient().having(ICD, code)).isdisjoint(PROBLEMS)


def test_a_snomed_number_in_another_system_is_not_known() -> None:
    assert ruled_out(Patient().having("urn:oid:1.2.3", "84114007")).isdisjoint(PROBLEMS)


@pytest.mark.parametrize("code", ["I110", "i11.0", "I11.0"])
def test_a_code_is_known_without_its_dot_and_in_small_letters(code: str) -> None:
    assert says(Patient().having(ICD, code))["has-heart-failure"] is True


@pytest.mark.parametrize("code", ["14336007", "84114007", "161891005"])
def test_a_snomed_code_that_we_know_keeps_the_list_understood(code: str) -> None:
    assert "has-bipolar" in ruled_out(Patient().having(SNOMED, code))


def test_a_past_problem_that_nobody_knows_may_have_been_any() -> None:
    out = ruled_out(Patient().having(SNOMED, "999999999", current=False))

    assert "has-ulcer-or-gi-bleed" not in out
    assert "has-hyponatraemia" in out


def test_a_bleed_of_the_past_counts() -> None:
    assert says(Patient().having(ICD, "K92.2", current=False))["has-ulcer-or-gi-bleed"] is True
    assert "has-lung-or-sleep-apnoea" not in says(Patient().having(ICD, "J44.9", current=False))


def test_diabetes_alone_leaves_its_control_open() -> None:
    well = ruled_out(Patient().having(ICD, "E11.9"))
    badly = says(Patient().having(ICD, "E11.65"))

    assert "has-diabetes-uncontrolled" not in well
    assert "has-migraine" in well
    assert badly["has-diabetes-uncontrolled"] is True


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("Z95.1", "has-artery-bypass", True),
        ("K29.01", "has-ulcer-or-gi-bleed", True),
        ("F33.1", "has-depression", True),
        ("F41.1", "has-anxiety", True),
        ("G47.00", "has-insomnia", True),
        ("F17.210", "tobacco-current", True),
        ("Z79.01", "anticoagulant-current", True),
        ("Z91.81", "falls-history", True),
        ("M81.0", "has-osteoporosis", True),
        ("Z33.1", "pregnancy-status", "pregnant"),
        ("O24.410", "pregnancy-status", "pregnant"),
    ],
)
def test_what_a_code_says(code: str, name: str, value: FactValue) -> None:
    assert says(Patient().having(ICD, code))[name] == value


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("F33.42", "has-depression"),
        ("F17.211", "tobacco-current"),
        ("E66.3", "has-obesity"),
        ("F32.5", "has-depression"),
    ],
)
def test_what_is_in_remission_or_less_does_not_count(code: str, name: str) -> None:
    assert name not in says(Patient().having(ICD, code))


def test_an_old_pregnancy_does_not_count() -> None:
    assert "pregnancy-status" not in says(Patient().having(ICD, "Z34.90", onset_days_ago=400))


# Other pain conditions on the problem list


def pains(patient: Patient) -> FactValue | None:
    return says(patient).get("copc-count")


def test_other_pain_conditions_on_the_list_are_a_lower_bound() -> None:
    patient = Patient().having(ICD, "K58.9").having(ICD, "G43.909").having(SNOMED, "37796009")

    assert pains(patient) == Bounds(Decimal(2), Decimal(20))
    assert pains(Patient()) is None
    assert pains(Patient().complete(*LISTS)) is None


@pytest.mark.parametrize(("answer", "expected"), [(1, Bounds(Decimal(2), Decimal(20))), (3, 3)])
def test_an_answer_counts_unless_more_are_on_the_list(answer: int, expected: FactValue) -> None:
    patient = Patient().having(ICD, "K58.9").having(ICD, "G43.909").with_("copc-count", answer)

    assert pains(patient) == expected


# Laws


def nociceptive() -> Patient:
    patient = screened(Patient().aged(46).with_("pain-location-low-back", True))
    patient.with_("pain-duration-weeks", 52).with_("nociceptive-source-identified", True)
    return checked(patient.with_("pain-nrs", 5))


NAMES = sorted(knowledge().medicine_names)
UNKNOWN: tuple[Callable[[Patient], object], ...] = (
    lambda p: p.taking(text="unheardof"),
    lambda p: p.taking(ATC, "C10AA01"),
    lambda p: p.allergic_to("unheardof"),
    lambda p: p.having(SNOMED, "999999999"),
    lambda p: p.having(SNOMED, "999999999", current=False),
)


@given(
    st.lists(st.sampled_from(NAMES), max_size=4),
    st.sampled_from(UNKNOWN),
    st.lists(st.sampled_from(NAMES), max_size=2),
)
def test_an_entry_that_nobody_knows_never_helps(
    names: list[str], add: Callable[[Patient], object], allergies: list[str]
) -> None:
    """It changes no positive and rules out nothing more."""
    patient = Patient().complete(*LISTS)
    for name in names:
        patient.taking(text=name)
    for name in allergies:
        patient.allergic_to(name)
    before = says(patient)
    add(patient)
    after = says(patient)

    assert {n for n, v in before.items() if v is True} == {n for n, v in after.items() if v is True}
    assert {n for n, v in after.items() if v is False} <= {
        n for n, v in before.items() if v is False
    }


@pytest.mark.parametrize("add", UNKNOWN[:3])
def test_an_entry_that_nobody_knows_withholds_the_tablet(
    add: Callable[[Patient], object],
) -> None:
    def status(patient: Patient) -> str:
        plan = patient.decide(profile="us").plan
        return next(p.status for p in plan.catalogue if p.id == "RX-01")

    assert status(nociceptive()) == "next-step"
    patient = nociceptive()
    add(patient)
    assert status(patient) == "withheld"


@given(st.sampled_from(NAMES))
def test_every_name_stands_for_its_classes_and_rules_out_none_of_them(name: str) -> None:
    classes = knowledge().medicine_names[name]
    out = ruled_out(Patient().taking(text=name))

    assert out.isdisjoint({*classes.sure, *classes.possible})


# What would settle it


def why_not(patient: Patient, activity: str) -> str:
    points = patient.decide(profile="us").plan.catalogue
    return "; ".join(next(p.reasons for p in points if p.id == activity))


def test_a_code_that_leaves_something_open_is_named_where_the_list_is_complete() -> None:
    patient = screened(Patient().aged(46).with_("pain-location-low-back", True))
    patient.with_("pain-duration-weeks", 52).with_("pain-nrs", 8).having(ICD, "H40.9")
    patient.with_("nerve-lesion-history", True).with_("neuroanatomic-distribution", True)

    decision = checked(patient).decide(profile="us")

    wanted = "Narrow-angle glaucoma is on the problem list (Condition/c0 leaves it open)"
    assert f"S-23 cannot be checked without: {wanted}" in why_not(patient, "RX-03")
    assert decision.lists_wanted == ()
    assert wanted in decision.entries_wanted


def test_an_entry_that_nobody_understands_is_what_is_asked_for() -> None:
    patient = nociceptive().taking(text="Unheardofide")

    decision = patient.decide(profile="us")

    wanted = "what each medicine is (MedicationRequest/m0 is not understood)"
    assert wanted in why_not(patient, "RX-01")
    assert decision.lists_wanted == ()
    assert decision.entries_wanted == (wanted,)


def test_a_list_that_is_not_complete_is_asked_for() -> None:
    patient = nociceptive().taking(text="Unheardofide")
    patient.lists.remove("MedicationRequest")

    decision = patient.decide(profile="us")

    assert "a complete medicine list" in why_not(patient, "RX-01")
    assert decision.lists_wanted == ("MedicationRequest",)
    assert decision.entries_wanted == ()
