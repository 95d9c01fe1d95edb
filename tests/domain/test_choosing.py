"""What competes, what is preferred or refused, what a guideline says, and how much at once."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.decision import derive
from app.domain.facts import Fact, SaidBy
from app.domain.plan_types import Plan
from app.domain.standpoint import Standpoint
from app.domain.tables import laid_out
from tests.patients import AS_OF, Patient, a_patient, checked, knowledge, screened

MODES = ("EX-02", "EX-03", "EX-05", "EX-06")
STANCE = {"RX-01", "RX-03", "RX-04", "RX-05", "AC-01", "IN-01"}


def nociceptive() -> Patient:
    return screened(a_patient()).with_("nociceptive-source-identified", True).with_("pain-nrs", 5)


def nociplastic() -> Patient:
    patient = screened(a_patient()).with_("pain-distribution", "widespread").with_("pain-nrs", 8)
    return patient.with_("not-entirely-explained", True).with_("dynamic-mechanical-allodynia", True)


def neuropathic() -> Patient:
    patient = screened(a_patient()).with_("nerve-lesion-history", True).with_("pain-nrs", 8)
    return patient.with_("neuroanatomic-distribution", True)


def status(patient: Patient, id_: str, profile: str = "who") -> str:
    plan = patient.decide(profile=profile).plan
    return next(p.status for p in plan.catalogue if p.id == id_)


def standpoints(patient: Patient, profile: str) -> dict[str, Standpoint]:
    return {p.id: p for p in patient.decide(profile=profile).plan.catalogue}


def everything_bad() -> Patient:
    patient = nociplastic()
    for name, value in {
        "phq9-total": 16,
        "gad7-total": 16,
        "pcs-total": 45,
        "fabq-pa": 20,
        "fabq-work": 40,
        "pseq-total": 10,
        "isi-total": 25,
        "physical-activity-minutes-week": 0,
        "bmi": 35,
        "tobacco-current": True,
        "work-absence-weeks": 8,
        "social-isolation": True,
        "passive-treatments-failed-count": 4,
        "opioid-weeks": 30,
        "fs-total": 20,
        "start-back-total": 8,
        "start-back-distress": 5,
    }.items():
        patient.with_(name, value)
    return patient


def test_at_most_six_at_once_and_the_rest_waits() -> None:
    plan = everything_bad().decide().plan
    items = knowledge().interventions
    active = [
        a
        for a in plan.activities
        if a.status == "proposed" and items[a.id].counted and a.stage not in ("safety", "review")
    ]
    waiting = {a.id for a in plan.activities if a.status == "next-step"}

    assert len(active) <= 6
    assert {"SL-01", "DR-02", "DR-06"} & waiting


def test_a_mild_pain_is_asked_for_less() -> None:
    plan = nociceptive().with_("peg-score", 2).decide().plan

    counted = [a for a in plan.activities if a.status == "proposed" and a.stage == "mechanism"]
    assert counted == []
    assert len(plan.reviews) == 1


def test_drivers_come_by_severity_then_by_what_can_be_changed() -> None:
    patient = nociceptive().with_("isi-total", 25).with_("tobacco-current", True)
    ids = [a.id for a in patient.decide().plan.activities if a.stage == "driver"]

    assert ids.index("SL-01") < ids.index("DR-02")


def test_of_drivers_as_severe_the_one_that_can_be_changed_comes_first() -> None:
    # Help to stop smoking costs less than care for the mood: only what can be changed decides.
    patient = nociceptive().with_("phq9-total", 12).with_("tobacco-current", True)
    decision = patient.decide()
    levels = {g.driver: g.at_least for g in decision.drivers}
    ids = [a.id for a in decision.plan.activities if a.stage == "driver"]

    assert levels["depression"] == levels["tobacco"] == 2
    assert ids.index("PS-05") < ids.index("DR-02")


@pytest.mark.parametrize(
    ("fact", "value", "activity"),
    [
        ("isi-total", 16, "SL-01"),
        ("phq9-total", 12, "PS-05"),
        ("gad7-total", 12, "PS-05"),
        ("pcs-total", 35, "PT-02"),
        ("pseq-total", 25, "PT-02"),
        ("tobacco-current", True, "DR-02"),
        ("work-barrier", True, "DR-05"),
        ("social-isolation", True, "DR-06"),
        ("bmi", 32, "DR-01"),
        ("opioid-weeks", 14, "DR-07"),
        ("start-back-total", 5, "PT-01"),
    ],
)
def test_a_driver_brings_its_own_care(fact: str, value: object, activity: str) -> None:
    patient = screened(a_patient()).with_("pain-nrs", 2)
    assert status(patient, activity) == "not-indicated"

    plan = patient.with_(fact, value).decide().plan

    row = next(a for a in plan.activities if a.id == activity)
    assert any(rule.startswith("G-") for rule in row.rules)


def test_the_preferred_mode_takes_the_place_of_the_general_programme() -> None:
    plan = nociceptive().with_("exercise-preference", "EX-05").decide().plan
    row = {a.id: a for a in plan.activities}

    assert row["EX-05"].status == "proposed"
    assert row["EX-01"].status == "next-step"


def waiting_modes(patient: Patient) -> list[str]:
    plan = patient.decide().plan
    return [a.id for a in plan.activities if a.status == "next-step" and a.id in MODES]


def test_without_a_preference_the_mode_that_is_kept_up_takes_the_place() -> None:
    plan = nociceptive().with_("activity-under-way", "EX-05").decide().plan
    found = {a.id: a for a in plan.activities}

    assert found["EX-05"].status == "proposed"
    assert found["EX-05"].reasons[0].startswith("kept up already (")
    assert found["EX-01"].status == "next-step"


def test_what_the_person_prefers_beats_what_is_kept_up() -> None:
    patient = nociceptive().with_("activity-under-way", "EX-05")
    found = {
        a.id: a for a in patient.with_("exercise-preference", "EX-03").decide().plan.activities
    }

    assert found["EX-03"].status == "proposed"
    assert found["EX-05"].status == "next-step"


def test_the_mode_that_was_accepted_by_name_takes_the_place() -> None:
    plan = nociceptive().with_("activity-accepted", "EX-05").decide().plan
    found = {a.id: a for a in plan.activities}

    assert found["EX-05"].status == "proposed"
    assert found["EX-05"].reasons[0].startswith("as agreed (")
    assert found["EX-01"].status == "next-step"


@pytest.mark.parametrize("stronger", ["exercise-preference", "activity-under-way"])
def test_what_is_preferred_or_kept_up_beats_what_was_agreed(stronger: str) -> None:
    patient = nociceptive().with_("activity-accepted", "EX-05").with_(stronger, "EX-03")
    found = {a.id: a.status for a in patient.decide().plan.activities}

    assert (found["EX-03"], found["EX-05"]) == ("proposed", "next-step")


def test_what_was_accepted_before_is_gone_on_with() -> None:
    patient = nociceptive().with_("activity-accepted", "PT-01")
    row = next(a for a in patient.decide().plan.activities if a.id == "PT-01")

    assert [said for said in row.reasons if said.startswith("accepted before (")]


def test_an_accepted_mode_never_gets_past_what_rules_it_out() -> None:
    """Accepted in spring, and a red flag in autumn takes it out."""
    patient = nociceptive().with_("activity-accepted", "EX-02").with_("trauma-significant", True)
    plan = patient.decide().plan

    assert "EX-02" not in {a.id for a in plan.activities}
    assert {a.id: a.status for a in plan.activities}["EX-01"] == "proposed"


def test_a_content_that_does_not_ask_for_acceptances_decides_as_before() -> None:
    content = knowledge()
    inputs = {n: i for n, i in content.inputs.items() if n != "activity-accepted"}

    def decided(patient: Patient) -> Plan:
        return derive(
            patient.record(),
            replace(content, inputs=inputs),
            as_of=AS_OF,
            guideline_profile="who",
            crisis_text="",
        ).plan

    accepted = nociceptive().with_("activity-accepted", "EX-05")
    assert decided(accepted) == decided(nociceptive())


def test_a_preference_that_no_row_offers_leaves_the_mode_that_is_kept_up() -> None:
    patient = nociceptive().with_("activity-under-way", "EX-05")
    plan = patient.with_("exercise-preference", "DR-01").decide().plan

    assert {a.id: a.status for a in plan.activities}["EX-05"] == "proposed"


@pytest.mark.parametrize(
    ("facts", "order", "because"),
    [
        ({"odi-score": 50}, ["EX-03", "EX-02", "EX-05"], "G-disability-2"),
        ({"phq9-total": 12}, ["EX-05", "EX-03", "EX-02"], "G-depression-2"),
        ({"isi-total": 20}, ["EX-05", "EX-03", "EX-02"], "G-sleep-2"),
        ({"odi-score": 50, "isi-total": 20, "gad7-total": 12}, ["EX-05", "EX-03", "EX-02"], ""),
    ],
)
def test_the_evidence_orders_the_modes_that_nobody_chose(
    facts: dict[str, int], order: list[str], because: str
) -> None:
    patient = nociceptive()
    for name, value in facts.items():
        patient.with_(name, value)

    assert waiting_modes(patient) == order
    first = next(a for a in patient.decide().plan.activities if a.id == order[0])
    assert not because or because in first.rules


def test_a_tie_goes_by_the_fewest_harms_and_then_by_the_lowest_cost() -> None:
    """Two mechanisms, neither leads: a gel on the skin before a tablet, whatever comes first."""
    content = knowledge()
    items = content.interventions
    tablet, gel = (
        next(p for p in content.placements if p.activity == i) for i in ("RX-01", "RX-02")
    )
    assert items["RX-02"].harm < items["RX-01"].harm
    assert waiting_modes(nociceptive()) == ["EX-03", "EX-02", "EX-05"]  # equal in harm: by cost
    assert (items["EX-03"].cost, items["EX-02"].cost) == (1, 2)

    turned = tuple(p for p in content.placements if p not in (tablet, gel))
    decision = derive(
        checked(nociceptive()).record(),
        laid_out(replace(content, placements=(tablet, gel, *turned))),
        as_of=AS_OF,
        guideline_profile="uk",
        crisis_text="",
    )
    found = {a.id: a.status for a in decision.plan.activities}
    assert (found["RX-02"], found["RX-01"]) == ("proposed", "next-step")


@pytest.mark.parametrize(
    ("text", "id_", "waiting"),
    [
        ("amitriptyline 10 mg", "RX-04", "RX-03"),
        ("pregabalin 75 mg", "RX-05", "RX-03"),
    ],
)
def test_a_medicine_that_is_taken_already_is_gone_on_with_and_no_second_one_begun(
    text: str, id_: str, waiting: str
) -> None:
    """interventions.md 6.5, 11: what is under way is updated or continued, not duplicated."""
    plan = checked(neuropathic()).taking(text=text).decide(profile="us").plan
    found = {a.id: a for a in plan.activities}

    assert found[id_].status == "proposed"
    assert "already taken (MedicationRequest/m0): continue or change it" in found[id_].reasons[0]
    assert found[waiting].status == "next-step"
    assert (min(plan.reviews) - AS_OF.date()).days == 42  # nothing new is looked at after 2 weeks


def test_a_gel_that_is_used_already_is_no_new_option() -> None:
    plan = checked(nociceptive()).taking(text="diclofenac gel").decide().plan
    gel = next(a for a in plan.activities if a.id == "RX-02")

    assert any("already taken (MedicationRequest/m0)" in said for said in gel.reasons)


def test_a_medicine_that_is_not_taken_is_a_new_option() -> None:
    plan = checked(neuropathic()).taking(text="metformin").decide(profile="us").plan
    (option,) = (a for a in plan.activities if a.stage == "symptom-option")

    assert option.id == "RX-03"
    assert not any("already taken" in said for a in plan.activities for said in a.reasons)
    assert (min(plan.reviews) - AS_OF.date()).days == 14


@pytest.mark.parametrize(
    ("total", "distress", "referrals"),
    [(3, 3, set()), (4, 3, {"PT-01"}), (5, 4, {"PT-02"}), (8, 5, {"PT-02"})],
)
def test_the_risk_of_start_back_chooses_one_physiotherapy(
    total: int, distress: int, referrals: set[str]
) -> None:
    """interventions.md 1.4: medium risk PT-01, high risk PT-02."""
    patient = screened(a_patient()).with_("start-back-total", total)
    plan = patient.with_("start-back-distress", distress).decide().plan
    proposed = {a.id for a in plan.activities if a.status == "proposed"}

    assert proposed & {"PT-01", "PT-02"} == referrals


@pytest.mark.parametrize("root", ["radicular-on-problem-list", "neurogenic-claudication"])
def test_that_pain_is_safe_is_not_taught_where_a_nerve_root_is_named(root: str) -> None:
    """interventions.md 6.5, 6; also where the pain follows no nerve, so that none is graded."""
    patient = nociplastic().with_("neuroanatomic-distribution", False)

    assert status(patient, "PS-04") == "next-step"
    assert status(patient.with_(root, True), "PS-04") == "not-indicated"


def test_one_psychological_programme_at_a_time() -> None:
    plan = everything_bad().decide().plan
    items = knowledge().interventions

    programmes = [
        a.id
        for a in plan.activities
        if a.status == "proposed" and items[a.id].family == "psychological"
    ]
    assert len(programmes) <= 1


def test_what_is_done_to_a_person_never_stands_without_what_the_person_does() -> None:
    patient = checked(nociceptive())
    for refused in ("EX-01", "EX-04"):
        patient.with_("declined-activity", refused)
    plan = patient.decide().plan

    assert "MT-01" not in {a.id for a in plan.activities}
    assert "ASK-03" in {a.id for a in plan.activities}


def test_a_refusal_of_everything_leaves_what_is_safe() -> None:
    patient = checked(everything_bad())
    for item in knowledge().interventions:
        patient.with_("declined-activity", item)
    plan = patient.decide().plan
    ids = {a.id for a in plan.activities}

    assert {"FL-01", "SN-01", "RV-01", "ASK-03", "DN-02"} <= ids
    assert not ids & {i.id for i in knowledge().interventions.values() if i.catalogue}


def accepted(patient: Patient, activity: str, *, days_ago: float) -> Patient:
    """The same patient after a clinician accepted an activity by name in an answer to a plan."""
    at = AS_OF - timedelta(days=days_ago)
    said = Fact("activity-accepted", activity, at, SaidBy.CLINICIAN, "CarePlan/c1")
    patient.facts.append(said)
    return patient


@pytest.mark.parametrize(("days_ago", "is_wanted"), [(2, True), (40, False)])
def test_of_a_refusal_and_an_acceptance_the_later_counts(days_ago: float, is_wanted: bool) -> None:
    patient = nociceptive().with_("declined-activity", "EX-01", days_ago=30)
    plan = accepted(patient, "EX-01", days_ago=days_ago).decide().plan
    found = {a.id for a in plan.activities}

    assert ("EX-01" in found) is is_wanted
    assert ("ASK-03" in found) is not is_wanted


def test_only_a_refusal_of_the_foundation_is_talked_about() -> None:
    """interventions.md 6.5, 12; a programme of the third step of care is no foundation."""
    refused = nociceptive().with_("declined-activity", "MR-01").with_("declined-activity", "PT-02")

    assert "ASK-03" not in {a.id for a in refused.decide().plan.activities}

    plan = refused.with_("declined-activity", "EX-04").decide().plan
    (talk,) = (a for a in plan.activities if a.id == "ASK-03")
    assert talk.reasons == ("EX-04 was declined",)


def test_a_medicine_is_always_one_choice_beside_none() -> None:
    plan = checked(nociceptive()).decide().plan

    row = next(a for a in plan.activities if a.id == "ASK-03")
    assert row.reasons == ("RX-02 or no medicine",)


def test_at_most_one_medicine_is_proposed() -> None:
    plan = checked(nociceptive()).decide(profile="us").plan
    items = knowledge().interventions

    proposed = [
        a.id for a in plan.activities if a.status == "proposed" and items[a.id].family == "drug"
    ]
    assert proposed == ["RX-02"]


# Guideline stance


@pytest.mark.parametrize(
    ("make", "activity", "allowed"),
    [
        (neuropathic, "RX-03", {"uk", "us"}),
        (neuropathic, "RX-04", {"uk", "us"}),
        (neuropathic, "RX-05", {"us"}),
        (nociplastic, "RX-03", {"uk", "us"}),
        (nociplastic, "AC-01", {"who", "uk", "us"}),
        (nociceptive, "RX-01", {"who", "uk", "us"}),
    ],
)
def test_the_profile_decides_where_guidelines_disagree(
    make: object, activity: str, allowed: set[str]
) -> None:
    assert callable(make)
    found = {
        profile
        for profile in ("who", "uk", "us")
        if status(checked(make()), activity, profile) in ("proposed", "next-step")
    }

    assert found == allowed


def test_switching_the_profile_changes_only_the_rows_that_depend_on_it() -> None:
    for make in (nociceptive, nociplastic, neuropathic):
        who, uk, us = (standpoints(checked(make()), p) for p in ("who", "uk", "us"))
        changed = {i for i in who if who[i].status != uk[i].status or who[i].status != us[i].status}
        assert changed <= STANCE


def test_what_the_profile_keeps_out_says_which_guideline() -> None:
    reasons = standpoints(checked(neuropathic()), "who")["RX-03"].reasons

    assert any("guideline profile who" in reason and "[R]" in reason for reason in reasons)


# Laws over many people


def test_laws_of_ten_thousand_plans() -> None:
    """At most six at once, no prohibition beside its act, no routine beside an emergency."""
    rng = random.Random(20261126)
    content = knowledge()
    items = content.interventions
    for _ in range(10_000):
        patient = _somebody(rng)
        decision = patient.decide(profile=rng.choice(("who", "uk", "us")))
        plan = decision.plan
        rows = {a.id: a for a in plan.activities}
        active = [
            a
            for a in plan.activities
            if a.status == "proposed"
            and a.stage not in ("safety", "review")
            and items[a.id].counted
            and not set(a.rules) & set(items[a.id].uncounted_by)
        ]
        assert len(active) <= content.cap
        for row in plan.activities:
            for banned in items[row.id].prohibits:
                assert banned not in rows
        if decision.gate.level.value in ("emergency", "urgent"):
            assert all(id_.startswith("ESC-") for id_ in rows)
        for row in active:
            if items[row.id].family == "drug":
                assert not [
                    f
                    for f in plan.safety
                    if f.activity == row.id and f.result.value in ("block", "unknown")
                ]


def _somebody(rng: random.Random) -> Patient:
    from tests.domain.strategies import telling_numbers  # noqa: PLC0415

    patient = a_patient()
    if rng.random() < 0.8:
        screened(patient)
    if rng.random() < 0.5:
        checked(patient)
    names = sorted(knowledge().inputs)
    for name in rng.sample(names, 25):
        known = knowledge().inputs[name]
        match known.value_type.value:
            case "boolean":
                patient.with_(name, rng.random() < 0.4)
            case "integer" | "decimal":
                patient.with_(name, rng.choice(telling_numbers(known)))
            case "code" if known.choices:
                patient.with_(name, rng.choice(known.choices)[0])
            case _:
                pass
    return patient
