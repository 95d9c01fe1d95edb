"""Which fact counts: the latest, the clinician's, the one that is fresh; and what clears a flag."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.content import Content
from app.domain.content_parts import Test as Comparison
from app.domain.facts import Bounds, Fact, FactValue, SaidBy
from app.domain.standing import Standing, compare, stand
from app.domain.truth import Truth
from app.knowledge import load_from
from app.knowledge.files import read_folder
from tests.patients import AS_OF, Patient, a_patient, knowledge

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def truth(patient: Patient, finding: str, *, flag: str = "") -> Truth:
    """How one statement stands, outside of any flag's rules or inside those of one."""
    content = knowledge()
    readings = content.readings[content.findings[finding].input]
    slot = next(r.slot for r in readings if r.finding.name == finding and r.flag == flag)
    return patient.decide().standings.truth(slot)


# One answer


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("days_ago", [1, 4000])
def test_a_plain_answer_settles_what_the_long_way_round_settles(said: bool, days_ago: int) -> None:
    content = knowledge()
    roundabout = replace(content, tables=replace(content.tables, plain={}))
    at = AS_OF - timedelta(days=days_ago)
    assert content.tables.plain

    for name in content.tables.plain:
        fact = Fact(name, said, at, SaidBy.CLINICIAN, "Observation/o")
        found, expected = (stand([fact], known, AS_OF).by_slot for known in (content, roundabout))
        assert found == expected, name


def test_what_nobody_said_is_unknown() -> None:
    assert truth(Patient(), "nerve-lesion-history") is UNKNOWN


@pytest.mark.parametrize("said", [True, False])
def test_what_was_said_stands(said: bool) -> None:
    patient = Patient().with_("nerve-lesion-history", said)

    assert truth(patient, "nerve-lesion-history") is Truth.of(said)


@pytest.mark.parametrize(
    ("said", "finding", "expected"),
    [
        ("discrete", "distribution-discrete", TRUE),
        ("discrete", "distribution-wide", FALSE),
        ("widespread", "distribution-wide", TRUE),
    ],
)
def test_a_code_stands_for_itself(said: str, finding: str, expected: Truth) -> None:
    assert truth(Patient().with_("pain-distribution", said), finding) is expected


@pytest.mark.parametrize(("score", "expected"), [(18, FALSE), (19, TRUE), (20, TRUE)])
def test_a_threshold_belongs_to_the_positive_side(score: int, expected: Truth) -> None:
    assert truth(Patient().with_("paindetect-total", score), "paindetect-likely") is expected


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        (Comparison(at_least=Decimal(12)), Bounds(Decimal(12), Decimal(15)), TRUE),
        (Comparison(at_least=Decimal(12)), Bounds(Decimal(8), Decimal(11)), FALSE),
        (Comparison(at_least=Decimal(12)), Bounds(Decimal(8), Decimal(15)), UNKNOWN),
        (Comparison(below=Decimal(19)), Bounds(Decimal(0), Decimal(18)), TRUE),
        (Comparison(above=Decimal(3)), 4, TRUE),
        (Comparison(above=Decimal(3)), 3, FALSE),
        (Comparison(at_most=Decimal(3)), 3, TRUE),
        (Comparison(any_code=frozenset({"a"})), "b", FALSE),
        (Comparison(is_value=True), False, FALSE),
        (Comparison(is_value=False), False, TRUE),
    ],
)
def test_one_comparison(test: Comparison, value: FactValue, expected: Truth) -> None:
    assert compare(test, value) is expected


def test_a_partial_score_settles_a_threshold_that_it_can_no_longer_miss() -> None:
    decided = _with_bounds("s-lanss-total", 12, 20)
    open_ = _with_bounds("s-lanss-total", 5, 20)

    assert truth(decided, "s-lanss-positive") is TRUE
    assert truth(open_, "s-lanss-positive") is UNKNOWN
    assert "s-lanss-total" in open_.decide().open_questions


def _with_bounds(name: str, low: int, high: int) -> Patient:
    patient = a_patient().with_(name, low)
    patient.facts[-1] = patient.facts[-1]._replace(value=Bounds(Decimal(low), Decimal(high)))
    return patient


# Several answers


def test_the_latest_answer_wins() -> None:
    patient = (
        Patient()
        .with_("nerve-lesion-history", True, days_ago=100)
        .with_("nerve-lesion-history", False, days_ago=1)
    )

    assert truth(patient, "nerve-lesion-history") is FALSE


def test_the_clinician_beats_the_patient_on_the_same_day() -> None:
    patient = (
        Patient()
        .with_("nerve-lesion-history", True, days_ago=1.2, said_by="clinician")
        .with_("nerve-lesion-history", False, days_ago=1, said_by="patient")
    )

    assert truth(patient, "nerve-lesion-history") is TRUE


def test_a_day_later_the_patient_may_say_otherwise() -> None:
    patient = (
        Patient()
        .with_("nerve-lesion-history", True, days_ago=2, said_by="clinician")
        .with_("nerve-lesion-history", False, days_ago=1, said_by="patient")
    )

    assert truth(patient, "nerve-lesion-history") is FALSE


def test_two_answers_at_one_instant_are_a_conflict_unknown_and_reported() -> None:
    patient = (
        Patient()
        .with_("nerve-lesion-history", True, days_ago=1)
        .with_("nerve-lesion-history", False, days_ago=1)
    )

    assert truth(patient, "nerve-lesion-history") is UNKNOWN
    assert patient.decide().standings.conflicts == ("nerve-lesion-history",)
    assert "conflicting values at one time: nerve-lesion-history" in patient.decide().disagreements


def test_the_same_number_written_in_two_ways_is_no_conflict() -> None:
    patient = Patient().with_("peg-score", "4").with_("peg-score", "4.0")

    assert patient.decide().standings.conflicts == ()


def test_a_conflict_that_was_answered_since_is_none() -> None:
    patient = (
        Patient()
        .with_("nerve-lesion-history", True, days_ago=9)
        .with_("nerve-lesion-history", False, days_ago=9)
        .with_("nerve-lesion-history", True, days_ago=1)
    )

    assert truth(patient, "nerve-lesion-history") is TRUE
    assert patient.decide().standings.conflicts == ()


def test_the_weeks_of_pain_go_on_growing_after_they_were_said() -> None:
    recent = Patient().with_("pain-duration-weeks", 11, days_ago=6)
    a_week_old = Patient().with_("pain-duration-weeks", 11, days_ago=7)

    assert truth(recent, "pain-12-weeks-or-more") is FALSE
    assert truth(a_week_old, "pain-12-weeks-or-more") is TRUE


@pytest.mark.parametrize(("days_ago", "expected"), [(30, FALSE), (31, UNKNOWN)])
def test_pregnancy_is_known_for_30_days(days_ago: int, expected: Truth) -> None:
    patient = Patient().with_("pregnancy-status", "not-pregnant", days_ago=days_ago)

    assert truth(patient, "pregnant") is expected


# The gate: a yes acts, a no goes stale


@pytest.mark.parametrize(("days_ago", "expected"), [(30, FALSE), (31, UNKNOWN)])
def test_a_no_about_a_symptom_is_known_for_30_days(days_ago: int, expected: Truth) -> None:
    patient = Patient().with_("fever-or-rigors", False, days_ago=days_ago)

    assert truth(patient, "fever-or-rigors") is expected


@pytest.mark.parametrize(("days_ago", "expected"), [(360, FALSE), (370, UNKNOWN)])
def test_a_no_about_what_does_not_change_is_known_for_12_months(
    days_ago: int, expected: Truth
) -> None:
    patient = Patient().with_("cancer-history", False, days_ago=days_ago)

    assert truth(patient, "cancer-history") is expected


def test_a_yes_acts_however_old_it_is() -> None:
    patient = Patient().with_("fever-or-rigors", True, days_ago=900)

    assert truth(patient, "fever-or-rigors") is TRUE


def test_a_patients_later_no_does_not_cancel_a_yes() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=9)
        .with_("fever-or-rigors", False, days_ago=1, said_by="patient")
    )

    assert truth(patient, "fever-or-rigors") is TRUE


def test_a_clinicians_later_no_cancels_a_yes() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=9)
        .with_("fever-or-rigors", False, days_ago=1, said_by="clinician")
    )

    assert truth(patient, "fever-or-rigors") is FALSE


def test_a_clinicians_no_that_cancelled_a_yes_goes_stale_like_every_no() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=90)
        .with_("fever-or-rigors", False, days_ago=40, said_by="clinician")
    )

    assert truth(patient, "fever-or-rigors") is UNKNOWN


def test_a_clinicians_no_does_not_cancel_a_yes_that_came_after_it() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", False, days_ago=9, said_by="clinician")
        .with_("fever-or-rigors", True, days_ago=1, said_by="patient")
    )

    assert truth(patient, "fever-or-rigors") is TRUE


def test_of_one_instant_a_conflict_counts_as_present() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, said_by="patient")
        .with_("fever-or-rigors", False, said_by="patient")
    )

    assert truth(patient, "fever-or-rigors") is TRUE
    assert patient.decide().standings.conflicts == ("fever-or-rigors",)


@pytest.mark.parametrize(
    ("days_ago", "window"),
    [(14, "of-14-days"), (15, "of-15-days-to-12-weeks"), (84, "of-15-days-to-12-weeks")],
)
def test_a_cauda_equina_answer_stands_in_exactly_one_window(days_ago: int, window: str) -> None:
    patient = Patient().with_("saddle-sensory-change", True, days_ago=days_ago)
    name = "saddle-sensory-change"
    windows = [f"{name}-{w}" for w in ("of-14-days", "of-15-days-to-12-weeks", "older")]

    holding = [w for w in windows if truth(patient, w, flag="cauda-equina") is TRUE]

    assert holding == [f"{name}-{window}"]


def test_who_says_that_weakness_grows_matters() -> None:
    felt = Patient().with_("motor-weakness-progressive", True, said_by="patient")
    seen = Patient().with_("motor-weakness-progressive", True, said_by="clinician")
    motor = "motor-deficit"

    assert truth(felt, "motor-weakness-progressive-felt", flag=motor) is TRUE
    assert truth(felt, "motor-weakness-progressive-seen", flag=motor) is FALSE
    assert truth(seen, "motor-weakness-progressive-seen", flag=motor) is TRUE
    assert truth(seen, "motor-weakness-progressive-felt", flag=motor) is FALSE


# Assessed


def test_an_assessment_clears_what_was_said_before_it() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=9)
        .with_("red-flag-assessed", "infection", days_ago=5)
    )

    assert truth(patient, "fever-or-rigors", flag="infection") is FALSE
    assert truth(patient, "fever-or-rigors") is FALSE


def test_an_assessment_clears_nothing_that_is_said_after_it() -> None:
    patient = (
        Patient()
        .with_("red-flag-assessed", "infection", days_ago=9)
        .with_("fever-or-rigors", True, days_ago=5)
    )

    assert truth(patient, "fever-or-rigors", flag="infection") is TRUE


def test_an_assessment_clears_its_own_flag_only() -> None:
    patient = (
        Patient()
        .with_("weight-loss-unexplained", True, days_ago=9)
        .with_("red-flag-assessed", "malignancy", days_ago=5)
    )

    assert truth(patient, "weight-loss-unexplained", flag="malignancy") is FALSE
    assert truth(patient, "weight-loss-unexplained", flag="infection") is TRUE


def test_an_assessment_is_known_as_long_as_an_answer() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=90)
        .with_("red-flag-assessed", "infection", days_ago=40)
    )

    assert truth(patient, "fever-or-rigors") is UNKNOWN


def test_a_no_after_the_assessment_is_known_from_the_day_it_was_said() -> None:
    patient = (
        Patient()
        .with_("fever-or-rigors", True, days_ago=90)
        .with_("red-flag-assessed", "infection", days_ago=40)
        .with_("fever-or-rigors", False, days_ago=1, said_by="patient")
    )

    assert truth(patient, "fever-or-rigors") is FALSE


def test_a_question_of_two_flags_stays_open_while_one_of_them_was_not_assessed_lately() -> None:
    patient = (
        a_patient()
        .with_("weight-loss-unexplained", True, days_ago=60)
        .with_("red-flag-assessed", "malignancy", days_ago=40)
    )

    assert truth(patient, "weight-loss-unexplained", flag="infection") is TRUE
    assert truth(patient, "weight-loss-unexplained", flag="malignancy") is UNKNOWN
    assert "weight-loss-unexplained" in patient.decide().open_questions


# PHQ-9 item 9


def test_the_latest_answer_to_item_9_decides() -> None:
    patient = Patient().with_("phq9-item-9", 2, days_ago=9).with_("phq9-item-9", 1, days_ago=1)
    flag = "self-harm"

    assert truth(patient, "phq9-item-9-two-or-more", flag=flag) is FALSE
    assert truth(patient, "phq9-item-9-positive", flag=flag) is TRUE
    assert truth(patient, "phq9-item-9-positive-earlier", flag=flag) is TRUE


def test_of_two_answers_to_item_9_at_one_instant_the_higher_counts() -> None:
    patient = Patient().with_("phq9-item-9", 0).with_("phq9-item-9", 2)

    assert truth(patient, "phq9-item-9-two-or-more", flag="self-harm") is TRUE


def test_only_an_assessment_clears_item_9() -> None:
    patient = Patient().with_("phq9-item-9", 2, days_ago=9)
    assert truth(patient, "phq9-item-9-positive", flag="self-harm") is TRUE

    patient.with_("red-flag-assessed", "self-harm", days_ago=2)

    assert truth(patient, "phq9-item-9-positive", flag="self-harm") is FALSE


def test_an_earlier_positive_item_9_stays_until_it_is_assessed() -> None:
    patient = Patient().with_("phq9-item-9", 1, days_ago=9).with_("phq9-item-9", 0, days_ago=1)

    assert truth(patient, "phq9-item-9-positive-earlier", flag="self-harm") is TRUE


def test_a_stale_0_to_item_9_is_asked_again() -> None:
    patient = a_patient().with_("phq9-item-9", 1, days_ago=90).with_("phq9-item-9", 0, days_ago=40)

    assert truth(patient, "phq9-item-9-positive", flag="self-harm") is UNKNOWN
    assert "phq9-item-9" in patient.decide().open_questions


# The record, and the future


def test_what_is_not_on_the_problem_list_is_unknown() -> None:
    assert truth(Patient(), "radicular-on-problem-list") is UNKNOWN


def test_what_is_not_on_a_complete_problem_list_is_not_there() -> None:
    assert truth(Patient().complete("Condition"), "radicular-on-problem-list") is FALSE


def test_what_lies_after_the_evaluation_is_listed_and_not_used() -> None:
    patient = Patient().with_("nerve-lesion-history", True, days_ago=-1)

    assert truth(patient, "nerve-lesion-history") is UNKNOWN
    assert [n.why for n in patient.decide().not_used] == ["effective after asOf"]


# What no shipped statement needs today, and the content may ask for tomorrow


def more(inputs: str, findings: str) -> Content:
    """The shipped content with an input and a finding of a test."""
    files = read_folder()
    names = ("inputs/context.toml", "findings/thresholds.toml")
    added = dict(zip(names, (inputs, findings), strict=True))
    return load_from({**files, **{name: files[name] + text for name, text in added.items()}})


def stands(content: Content, finding: str, *facts: Fact) -> Standing:
    return stand(facts, content, AS_OF).by_slot[content.slot(finding)]


def tried(value: str, days_ago: float) -> Fact:
    at = AS_OF - timedelta(days=days_ago)
    return Fact("tried", value, at, SaidBy.PATIENT, f"Observation/{value}-{days_ago}")


def test_of_an_input_that_repeats_any_answer_counts() -> None:
    content = more(
        """
[input.tried]
label = "What was tried"
type = "code"
asked_of = "patient"
repeats = true
choices = [["yoga", "Yoga"], ["rest", "Rest"]]
""",
        """
[finding.tried-yoga]
label = "Yoga was tried"
from = "tried"
true_when = { any_code = ["yoga"] }
""",
    )
    yoga, rest = tried("yoga", 9), tried("rest", 1)

    assert stands(content, "tried-yoga", yoga, rest) == Standing(TRUE, yoga)
    assert stands(content, "tried-yoga", rest) == Standing(UNKNOWN, rest)


@pytest.mark.parametrize(("days_ago", "lately", "long_ago"), [(3, TRUE, FALSE), (30, FALSE, TRUE)])
def test_an_answer_that_is_no_flag_has_its_window_too(
    days_ago: float, lately: Truth, long_ago: Truth
) -> None:
    content = more(
        """
[input.fell]
label = "Fell"
type = "boolean"
asked_of = "patient"
""",
        """
[finding.fell-lately]
label = "Fell in the last 14 days"
from = "fell"
true_when = { is = true }
within = "P14D"

[finding.fell-long-ago]
label = "Fell before that"
from = "fell"
true_when = { is = true }
older_than = "P14D"
""",
    )
    fell = Fact("fell", True, AS_OF - timedelta(days=days_ago), SaidBy.PATIENT, "Observation/f")

    assert stands(content, "fell-lately", fell) == Standing(lately, fell)
    assert stands(content, "fell-long-ago", fell) == Standing(long_ago, fell)


def test_a_statement_that_is_false_names_the_fact_that_made_it_so() -> None:
    content = knowledge()
    said = a_patient().with_("saddle-sensory-change", True, days_ago=2)
    said.with_("saddle-sensory-change", False, days_ago=1, said_by="clinician")

    standing = said.decide().standings.by_slot[content.slot("saddle-sensory-change")]

    assert standing.truth is FALSE
    assert standing.fact == said.facts[-1]


def test_an_assessment_that_clears_names_the_positive_that_it_cleared() -> None:
    content = knowledge()
    patient = a_patient().with_("saddle-sensory-change", True, days_ago=2)
    positive = patient.facts[-1]
    patient.with_("red-flag-assessed", "cauda-equina", days_ago=1, said_by="clinician")

    standing = patient.decide().standings.by_slot[content.slot("saddle-sensory-change")]

    assert standing == Standing(FALSE, positive)


def test_a_low_score_that_is_not_nothing_never_goes_stale() -> None:
    patient = a_patient().with_("phq9-item-9", 1, days_ago=60)

    assert truth(patient, "phq9-item-9-two-or-more") is FALSE
    assert truth(patient, "phq9-item-9-positive") is TRUE
    nothing = a_patient().with_("phq9-item-9", 0, days_ago=60)
    assert truth(nothing, "phq9-item-9-two-or-more") is UNKNOWN
