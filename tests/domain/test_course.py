"""Stepped care: since when, with what change, and what the next step adds."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.course import Before, Course
from app.domain.decision import Decision, derive
from app.domain.plan_types import Activity
from app.domain.trace import before_of, trace_of
from tests.patients import AS_OF, Patient, a_patient, checked, knowledge, screened


def nociplastic(peg: float) -> Patient:
    patient = screened(a_patient()).with_("pain-distribution", "widespread").with_("peg-score", peg)
    return patient.with_("not-entirely-explained", True).with_("dynamic-mechanical-allodynia", True)


def before(weeks: int, *, peg: float = 6, step: int = 1, pain: int | None = None) -> Before:
    """The plan before, begun so many weeks ago."""
    started = AS_OF - timedelta(weeks=weeks)
    course = Course(started, {"peg-score": Decimal(str(peg))}, step, "")
    return Before("a decision", course, None if pain is None else Decimal(pain), ())


def ids(decision: Decision, status: str = "proposed") -> set[str]:
    return {a.id for a in decision.plan.activities if a.status == status}


def test_a_first_plan_is_step_one() -> None:
    assert nociplastic(6).decide().course.step == 1


@pytest.mark.parametrize(
    ("weeks", "step"), [(2, 1), (5, 1), (6, 2), (11, 2), (12, 3), (25, 3), (26, 4), (80, 4)]
)
def test_without_the_change_that_matters_the_weeks_decide(weeks: int, step: int) -> None:
    assert nociplastic(5.5).decide(before=before(weeks)).course.step == step


@pytest.mark.parametrize("weeks", [3, 8, 30])
def test_the_change_that_matters_leads_to_maintenance(weeks: int) -> None:
    decision = nociplastic(4).decide(before=before(weeks))

    assert decision.course.step == 0
    assert "EX-04" in ids(decision)
    assert "PT-02" not in ids(decision)


@pytest.mark.parametrize("medicine", ["duloxetine", "amitriptyline", "gabapentin"])
def test_at_maintenance_a_medicine_is_reviewed_and_ends_slowly(medicine: str) -> None:
    kept = nociplastic(4).taking(text=medicine).decide(before=before(8)).plan.activities

    review = next(a for a in kept if a.id == "MED-01")
    assert any("over 2 to 4 weeks" in said for said in review.reasons)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("has-myofascial-pain", "RX-02"),
        ("diagnostic-block-positive", "MT-01"),
        ("has-sacroiliitis", "MT-01"),
    ],
)
def test_at_maintenance_no_symptom_option_is_begun(name: str, option: str) -> None:
    """interventions.md 6.6: what eases symptoms ends there, whatever finding asks for it."""

    def options(earlier: Before | None) -> set[str]:
        patient = checked(screened(a_patient()).with_("peg-score", 4)).with_(name, True)
        plan = patient.decide(before=earlier).plan
        return {a.id for a in plan.activities if a.id in ("RX-02", "MT-01", "MT-02")}

    assert option in options(None)
    assert options(before(8)) == set()


def test_the_second_step_adds_what_the_next_severity_has() -> None:
    first, second = nociplastic(5.5).decide(), nociplastic(5.5).decide(before=before(8))

    assert "PS-01" not in ids(first)
    assert "PS-01" in ids(second) | ids(second, "next-step")


def test_from_the_third_step_several_professions_work_together() -> None:
    decision = nociplastic(5.5).decide(before=before(13))

    assert "MR-01" in ids(decision) | ids(decision, "next-step")
    assert any("P-17" in a.rules for a in decision.plan.activities if a.id == "MR-01")


@pytest.mark.parametrize("extra", [{}, {"isi-total": 20, "tobacco-current": True, "bmi": 33}])
def test_at_the_third_step_no_option_and_no_driver_keeps_it_waiting(extra: dict[str, int]) -> None:
    """interventions.md 6.6: what did not help goes on only beside what the step is about."""
    patient = checked(screened(a_patient()).with_("nociceptive-source-identified", True))
    patient.with_("pain-nrs", 8).with_("peg-score", 5.5)
    for name, value in extra.items():
        patient.with_(name, value)
    early, late = (patient.decide(before=before(weeks)) for weeks in (8, 13))

    assert "MR-01" in ids(early, "next-step")
    assert "MR-01" in ids(late)
    assert len([a for a in late.plan.activities if _is_counted(a)]) <= 6


def _is_counted(activity: Activity) -> bool:
    is_free = activity.stage in ("safety", "review")
    item = knowledge().interventions[activity.id]
    return activity.status == "proposed" and item.counted and not is_free


@pytest.mark.parametrize("weeks", [13, 30])
def test_also_where_no_mechanism_is_established(weeks: int) -> None:
    """Care that did not help needs another look whatever the pain is called."""
    patient = screened(a_patient()).with_("peg-score", 5.5)
    early, late = patient.decide(), patient.decide(before=before(weeks))

    assert late.phenotype.mechanism == "insufficient-data"
    assert {"MR-01", "PT-02"}.isdisjoint(ids(early) | ids(early, "next-step"))
    assert "MR-01" in ids(late)
    assert "PT-02" in ids(late, "next-step")


def test_from_the_third_step_the_review_is_with_a_specialist_and_derives_anew() -> None:
    early, late = (nociplastic(5.5).decide(before=before(weeks)) for weeks in (8, 13))

    def said(decision: Decision) -> str:
        return " ".join(next(a for a in decision.plan.activities if a.id == "RV-01").reasons)

    assert "specialist" not in said(early)
    assert "specialist" in said(late)
    assert "derived anew" in said(late)
    assert "red flags" in said(late)


def test_without_a_new_score_the_step_is_kept() -> None:
    patient = screened(a_patient())

    assert patient.decide(before=before(30, step=2)).course.step == 2


def test_one_score_is_no_change_however_long_ago_it_was_taken() -> None:
    """No change that matters is told by two scores: the first may come with the second plan."""

    def decided(patient: Patient, weeks: int, earlier: Decision | None) -> Decision:
        return derive(
            patient.record(),
            knowledge(),
            as_of=AS_OF + timedelta(weeks=weeks),
            guideline_profile="who",
            crisis_text="",
            before=None if earlier is None else before_of("d", trace_of(earlier, knowledge())),
        )

    patient = screened(a_patient())
    first = decided(patient, 0, None)
    scored = patient.with_("rmdq-total", 12, days_ago=-41)
    second = decided(scored, 6, first)
    third = decided(scored, 13, second)
    fourth = decided(scored.with_("rmdq-total", 11, days_ago=-98), 14, third)

    assert [d.course.step for d in (first, second, third, fourth)] == [1, 1, 1, 3]
    assert "no score of function since" in third.course.why


@pytest.mark.parametrize(
    ("pain", "peg", "step"), [(None, 1.5, 1), (2, 1.5, 1), (7, 1.5, 4), (2, 2.5, 4)]
)
def test_who_has_little_to_gain_and_keeps_it_is_not_sent_on(
    pain: int | None, peg: float, step: int
) -> None:
    patient = screened(a_patient()).with_("peg-score", peg)
    if pain is not None:
        patient.with_("pain-nrs", pain)

    decision = patient.decide(before=before(27, peg=1.5))

    assert decision.course.step == step
    assert ("MR-01" in ids(decision)) is (step > 1)


def test_pain_that_rose_by_two_begins_again() -> None:
    decision = nociplastic(5.5).with_("pain-nrs", 8).decide(before=before(13, pain=6))

    assert decision.course.step == 1
    assert decision.course.started == AS_OF


def test_a_new_red_flag_begins_again() -> None:
    patient = nociplastic(5.5).with_("trauma-significant", True, days_ago=0.1)

    assert patient.decide(before=before(13)).course.step == 1


def test_what_is_kept_of_a_decision_is_what_the_next_one_needs() -> None:
    decision = nociplastic(6).with_("pain-nrs", 6).decide()

    told = before_of("d", trace_of(decision, knowledge()))

    assert told.course == decision.course
    assert told.pain == 6


def test_a_first_plan_keeps_the_scores_that_are_there() -> None:
    course = nociplastic(6).with_("pain-nrs", 7).decide().course

    assert course.scores == {"peg-score": Decimal(6), "pain-nrs": Decimal(7)}
    assert course.why == "the first plan"


def test_every_new_red_flag_is_named() -> None:
    patient = nociplastic(5.5).with_("trauma-significant", True, days_ago=0.1)
    patient.with_("fever-or-rigors", True, days_ago=0.1)
    decision = patient.decide(before=before(13))
    flags = ", ".join(r.flag for r in decision.gate.raised)

    assert len(decision.gate.raised) > 1
    assert decision.course.why == f"a new red flag ({flags}): care begins again"


@pytest.mark.parametrize(("pain", "step"), [(3, 3), (7, 3), (8, 1)])
def test_only_pain_that_rose_begins_again(pain: int, step: int) -> None:
    decision = nociplastic(5.5).with_("pain-nrs", pain).decide(before=before(13, pain=6))

    assert decision.course.step == step


def test_the_step_says_why_it_is_the_step() -> None:
    kept = screened(a_patient()).decide(before=before(30, step=2)).course
    early = nociplastic(5.5).decide(before=before(3)).course
    better = nociplastic(4).decide(before=before(3)).course
    late = nociplastic(5.5).decide(before=before(30)).course
    worse = nociplastic(5.5).with_("pain-nrs", 8).decide(before=before(13, pain=6)).course

    assert kept.why == "no score of function since: the step is kept"
    assert early.why == "PEG score 6 to 5.5 in 3 weeks: not yet the change that matters"
    assert better.why == "PEG score 6 to 4 in 3 weeks: the change that matters is reached"
    assert late.why == "PEG score 6 to 5.5 in 30 weeks: no change that matters"
    assert worse.why == "pain rose from 6 to 8: care begins again"
