"""Goals: what to measure, from where, how far, by when."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.domain.content_parts import GoalMeasure
from app.domain.facts import Bounds
from app.domain.goals import Goal, goals
from tests.patients import AS_OF, Patient, a_patient, knowledge, screened


def goal(patient: Patient, id_: str) -> Goal:
    return next(g for g in patient.decide().plan.goals if g.id == id_)


def test_every_plan_has_a_goal_for_function_and_one_for_participation() -> None:
    assert [g.id for g in screened(a_patient()).decide().plan.goals] == ["G-1", "G-7"]


def test_goals_are_due_in_twelve_weeks() -> None:
    assert {g.due for g in screened(a_patient()).decide().plan.goals} == {date(2026, 8, 24)}


@pytest.mark.parametrize(
    ("measure", "baseline", "target"),
    [
        ("rmdq-total", 14, "9.0"),  # 5 points are more than 30 %
        ("rmdq-total", 20, "14.0"),  # 30 % are more than 5 points
        ("odi-score", 30, "20.0"),  # 10 points
        ("odi-score", 42, "29.4"),  # 30 %
        ("peg-score", "2.5", "1.5"),  # one point is more than 30 %
        ("peg-score", "5.0", "3.5"),  # 30 % are more than one point
        ("peg-score", "4.5", "3.1"),  # 3.15: never less than the change that matters
        ("peg-score", "5.7", "3.9"),  # 3.99 would be enough of a change, and is too much pain
        ("peg-score", "9.0", "3.9"),
    ],
)
def test_function_improves_by_the_change_that_matters(
    measure: str, baseline: float | str, target: str
) -> None:
    found = goal(screened(a_patient()).with_(measure, baseline), "G-1")

    assert found.measure is not None
    assert found.measure.input == measure
    assert (found.baseline, found.target) == (Decimal(str(baseline)), Decimal(target))
    assert not found.is_to_keep


@pytest.mark.parametrize(
    ("baseline", "target"),
    [(4, "2.0"), (5, "3.0"), (6, "4.0"), (7, "4.0"), (10, "4.0")],  # 2 points, 30 %, and 4 or less
)
def test_pain_is_to_fall_by_what_matters_and_to_four_or_less(baseline: int, target: str) -> None:
    found = goal(screened(a_patient()).with_("pain-nrs", baseline), "G-2")

    assert (found.target, found.is_to_keep) == (Decimal(target), False)


@pytest.mark.parametrize(
    ("measure", "baseline", "is_to_keep"),
    [("rmdq-total", 9, True), ("rmdq-total", 10, False), ("odi-score", 19, True)],
)
def test_a_baseline_below_twice_the_change_is_kept_not_lowered(
    measure: str, baseline: int, is_to_keep: bool
) -> None:
    found = goal(screened(a_patient()).with_(measure, baseline), "G-1")

    assert found.is_to_keep is is_to_keep
    assert (found.target == found.baseline) is is_to_keep


def test_the_first_instrument_present_measures_function() -> None:
    patient = screened(a_patient()).with_("peg-score", 6).with_("odi-score", 40)
    assert goal(patient, "G-1").baseline == 40

    patient.with_("rmdq-total", 14)
    assert goal(patient, "G-1").baseline == 14


def test_the_latest_score_is_the_baseline_and_its_source_is_named() -> None:
    patient = screened(a_patient())
    patient.with_("odi-score", 30, days_ago=2).with_("odi-score", 40, days_ago=90)

    found = goal(patient, "G-1")

    assert found.baseline == 30
    assert found.source == patient.facts[-2].source


def test_a_score_known_only_within_bounds_is_no_baseline() -> None:
    patient = screened(a_patient()).with_("rmdq-total", 14)
    patient.facts[-1] = patient.facts[-1]._replace(value=Bounds(Decimal(14), Decimal(20)))

    found = goal(patient, "G-1")

    assert (found.measure, found.baseline, found.target) == (None, None, None)


def test_without_an_instrument_the_goal_stands_unmeasured() -> None:
    found = goal(screened(a_patient()), "G-1")

    assert (found.measure, found.baseline, found.target) == (None, None, None)


def test_participation_is_in_the_patients_own_words() -> None:
    found = goal(screened(a_patient()).with_("goal-in-own-words", "Dance again."), "G-7")

    assert found.own_words == "Dance again."
    assert found.source is not None


def test_participation_waits_for_words_that_were_not_said() -> None:
    found = goal(screened(a_patient()), "G-7")

    assert (found.own_words, found.source) == ("", None)


def test_an_emergency_has_no_goals() -> None:
    assert a_patient().with_("saddle-sensory-change", True).decide().plan.goals == ()


def test_a_score_that_should_rise_has_a_target_above_its_baseline() -> None:
    decision = screened(a_patient()).with_("pseq-total", 20).with_("phq9-total", 3).decide()
    (confidence,) = [
        g for g in decision.plan.goals if g.measure is not None and g.measure.input == "pseq-total"
    ]

    assert (confidence.baseline, confidence.target) == (Decimal(20), Decimal("26.5"))
    assert not confidence.is_to_keep


def test_a_target_is_rounded_to_what_is_harder_to_reach() -> None:
    goals_ = knowledge().goals
    lower = next(m for g in goals_.values() for m in g.measures if m.input == "peg-score")
    higher = replace(lower, is_higher_better=True)
    template = next(g for g in goals_.values() if lower in g.measures)
    patient = screened(a_patient()).with_("peg-score", 3.3)

    def target(measure: GoalMeasure) -> Decimal | None:
        content = replace(knowledge(), goals={template.id: replace(template, measures=(measure,))})
        decision = patient.decide()
        (goal,) = goals(content, decision.standings, decision.worlds, AS_OF, activities=frozenset())
        return goal.target

    assert target(lower) == Decimal("2.3")
    assert target(higher) == Decimal("4.3")


def test_a_goal_goes_with_the_activity_that_serves_it() -> None:
    patient = screened(a_patient()).with_("physical-activity-minutes-week", 30)
    assert "G-3" in {g.id for g in patient.decide().plan.goals}

    plan = patient.with_("declined-activity", "EX-04").decide().plan

    assert {g.id for g in plan.goals} == {"G-1", "G-7"}


def test_with_claudication_the_goal_is_no_longer_about_walking_upright() -> None:
    """Amendment 25: cycling or flexion bias in place of EX-04 and its goal."""
    patient = screened(a_patient()).with_("physical-activity-minutes-week", 30)
    patient.with_("neurogenic-claudication", True)

    assert goal(patient, "G-3").label == knowledge().texts["G-3.claudication"]
    (walking,) = (a for a in patient.decide().plan.activities if a.id == "EX-04")
    assert walking.text == knowledge().texts["EX-04.claudication"]


@pytest.mark.parametrize(
    ("facts", "goal_id", "measure", "baseline", "target"),
    [
        ({"phq9-total": 3, "gad7-total": 15}, "G-5", "gad7-total", "15", "10.0"),
        ({"phq9-total": 12, "gad7-total": 15}, "G-5", "phq9-total", "12", "9.0"),
        ({"pcs-total": 10, "pseq-total": 22}, "G-6", "pseq-total", "22", "28.5"),
        ({"pcs-total": 4, "tsk17-total": 45, "fabq-work": 31}, "G-6", "tsk17-total", "45", "41.0"),
    ],
)
def test_the_score_that_is_the_occasion_measures_the_goal(
    facts: dict[str, int], goal_id: str, measure: str, baseline: str, target: str
) -> None:
    """A calm person with a low mood is not told to let the worry rise to 9."""
    patient = screened(a_patient())
    for name, value in facts.items():
        patient.with_(name, value)

    found = goal(patient, goal_id)

    assert found.measure is not None
    assert found.measure.input == measure
    assert (found.baseline, found.target) == (Decimal(baseline), Decimal(target))


def test_an_occasion_without_a_measure_of_its_own_leaves_the_goal_unmeasured() -> None:
    """Fear by the FABQ, of which no important change is known, beside a low score of worry."""
    patient = screened(a_patient()).with_("fabq-pa", 20).with_("fabq-work", 36)

    found = goal(patient.with_("pcs-total", 6), "G-6")

    assert (found.measure, found.baseline, found.target) == (None, None, None)


@pytest.mark.parametrize("baseline", [1, "1.9"])
def test_a_peg_below_two_points_is_kept(baseline: float | str) -> None:
    found = goal(screened(a_patient()).with_("peg-score", baseline), "G-1")

    assert (found.is_to_keep, found.target) == (True, Decimal(str(baseline)))


def test_two_scores_of_one_moment_that_differ_are_no_baseline() -> None:
    """Contract §2: a conflict is reported and unknown."""
    patient = screened(a_patient()).with_("peg-score", "3.0").with_("peg-score", "8.0")

    assert "conflicting values at one time: peg-score" in patient.decide().disagreements
    assert goal(patient, "G-1").baseline is None
