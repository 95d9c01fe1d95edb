"""What problem-list and medicine codes say, and what they do not.

Refuted entries and those entered in error never come this far: ``app/fhir/reading`` drops them.
"""

from datetime import timedelta

import pytest

from app.domain.facts import CodedCondition, Fact, Record, SaidBy
from app.domain.record_codes import acting_codes, facts_of_record
from tests.patients import AS_OF, Patient, knowledge

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"


def said(patient: Patient) -> dict[str, list[Fact]]:
    """The facts that the codes stand for, by what they are about."""
    found: dict[str, list[Fact]] = {}
    for fact in facts_of_record(patient.record(), knowledge(), AS_OF).facts:
        found.setdefault(fact.input, []).append(fact)
    return found


# Codes and categories


def test_a_code_acts_by_itself() -> None:
    (fact,) = said(Patient().having(SNOMED, "192970008"))["cauda-equina-on-problem-list"]

    assert fact.value is True
    assert fact.said_by is SaidBy.CLINICIAN
    assert fact.source == "Condition/c0"


@pytest.mark.parametrize("code", ["M46.2", "M46.26", "M46.28"])
def test_a_category_stands_for_every_code_that_begins_so(code: str) -> None:
    assert "infection-on-problem-list" in said(Patient().having(ICD, code))


@pytest.mark.parametrize("code", ["M46", "M46.9", "M4", "XM46.2", ""])
def test_a_code_outside_the_category_says_nothing(code: str) -> None:
    assert said(Patient().having(ICD, code)) == {}


def test_a_code_of_another_system_says_nothing() -> None:
    assert said(Patient().having(SNOMED, "M46.2")) == {}


def test_an_exact_code_is_no_category() -> None:
    assert [row.acts_as for row in acting_codes(ICD, "G83.4", knowledge())] == [
        "cauda-equina-on-problem-list"
    ]
    assert list(acting_codes(ICD, "G83.41", knowledge())) == []


def test_one_entry_with_two_codes_says_both() -> None:
    entry = CodedCondition(
        system_codes=((ICD, "M54.50"), (ICD, "I10")),
        current=True,
        onset=None,
        abated=None,
        at=AS_OF,
        source="Condition/c0",
    )

    facts = facts_of_record(Record((), conditions=(entry,)), knowledge(), AS_OF).facts

    assert {f.input for f in facts} == {
        "low-back-pain-on-problem-list",
        "hypertension-on-problem-list",
    }


# Time


@pytest.mark.parametrize(("days_ago", "acts"), [(3, True), (14, True), (15, False)])
def test_a_coded_symptom_acts_within_its_time(days_ago: int, acts: bool) -> None:
    patient = Patient().having(ICD, "R50.9", onset_days_ago=days_ago)

    assert ("fever-or-rigors" in said(patient)) is acts


def test_a_coded_symptom_without_a_date_does_not_act() -> None:
    assert "fever-or-rigors" not in said(Patient().having(ICD, "R50.9"))


def test_a_coded_fracture_without_a_date_acts_all_the_same() -> None:
    assert "fracture-on-problem-list" in said(Patient().having(ICD, "S32.010A"))


def test_a_coded_symptom_is_as_old_as_its_onset() -> None:
    (fact,) = said(Patient().having(ICD, "R32", onset_days_ago=5))["bladder-bowel-disturbance-new"]

    assert fact.at == AS_OF - timedelta(days=5)


# Current and history


def test_an_entry_that_is_no_longer_current_says_nothing() -> None:
    assert said(Patient().having(ICD, "M46.2", current=False)) == {}


def test_a_cancer_of_the_past_is_still_a_history_of_cancer() -> None:
    facts = said(Patient().having(ICD, "C50.911", onset_days_ago=4000, current=False))

    assert [f.value for f in facts["cancer-history"]] == [True]
    assert "cancer-current" not in facts


def test_a_current_cancer_is_a_history_of_cancer_too() -> None:
    facts = said(Patient().having(ICD, "C50.911"))

    assert {"cancer-history", "cancer-current", "cancer-seeks-bone"} <= set(facts)


@pytest.mark.parametrize(
    ("code", "seeks_bone"),
    [("Z85.3", True), ("Z85.46", True), ("Z85.038", False), ("Z85.820", False)],
)
def test_a_personal_history_tells_the_kind_of_cancer(code: str, seeks_bone: bool) -> None:
    facts = said(Patient().having(ICD, code))

    assert [f.value for f in facts["cancer-history"]] == [True]
    assert [f.value for f in facts["cancer-seeks-bone"]] == [seeks_bone]


def test_a_personal_history_of_a_cancer_not_named_leaves_the_kind_open() -> None:
    facts = said(Patient().having(ICD, "Z85.9"))

    assert "cancer-history" in facts
    assert "cancer-seeks-bone" not in facts


@pytest.mark.parametrize(("years", "recent"), [(4, True), (6, False)])
def test_a_dated_cancer_is_within_five_years_or_not(years: int, recent: bool) -> None:
    facts = said(Patient().having(ICD, "Z85.3", onset_days_ago=365 * years))

    assert [f.value for f in facts["cancer-within-5-years"]] == [recent]


def test_an_undated_cancer_leaves_the_five_years_open() -> None:
    assert "cancer-within-5-years" not in said(Patient().having(ICD, "Z85.3"))


def test_a_cancer_that_ended_lately_is_recent_however_early_it_began() -> None:
    patient = Patient().having(ICD, "C50.911", onset_days_ago=365 * 9, current=False)
    entry = patient.conditions[0]
    ended = CodedCondition(
        system_codes=entry.system_codes,
        current=False,
        onset=entry.onset,
        abated=AS_OF - timedelta(days=365 * 2),
        at=entry.at,
        source=entry.source,
    )

    facts = facts_of_record(Record((), conditions=(ended,)), knowledge(), AS_OF).facts

    assert [f.value for f in facts if f.input == "cancer-within-5-years"] == [True]


def test_suicidal_thoughts_of_this_month_act_though_the_entry_is_closed() -> None:
    lately = Patient().having(SNOMED, "6471006", onset_days_ago=20, current=False)
    long_ago = Patient().having(SNOMED, "6471006", onset_days_ago=90, current=False)

    assert "self-harm-on-problem-list" in said(lately)
    assert said(long_ago) == {}


# Medicines, age, complete lists


@pytest.mark.parametrize(
    ("system", "code"), [(RXNORM, "11289"), (ATC, "B01AA03"), (ATC, "B01AF01")]
)
def test_a_medicine_acts_by_its_code_or_its_class(system: str, code: str) -> None:
    assert "anticoagulant-current" in said(Patient().taking(system, code))


def test_another_medicine_is_of_its_own_class_only() -> None:
    assert list(said(Patient().taking(ATC, "N02BE01"))) == ["takes-paracetamol"]


def test_age_is_counted_in_completed_years_at_the_evaluation() -> None:
    (age,) = said(Patient().aged(46))["age-years"]

    assert age.value == 46


def test_a_complete_problem_list_says_no_to_what_is_not_on_it() -> None:
    facts = said(Patient().having(ICD, "M54.16").complete("Condition"))

    assert [f.value for f in facts["radicular-on-problem-list"]] == [True]
    assert [f.value for f in facts["aortic-on-problem-list"]] == [False]


def test_a_complete_medicine_list_says_nothing_about_problems() -> None:
    problems = {n for n, known in knowledge().inputs.items() if known.listed_in == "Condition"}

    assert problems.isdisjoint(said(Patient().complete("MedicationRequest")))
