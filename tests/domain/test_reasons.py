"""What a plan says of what is not in it, or not yet: in words that a clinician can answer to."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.decision import derive
from app.domain.facts import ComputedScore
from app.domain.gate import GateLevel, judge
from app.domain.plan_types import Activity, Plan
from app.domain.tables import laid_out
from app.domain.truth import Truth
from tests.domain.naive import alone
from tests.domain.test_course import before
from tests.patients import AS_OF, Patient, a_patient, checked, knowledge, screened


def nociceptive() -> Patient:
    return screened(a_patient()).with_("nociceptive-source-identified", True).with_("pain-nrs", 5)


def nociplastic() -> Patient:
    patient = screened(a_patient()).with_("pain-distribution", "widespread").with_("pain-nrs", 8)
    return patient.with_("not-entirely-explained", True).with_("dynamic-mechanical-allodynia", True)


def reasons(plan: Plan, id_: str) -> tuple[str, ...]:
    """What the catalogue says of one item, before what no input tells about it."""
    said = next(p.reasons for p in plan.catalogue if p.id == id_)
    not_read = knowledge().not_read.get(id_, ())
    assert said[len(said) - len(not_read) :] == not_read
    return said[: len(said) - len(not_read)]


def row(plan: Plan, id_: str) -> Activity:
    return next(a for a in plan.activities if a.id == id_)


def waiting(plan: Plan, family: str) -> list[Activity]:
    items = knowledge().interventions
    return [a for a in plan.activities if items[a.id].family == family and a.status == "next-step"]


def test_a_second_psychological_programme_waits_for_the_first() -> None:
    content = knowledge()
    both = [p for p in content.placements if p.activity == "PS-01" and p.row == "nociplastic"]
    proposed = [
        replace(p, activity=id_, stage="mechanism", status="proposed", severity=(), steps=())
        for p in both[:1]
        for id_ in ("PS-01", "PS-02")
    ]
    plan = derive(
        nociplastic().record(),
        laid_out(replace(content, placements=(*proposed, *content.placements))),
        as_of=AS_OF,
        guideline_profile="who",
        crisis_text="",
    ).plan

    assert (row(plan, "PS-01").status, row(plan, "PS-01").reasons) == ("proposed", ())
    assert (row(plan, "PS-02").status, row(plan, "PS-02").reasons) == (
        "next-step",
        ("when the first programme is finished",),
    )


def test_a_second_medicine_waits_until_the_first_did_not_help() -> None:
    patient = screened(a_patient()).with_("nerve-lesion-history", True).with_("pain-nrs", 8)
    patient = checked(patient.with_("neuroanatomic-distribution", True))
    plan = patient.decide(profile="us").plan

    assert row(plan, "RX-03").status == "proposed"
    for second in ("RX-04", "RX-05"):
        assert row(plan, second).status == "next-step"
        assert "if the first did not help" in row(plan, second).reasons


def test_what_is_done_to_a_person_is_withheld_where_exercise_was_refused() -> None:
    patient = checked(nociceptive())
    for exercise in (i.id for i in knowledge().interventions.values() if i.family == "exercise"):
        patient.with_("declined-activity", exercise)
    plan = patient.with_("declined-activity", "EX-04").decide().plan

    assert reasons(plan, "MT-01") == ("never without exercise",)


def test_a_refused_activity_says_where_it_was_refused() -> None:
    patient = nociceptive().with_("declined-activity", "EX-04")
    source = patient.facts[-1].source

    assert reasons(patient.decide().plan, "EX-04") == (f"declined ({source})",)


def test_a_preferred_mode_says_so_and_what_it_replaces() -> None:
    patient = nociceptive().with_("exercise-preference", "EX-05")
    source = patient.facts[-1].source
    plan = patient.decide().plan

    assert row(plan, "EX-05").reasons == (f"as preferred ({source})",)
    assert row(plan, "EX-01").reasons == ("in place of EX-05",)
    assert row(plan, "EX-05").stage == "foundation"


def test_what_is_over_the_limit_waits_for_another_to_be_finished() -> None:
    patient = nociplastic()
    for name, value in (("isi-total", 25), ("phq9-total", 16), ("bmi", 35), ("fs-total", 20)):
        patient.with_(name, value)
    for name in ("tobacco-current", "social-isolation", "work-barrier"):
        patient.with_(name, True)
    plan = patient.decide().plan

    over = [a for a in plan.activities if "when another activity is finished" in a.reasons]
    assert over
    for activity in over:
        assert (activity.stage, activity.status) == ("next-step", "next-step")


def test_what_never_counts_does_not_use_up_the_limit() -> None:
    plan = nociplastic().with_("isi-total", 25).with_("phq9-total", 16).decide().plan
    items = knowledge().interventions

    free = [a for a in plan.activities if not items[a.id].counted]
    assert free
    for activity in free:
        assert "when another activity is finished" not in activity.reasons
    counted = [
        a
        for a in plan.activities
        if a.status == "proposed"
        and a.stage not in ("safety", "review")
        and items[a.id].counted
        and not set(a.rules) & set(items[a.id].uncounted_by)
    ]
    assert len(counted) == knowledge().cap


def test_an_unfinished_screen_keeps_hands_and_drugs_away() -> None:
    plan = checked(a_patient().with_("nociceptive-source-identified", True)).decide().plan

    assert reasons(plan, "MT-01") == ("the red-flag screen is not complete (B-unscreened)",)


def test_a_flag_to_refer_names_what_waits_for_it_and_by_which_rule() -> None:
    patient = nociceptive().with_("trauma-significant", True, days_ago=0.5)
    decision = patient.decide()
    (raised,) = decision.gate.raised

    assert decision.gate.level is GateLevel.REFER
    assert reasons(decision.plan, "MT-01") == (
        f"until the red flag fracture is cleared ({raised.rules[0]})",
    )


def test_pain_elsewhere_leaves_only_what_refers_and_says_why() -> None:
    patient = a_patient().with_("pain-location-low-back", False, days_ago=0)
    patient.with_("phq9-item-9", 1)
    plan = patient.decide().plan

    assert plan.scope == "scope.not-low-back"
    assert [(a.id, a.stage, a.status) for a in plan.activities] == [
        ("ESC-03", "safety", "proposed"),
        ("ASK-01", "safety", "proposed"),
    ]
    assert plan.activities[0].rules[0] == "P-11"
    assert {(p.status, p.reasons) for p in plan.catalogue} == {
        ("not-indicated", ("A2: the pain is not in the low back",))
    }


def test_an_emergency_says_which_flag_stopped_everything() -> None:
    patient = nociceptive().with_("saddle-sensory-change", True, days_ago=0)
    plan = patient.decide().plan

    assert plan.scope == "scope.red-flag"
    assert {(p.status, p.reasons) for p in plan.catalogue} == {
        ("withheld", ("red flag (emergency): cauda-equina",))
    }


@pytest.mark.parametrize(
    ("weeks", "scope"), [(52, ""), (5, "scope.limited")], ids=["chronic", "acute"]
)
def test_only_a_limited_plan_says_that_it_is_limited(weeks: int, scope: str) -> None:
    patient = screened(Patient().aged(46).with_("pain-location-low-back", True))
    patient.with_("pain-duration-weeks", weeks).with_("pain-most-days-six-months", False)

    assert patient.decide().plan.scope == scope


def test_an_item_that_is_never_proposed_keeps_its_own_reason() -> None:
    plan = checked(nociceptive()).decide().plan
    items = [i for i in knowledge().interventions.values() if i.catalogue and i.why_not]
    never = [i for i in items if i.id not in {p.activity for p in knowledge().placements}]

    assert never
    for item in never:
        point = next(p for p in plan.catalogue if p.id == item.id)
        by_hand = item.family in ("drug", "manual", "interventional", "surgical")
        assert (point.status, reasons(plan, item.id)) == (
            "withheld" if by_hand else "not-indicated",
            (item.why_not,),
        )


def test_what_nothing_asks_for_says_of_which_pain() -> None:
    plan = nociceptive().decide().plan

    assert reasons(plan, "DR-02") == ("no row of nociceptive pain and no driver asks for it",)


def test_a_severe_pain_stays_severe_at_the_later_steps_of_care() -> None:
    patient = nociplastic().with_("peg-score", 9)
    later = patient.decide(before=before(13, peg=9))

    assert later.course.step == 3
    assert "MR-01" in {a.id for a in later.plan.activities}


def test_a_row_cites_the_driver_that_asked_for_it_and_no_other() -> None:
    patient = nociceptive().with_("tobacco-current", True).with_("isi-total", 25)
    plan = patient.decide().plan

    smoking = [r for r in row(plan, "DR-02").rules if r.startswith("G-")]
    sleep = [r for r in row(plan, "SL-01").rules if r.startswith("G-")]

    assert smoking
    assert sleep
    assert not set(smoking) & set(sleep)


def test_a_world_in_which_the_last_question_was_answered_is_screened() -> None:
    content = knowledge()
    patient = screened(a_patient())
    patient.facts = [f for f in patient.facts if f.input != "saddle-sensory-change"]
    worlds = patient.decide().worlds
    here = judge(content, worlds, is_low_back=Truth.TRUE)

    assert (here.level, here.is_screened) == (GateLevel.NOT_SCREENED, False)
    (no,) = [
        w for w in worlds.others if w.input == "saddle-sensory-change" and w.answer.answer is False
    ]
    there = judge(content, alone(worlds, no.bit), is_low_back=Truth.TRUE)
    assert (there.level, there.is_screened) == (GateLevel.CLEAR, True)
    assert dict(here.flags)["cauda-equina"] is Truth.UNKNOWN
    assert dict(there.flags)["cauda-equina"] is Truth.FALSE


def test_every_part_of_a_decision_about_somebody_outside_is_settled() -> None:
    child = screened(Patient().aged(12).with_("pain-location-low-back", True)).decide()

    assert child.phenotype.mechanism == "not-applicable"
    assert child.phenotype.is_suspected is False
    assert child.phenotype.certainty is None
    assert child.disagreements == ()


def test_two_screens_that_agree_are_no_disagreement() -> None:
    assert nociplastic().decide().disagreements == ()
    assert nociceptive().decide().disagreements == ()


def test_a_mechanism_that_nothing_speaks_for_has_the_grade_none() -> None:
    gardener = nociceptive().with_("nerve-lesion-history", False).complete("Condition")
    gardener.with_("neuroanatomic-distribution", False).with_("neurogenic-claudication", False)
    for screen in ("paindetect-total", "dn4-total", "dn4-interview-total", "s-lanss-total"):
        gardener.with_(screen, 0)

    grades = {g.mechanism: g for g in gardener.decide().grades}

    assert grades["neuropathic"].grade == "none"
    assert grades["neuropathic"].rule is not None
    assert not grades["neuropathic"].is_established


def test_the_scores_of_the_record_stand_in_the_decision_up_to_its_instant() -> None:
    record = a_patient().record()
    now, later = (
        ComputedScore("peg", Decimal(5), (), AS_OF + timedelta(days=days), ("Observation/p",))
        for days in (-1, 1)
    )

    decision = derive(
        replace(record, scores=(now, later)),
        knowledge(),
        as_of=AS_OF,
        guideline_profile="who",
        crisis_text="",
    )

    assert decision.scores == (now,)


def test_what_is_decided_together_is_a_proposal_with_its_choices() -> None:
    plan = checked(nociceptive()).with_("declined-activity", "EX-04").decide(profile="us").plan
    together = row(plan, "ASK-03")
    medicines = [
        a.id
        for a in plan.activities
        if knowledge().interventions[a.id].family == "drug" and a.status == "proposed"
    ]

    assert (together.stage, together.status, together.rules) == ("safety", "proposed", ("P-13",))
    assert together.reasons == (
        f"{', '.join(medicines)} or no medicine",
        "EX-04 was declined",
    )
    assert medicines


def test_a_mixed_pain_that_is_established_is_not_only_suspected() -> None:
    patient = nociceptive().with_("nerve-lesion-history", True)
    phenotype = patient.with_("neuroanatomic-distribution", True).decide().phenotype

    assert phenotype.mechanism == "mixed"
    assert phenotype.is_suspected is False
