"""The drivers: 0 to 3 or unknown, never a guess from what was not asked (stage G)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.drivers import DriverGrade
from app.domain.facts import Bounds, Fact, SaidBy
from tests.patients import AS_OF, Patient, a_patient, knowledge

BANDS = [
    ("depression", "phq9-total", {4: 0, 5: 1, 9: 1, 10: 2, 14: 2, 15: 3, 27: 3}),
    ("anxiety", "gad7-total", {4: 0, 5: 1, 10: 2, 15: 3}),
    ("anxiety", "hads-anxiety", {7: 0, 8: 1, 11: 2, 15: 3}),
    ("catastrophising", "pcs-total", {19: 0, 20: 1, 30: 2, 40: 3}),
    ("low-self-efficacy", "pseq-total", {41: 0, 40: 1, 30: 2, 20: 2, 19: 3}),
    ("sleep", "isi-total", {7: 0, 8: 1, 15: 2, 22: 3}),
    ("disability", "odi-score", {20: 0, 21: 1, 41: 2, 61: 3}),
    ("pain-intensity", "pain-nrs", {0: 0, 1: 1, 4: 2, 7: 3}),
    ("central-sensitivity", "csi-total", {29: 0, 30: 1, 40: 2, 50: 3}),
    ("widespread-pain", "fs-total", {3: 0, 4: 1, 8: 2, 12: 3}),
    ("inactivity", "physical-activity-minutes-week", {150: 0, 149: 1, 74: 2, 0: 3}),
]


def graded(patient: Patient, driver: str) -> DriverGrade:
    return next(g for g in patient.decide().drivers if g.driver == driver)


@pytest.mark.parametrize(
    ("driver", "score", "value", "level"),
    [(d, s, value, level) for d, s, bands in BANDS for value, level in bands.items()],
)
def test_a_score_gives_the_level_of_its_band(
    driver: str, score: str, value: int, level: int
) -> None:
    assert graded(a_patient().with_(score, value), driver).level == level


def test_what_nobody_asked_is_unknown_and_not_zero() -> None:
    grades = Patient().decide().drivers

    assert {g.level for g in grades} == {None}
    assert not any(g.counts(knowledge()) for g in grades)


def test_one_instrument_is_enough_where_two_could_tell() -> None:
    assert graded(a_patient().with_("gad7-total", 3), "anxiety").level == 0


def test_where_two_instruments_tell_the_higher_counts() -> None:
    patient = a_patient().with_("gad7-total", 3).with_("hads-anxiety", 12)

    assert graded(patient, "anxiety").level == 2


@pytest.mark.parametrize(
    ("total", "distress", "level"), [(3, 0, 0), (4, 0, 2), (6, 3, 2), (6, 4, 3)]
)
def test_the_distress_of_the_start_back_decides_first(
    total: int, distress: int, level: int
) -> None:
    patient = a_patient().with_("start-back-total", total).with_("start-back-distress", distress)

    assert graded(patient, "prognostic-risk").level == level


@pytest.mark.parametrize(("recorded", "level"), [("low", 0), ("medium", 2), ("high", 3)])
def test_a_start_back_level_on_record_is_enough(recorded: str, level: int) -> None:
    patient = a_patient().with_("start-back-risk", recorded)

    assert graded(patient, "prognostic-risk").level == level


@pytest.mark.parametrize(("areas", "symptoms", "level"), [(2, 1, 0), (4, 4, 2), (7, 5, 3)])
def test_index_and_scale_of_one_day_are_the_severity(areas: int, symptoms: int, level: int) -> None:
    patient = a_patient().with_("wpi", areas).with_("sss", symptoms)

    assert graded(patient, "widespread-pain").level == level


@pytest.mark.parametrize(
    ("total", "level", "at_least"), [(3, 0, 0), (4, None, 2), (7, None, 2), (8, 3, 3), (9, 3, 3)]
)
def test_a_start_back_total_alone_settles_what_its_distress_can_no_longer_change(
    total: int, level: int | None, at_least: int
) -> None:
    grade = graded(a_patient().with_("start-back-total", total), "prognostic-risk")

    assert (grade.level, grade.at_least) == (level, at_least)


def test_a_distress_of_an_older_sitting_says_nothing_of_the_latest_total() -> None:
    patient = a_patient().with_("start-back-distress", 5, days_ago=90)
    assert graded(patient.with_("start-back-total", 2), "prognostic-risk").level == 0

    assert graded(patient.with_("start-back-distress", 1), "prognostic-risk").level == 0


def test_a_subscale_that_its_total_leaves_no_room_for_is_named() -> None:
    patient = a_patient().with_("start-back-total", 3).with_("start-back-distress", 5)

    decision = patient.decide()

    (told,) = decision.not_used
    assert told.why == "STarT Back total of 3 leaves no room for STarT Back distress subscale of 5"
    assert a_patient().with_("wpi", 9).with_("sss", 9).with_("fs-total", 18).decide().not_used == ()


def test_a_total_leaves_its_subscale_open_where_both_ends_disagree() -> None:
    patient = a_patient().with_("start-back-distress", 5, days_ago=90).with_("start-back-total", 6)

    grade = graded(patient, "prognostic-risk")

    assert (grade.level, grade.at_least) == (None, 2)


def test_index_and_scale_of_different_days_are_no_severity() -> None:
    patient = a_patient().with_("wpi", 9).with_("sss", 9, days_ago=40)

    assert graded(patient, "widespread-pain").level is None


def test_a_severity_that_was_sent_is_not_worked_out_again() -> None:
    patient = a_patient().with_("wpi", 9).with_("sss", 9).with_("fs-total", 3)

    assert graded(patient, "widespread-pain").at_least != 3


def test_fear_avoidance_needs_the_work_scale_to_be_more_than_mild() -> None:
    mild = a_patient().with_("fabq-pa", 15).with_("fabq-work", 20)
    more = a_patient().with_("fabq-pa", 15).with_("fabq-work", 30)

    assert graded(mild, "fear-avoidance").level == 1
    assert graded(more, "fear-avoidance").level == 2


def test_a_long_term_opioid_is_read_of_the_record_where_nobody_said_how_long() -> None:
    icd = "http://hl7.org/fhir/sid/icd-10-cm"
    by_date = a_patient().taking(text="oxycodone", began_days_ago=700)
    by_code = a_patient().having(icd, "Z79.891")

    for patient in (by_date, by_code):
        assert graded(patient, "long-term-opioid").at_least == 2
        assert graded(patient.with_("opioid-weeks", 3), "long-term-opioid").level == 0


def test_nobody_who_takes_no_opioid_takes_one_for_long() -> None:
    without = a_patient().taking(text="ramipril").complete("MedicationRequest")
    unclear = a_patient().taking(text="Unheardofide").complete("MedicationRequest")
    told = a_patient().with_("opioid-weeks", 20).complete("MedicationRequest")

    assert graded(without, "long-term-opioid") == ("long-term-opioid", 0, 0, None)
    assert graded(unclear, "long-term-opioid").level is None
    assert graded(told, "long-term-opioid").at_least == 2


def test_a_long_term_opioid_is_there_although_its_dose_is_not_known() -> None:
    grade = graded(a_patient().with_("opioid-weeks", 20), "long-term-opioid")

    assert grade.level is None
    assert grade.at_least == 2
    assert grade.counts(knowledge())


def test_with_a_benzodiazepine_it_is_severe() -> None:
    patient = a_patient().with_("opioid-weeks", 20).taking(text="Diazepam 5 mg")

    assert graded(patient, "long-term-opioid").level == 3


@pytest.mark.parametrize(
    ("driver", "finding", "value"),
    [
        ("tobacco", "tobacco-current", True),
        ("work", "work-barrier", True),
        ("work", "work-absence-weeks", 1),
        ("social", "social-isolation", True),
        ("iatrogenic", "passive-treatments-failed-count", 2),
        ("obesity", "bmi", 31),
    ],
)
def test_what_is_only_there_or_not_is_two(driver: str, finding: str, value: object) -> None:
    grade = graded(a_patient().with_(finding, value), driver)

    assert grade.at_least == 2
    assert grade.rule == f"G-{driver}-2"


@given(low=st.integers(0, 27), more=st.integers(1, 27))
def test_a_score_known_between_bounds_is_graded_only_where_both_ends_agree(
    low: int, more: int
) -> None:
    high = min(27, low + more)
    patient = a_patient()
    bounds = Bounds(Decimal(low), Decimal(high))
    patient.facts.append(Fact("phq9-total", bounds, AS_OF, SaidBy.PATIENT, "Observation/phq"))
    ends = {graded(a_patient().with_("phq9-total", end), "depression").level for end in (low, high)}

    level = graded(patient, "depression").level

    assert level == (ends.pop() if len(ends) == 1 else None)
