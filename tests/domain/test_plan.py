"""The plan: what stands in it, in which order, what must not, and why something is not there."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.decision import derive
from app.domain.gate import GateLevel
from app.domain.plan_types import Activity, Plan
from app.domain.standpoint import Standpoint
from tests.patients import AS_OF, Patient, a_patient, checked, knowledge, screened

PROHIBITIONS = [f"DN-{number:02}" for number in range(1, 13)]
MEDICINES = [i.id for i in knowledge().interventions.values() if i.family == "drug"]


def plan(patient: Patient) -> Plan:
    return patient.decide().plan


def ids(patient: Patient, stage: str = "") -> list[str]:
    return [a.id for a in plan(patient).activities if stage in ("", a.stage)]


def activity(patient: Patient, id_: str) -> Activity:
    return next(a for a in plan(patient).activities if a.id == id_)


def standpoint(patient: Patient, id_: str) -> Standpoint:
    return next(p for p in plan(patient).catalogue if p.id == id_)


def nociceptive() -> Patient:
    return screened(a_patient()).with_("nociceptive-source-identified", True)


def neuropathic() -> Patient:
    return (
        screened(a_patient())
        .with_("nerve-lesion-history", True)
        .with_("neuroanatomic-distribution", True)
    )


def nociplastic() -> Patient:
    return (
        screened(a_patient())
        .with_("pain-distribution", "widespread")
        .with_("not-entirely-explained", True)
        .with_("dynamic-mechanical-allodynia", True)
    )


def test_pain_from_a_cancer_is_told_nothing_that_holds_of_other_back_pain_only() -> None:
    """S-04: outside the rules; CDC 2022 leaves it out of what is said of opioids."""
    patient = screened(a_patient()).with_("has-cancer-pain", True)
    kept = set(ids(patient, "do-not"))

    assert kept == set(PROHIBITIONS) - {"DN-01", "DN-03", "DN-09", "DN-10", "DN-11"}


# A plan without red flags


def test_foundation_is_for_every_mechanism() -> None:
    for patient in (nociceptive(), neuropathic(), nociplastic(), screened(a_patient())):
        assert ids(patient, "foundation") == ["ED-01", "EX-01", "EX-04"]


def test_everyone_gets_a_flare_plan_and_a_safety_net() -> None:
    for patient in (nociceptive(), nociplastic(), screened(a_patient())):
        assert {"FL-01", "SN-01"} <= set(ids(patient, "safety"))


@pytest.mark.parametrize(
    ("patient", "mechanism"),
    [(nociceptive(), ["PT-01"]), (neuropathic(), ["PT-01"]), (nociplastic(), ["ED-02", "PT-02"])],
    ids=["nociceptive", "neuropathic", "nociplastic"],
)
def test_the_mechanism_has_a_row_of_its_own(patient: Patient, mechanism: list[str]) -> None:
    assert ids(patient, "mechanism") == mechanism


def test_a_row_names_the_rule_and_the_grade_it_rests_on() -> None:
    assert activity(neuropathic(), "PT-01").rules == ("P-03", "C2", "W-moderate")


def test_stages_come_in_their_order_and_ranks_count_from_one() -> None:
    activities = plan(nociplastic()).activities

    assert [a.rank for a in activities] == list(range(1, len(activities) + 1))
    assert list(dict.fromkeys(a.stage for a in activities)) == [
        "safety",
        "foundation",
        "mechanism",
        "next-step",
        "do-not",
        "review",
    ]


def test_a_suspicion_has_no_mechanism_row_but_asks_for_what_is_missing() -> None:
    patient = screened(a_patient()).with_("s-lanss-total", 15)

    assert ids(patient, "mechanism") == []
    assert "ASK-02" in ids(patient, "safety")


def test_the_dominant_mechanism_of_a_mixed_pain_leads_the_plan() -> None:
    patient = (
        neuropathic()
        .with_("sensory-signs-in-distribution", True)
        .with_("pain-distribution", "regional")
        .with_("not-entirely-explained", True)
        .with_("dynamic-mechanical-allodynia", True)
    )

    assert patient.decide().phenotype.components == ("neuropathic", "nociplastic")
    assert ids(patient, "mechanism") == ["PT-01"]


def test_while_no_mechanism_of_a_mixed_pain_leads_each_has_its_row() -> None:
    patient = (
        neuropathic()
        .with_("pain-distribution", "regional")
        .with_("not-entirely-explained", True)
        .with_("dynamic-mechanical-allodynia", True)
    )

    assert not patient.decide().phenotype.is_dominance_known
    assert set(ids(patient, "mechanism")) == {"PT-01", "ED-02", "PT-02"}


def test_at_most_so_many_activities_as_the_content_says_the_rest_waits() -> None:
    content = replace(knowledge(), cap=4)
    decision = derive(
        nociplastic().record(),
        content,
        as_of=AS_OF,
        guideline_profile="who",
        crisis_text="Call your local crisis line.",
    )
    stage_of = {a.id: (a.stage, a.status) for a in decision.plan.activities}

    assert stage_of["ED-02"] == ("mechanism", "proposed")
    assert stage_of["PT-02"] == ("next-step", "next-step")
    assert stage_of["FL-01"] == ("safety", "proposed")
    waiting = next(a for a in decision.plan.activities if a.id == "PT-02")
    assert waiting.reasons == ("when another activity is finished",)


def test_the_review_is_in_six_twelve_twenty_six_and_fifty_two_weeks() -> None:
    after = [(day - AS_OF.date()).days / 7 for day in plan(nociceptive()).reviews]

    assert after == [6, 12, 26, 52]
    assert ids(nociceptive())[-1] == "RV-01"


def test_every_proposal_has_words_for_the_patient() -> None:
    for patient in (nociceptive(), neuropathic(), nociplastic()):
        assert [a.id for a in plan(patient).activities if not a.text] == []


# What not to do


def test_prohibitions_are_said_as_prohibitions() -> None:
    said = [a for a in plan(nociceptive()).activities if a.stage == "do-not"]

    assert [a.id for a in said] == PROHIBITIONS
    assert {a.status for a in said} == {"do-not"}


def test_no_imaging_is_not_said_with_a_deficit() -> None:
    for sign in ("reflex-change", "sensory-signs-in-distribution"):
        assert "DN-01" not in ids(neuropathic().with_(sign, True))


def test_gabapentinoids_are_not_ruled_out_with_a_graded_nerve_pain() -> None:
    assert "DN-04" in ids(nociceptive())
    assert "DN-04" not in ids(neuropathic())


def test_no_medicine_is_proposed_and_each_says_why() -> None:
    for patient in (nociceptive(), neuropathic(), nociplastic()):
        assert set(ids(patient)).isdisjoint(MEDICINES)
        for medicine in MEDICINES:
            point = standpoint(patient, medicine)
            assert point.status in ("withheld", "not-indicated")
            assert point.reasons


# The catalogue


@pytest.mark.parametrize(
    "patient",
    [Patient(), nociceptive(), nociplastic(), a_patient().with_("fever-or-rigors", True)],
    ids=["nobody", "nociceptive", "nociplastic", "urgent"],
)
def test_every_item_of_the_catalogue_is_accounted_for_exactly_once(patient: Patient) -> None:
    catalogue = [i.id for i in knowledge().interventions.values() if i.catalogue]

    points = plan(patient).catalogue

    assert [p.id for p in points] == catalogue
    assert all(p.reasons for p in points)
    assert {p.status for p in points} <= {
        "proposed",
        "next-step",
        "do-not",
        "withheld",
        "not-indicated",
    }


def test_what_belongs_to_another_mechanism_says_so() -> None:
    assert standpoint(nociceptive(), "PT-02").reasons == (
        "no row of nociceptive pain and no driver asks for it",
    )


# Red flags


@pytest.mark.parametrize(
    ("finding", "value", "escalations"),
    [
        ("saddle-sensory-change", True, ["ESC-01"]),
        ("fever-or-rigors", True, ["ESC-02"]),
        ("phq9-item-9", 3, ["ESC-03"]),
    ],
)
def test_an_urgent_flag_replaces_the_plan(
    finding: str, value: bool | int, escalations: list[str]
) -> None:
    patient = nociceptive().with_(finding, value, days_ago=0.5)

    assert ids(patient) == escalations
    assert plan(patient).goals == ()
    assert plan(patient).reviews == ()
    assert plan(patient).scope == "scope.red-flag"
    assert {p.status for p in plan(patient).catalogue} == {"withheld"}


def test_every_escalation_that_applies_is_listed_highest_first() -> None:
    patient = (
        nociceptive()
        .with_("phq9-item-9", 2)
        .with_("fever-or-rigors", True, days_ago=0.5)
        .with_("sudden-tearing-pain", True)
    )

    assert ids(patient) == ["ESC-01", "ESC-02", "ESC-03"]
    assert activity(patient, "ESC-02").rules == ("P-12", "B-IN-2")


def test_a_lesser_flag_adds_no_referral_to_an_escalation() -> None:
    patient = (
        nociceptive()
        .with_("fever-or-rigors", True, days_ago=0.5)
        .with_("trauma-significant", True, days_ago=0.5)
    )

    assert [r.level for r in patient.decide().gate.raised] == [GateLevel.URGENT, GateLevel.REFER]
    assert ids(patient) == ["ESC-02"]


def test_thoughts_of_self_harm_below_urgent_come_with_an_escalation_all_the_same() -> None:
    patient = nociceptive().with_("sudden-tearing-pain", True).with_("phq9-item-9", 1)

    assert ids(patient) == ["ESC-01", "ESC-03"]


def test_the_crisis_text_stands_in_esc_03() -> None:
    text = activity(nociceptive().with_("phq9-item-9", 2), "ESC-03").text

    assert "Call your local crisis line." in text
    assert "{crisis}" not in text


def test_escalations_stand_under_an_emergency_or_urgent_flag_only() -> None:
    for patient in (nociceptive(), a_patient(), nociceptive().with_("night-sweats", True)):
        assert {"ESC-01", "ESC-02", "ESC-03"}.isdisjoint(ids(patient))


def refer() -> Patient:
    return nociceptive().with_("trauma-significant", True, days_ago=0.5)


def test_refer_begins_with_the_referral_and_the_plan_goes_on() -> None:
    assert ids(refer())[0] == "REF-01"
    assert activity(refer(), "REF-01").rules == ("P-11", "B-FR-5")
    assert {"ED-01", "EX-01", "EX-04", "PT-01"} <= set(ids(refer()))


def test_refer_takes_out_what_may_harm_until_the_flag_is_cleared() -> None:
    assert "EX-02" in ids(nociceptive())
    assert {"EX-02", "EX-03", "EX-05", "MT-01"}.isdisjoint(ids(refer()))

    point = standpoint(refer(), "EX-02")
    assert point.status == "withheld"
    assert point.reasons[0] == "until the red flag fracture is cleared (B-FR-5)"


def test_refer_says_nothing_against_imaging_and_changes_the_advice() -> None:
    assert "DN-01" not in ids(refer())
    assert activity(refer(), "ED-01").text == knowledge().texts["ED-01.refer"]
    assert activity(nociceptive(), "ED-01").text != knowledge().texts["ED-01.refer"]


def test_at_refer_every_text_says_gently() -> None:
    for id_ in ("EX-01", "EX-04"):
        assert activity(refer(), id_).text == knowledge().texts[f"{id_}.refer"]
        assert activity(nociceptive(), id_).text != knowledge().texts[f"{id_}.refer"]


def test_with_a_deficit_no_text_says_that_a_scan_is_not_needed() -> None:
    weak = nociceptive().with_("motor-power-grade", 4)

    assert "DN-01" not in ids(weak)
    assert activity(weak, "ED-01").text == knowledge().texts["ED-01.refer"]


def test_weak_bones_change_the_exercise() -> None:
    careful = knowledge().texts["EX-02.osteoporosis"]

    on_the_list = nociceptive().having("http://hl7.org/fhir/sid/icd-10-cm", "M81.0")

    assert activity(nociceptive(), "EX-02").text != careful
    for patient in (nociceptive().with_("osteoporosis-known", True), on_the_list):
        assert activity(patient, "EX-02").text == careful
        assert "adjust S-45" in activity(patient, "EX-02").reasons


def test_the_inflammatory_flag_takes_out_manual_therapy_only() -> None:
    patient = nociceptive().with_("onset-age-years", 25)
    for feature in ("onset-insidious", "improves-with-exercise", "no-improvement-with-rest"):
        patient.with_(feature, True)

    assert patient.decide().gate.level is GateLevel.REFER
    assert {"EX-02", "EX-03"} <= set(ids(patient))
    assert "MT-01" not in ids(patient)


def test_thoughts_of_self_harm_on_several_days_come_before_the_plan() -> None:
    patient = nociceptive().with_("phq9-item-9", 1)

    assert ids(patient)[0] == "ESC-03"
    assert "ED-01" in ids(patient)


def test_watch_changes_no_activity() -> None:
    patient = nociceptive().with_("night-sweats", True)

    assert patient.decide().gate.level is GateLevel.WATCH
    assert ids(patient) == ids(nociceptive())


# Questions first


def test_an_unfinished_screen_is_asked_for_first() -> None:
    patient = a_patient().with_("nociceptive-source-identified", True)

    assert ids(patient)[0] == "ASK-01"
    assert "DN-01" not in ids(patient)
    assert standpoint(patient, "MT-01").status == "withheld"


def test_a_finished_screen_is_not_asked_for() -> None:
    assert "ASK-01" not in ids(nociceptive())


def test_under_refer_an_unfinished_screen_comes_second() -> None:
    patient = a_patient().with_("trauma-significant", True)

    assert ids(patient)[:2] == ["REF-01", "ASK-01"]


def test_missing_data_are_asked_for_while_no_mechanism_is_established() -> None:
    assert "ASK-02" in ids(screened(a_patient()))
    assert "ASK-02" not in ids(nociceptive().with_("pain-nrs", 2))


def test_missing_data_are_asked_for_while_an_option_cannot_be_checked() -> None:
    assert "ASK-02" in ids(nociceptive().with_("pain-nrs", 5))


# Outside the rules


def test_pain_elsewhere_gets_no_plan_but_the_statement_of_scope() -> None:
    patient = screened(Patient().aged(46)).with_("pain-location-low-back", False)

    assert ids(patient) == []
    assert plan(patient).scope == "scope.not-low-back"
    assert {p.status for p in plan(patient).catalogue} == {"not-indicated"}


def test_pain_elsewhere_unscreened_asks_for_the_screen_first() -> None:
    patient = Patient().aged(46).with_("pain-location-low-back", False)

    assert ids(patient) == ["ASK-01"]


def test_pain_elsewhere_with_thoughts_of_self_harm_gets_help_with_those() -> None:
    patient = screened(Patient().aged(46)).with_("pain-location-low-back", False)

    assert ids(patient.with_("phq9-item-9", 1)) == ["ESC-03"]


@pytest.mark.parametrize(
    "patient",
    [
        screened(a_patient()).with_("pregnancy-status", "pregnant"),
        screened(Patient().aged(15)).with_("pain-location-low-back", True),
        screened(Patient().aged(46).with_("pain-duration-weeks", 3)).with_(
            "pain-location-low-back", True
        ),
        screened(a_patient()).having(
            "http://hl7.org/fhir/sid/icd-10-cm", "O90.89", onset_days_ago=30
        ),
        screened(a_patient()).having("http://hl7.org/fhir/sid/icd-10-cm", "G89.3"),
    ],
    ids=["pregnant", "a child", "acute", "after a birth", "cancer pain"],
)
def test_outside_the_rules_only_what_is_safe_for_all(patient: Patient) -> None:
    assert plan(patient).scope == "scope.limited"
    assert ids(patient, "foundation") == ["ED-01"]
    assert ids(patient, "mechanism") == []


def test_a_nerve_root_on_the_problem_list_changes_what_is_said_of_the_course() -> None:
    sciatica = screened(a_patient()).having("http://hl7.org/fhir/sid/icd-10-cm", "M54.16")

    assert activity(sciatica, "ED-01").text == knowledge().texts["ED-01.nerve"]
    assert "often eases" not in activity(neuropathic(), "ED-01").text  # of another nerve not known


@pytest.mark.parametrize(
    ("phq9", "key"), [(12, ""), (15, "PS-05.active"), (19, "PS-05.active"), (20, "PS-05.urgent")]
)
def test_care_for_the_mood_is_watched_active_or_urgent(phq9: int, key: str) -> None:
    patient = screened(a_patient()).with_("phq9-total", phq9).with_("phq9-item-9", 0)

    row = activity(patient, "PS-05")

    expected = knowledge().texts[key] if key else knowledge().interventions["PS-05"].text
    assert row.text == expected
    assert ("urgent referral to mental health care" in row.reasons) == (phq9 >= 20)


def test_each_reason_for_one_row_is_told() -> None:
    """Too much paracetamol, and migraine: one review, two things to look at."""
    patient = screened(a_patient()).taking(text="paracetamol", daily_dose=Decimal(4000))
    migraine = patient.having("http://hl7.org/fhir/sid/icd-10-cm", "G43.909")

    reasons = activity(migraine, "MED-01").reasons

    assert any("at most 3 g a day" in said for said in reasons)
    assert any("how many days a month" in said for said in reasons)


def test_what_waited_and_is_now_proposed_keeps_what_else_was_said_of_it() -> None:
    """CBT waits in the nociplastic row; worry brings it now, and it was ordered before."""
    patient = nociplastic().with_("pain-nrs", 5).with_("pcs-total", 35)

    row = activity(patient.with_("activity-under-way", "PS-01"), "PS-01")

    assert row.status == "proposed"
    assert [said.partition(" (")[0] for said in row.reasons] == ["already ordered"]


@pytest.mark.parametrize("tells_all", [True, False])
def test_an_older_content_tells_of_a_row_what_it_told(tells_all: bool) -> None:
    """Decisions of before 5.0.0 are derived again bit for bit."""
    patient = screened(a_patient()).taking(text="paracetamol", daily_dose=Decimal(4000))
    patient.having("http://hl7.org/fhir/sid/icd-10-cm", "G43.909").with_("falls-history", True)
    decision = derive(
        patient.record(),
        replace(knowledge(), tells_all=tells_all),
        as_of=AS_OF,
        guideline_profile="who",
        crisis_text="",
    )
    found = {a.id: a.reasons for a in decision.plan.activities}

    assert len(found["MED-01"]) == (2 if tells_all else 1)
    assert ("adjust S-45" in found["EX-01"]) == tells_all


def test_a_diagnosis_of_muscle_pain_lets_a_gel_be_tried_and_massage_wait() -> None:
    patient = checked(screened(a_patient()).with_("pain-nrs", 5))
    muscles = patient.having("http://hl7.org/fhir/sid/icd-10-cm", "M79.18")

    assert activity(muscles, "RX-02").rules == ("P-myofascial", "W-moderate")
    assert activity(muscles, "MT-02").status == "next-step"


@pytest.mark.parametrize(
    ("activity", "medicine"),
    [("RX-02", "diclofenac gel"), ("RX-04", "amitriptyline 10 mg"), ("RX-05", "gabapentin 300 mg")],
)
def test_an_option_that_is_taken_already_is_gone_on_with(activity: str, medicine: str) -> None:
    patient = checked(screened(a_patient())).with_("nociceptive-source-identified", True)
    patient.with_("separate-back-and-leg-pain", True).with_("nerve-lesion-history", True)
    patient.with_("neuroanatomic-distribution", True).with_("pain-nrs", 8).taking(text=medicine)

    (row,) = [p for p in patient.decide(profile="us").plan.catalogue if p.id == activity]

    assert row.status in ("proposed", "next-step")
    assert (
        "already taken (MedicationRequest/m0): continue or change it, no second one" in row.reasons
    )


@pytest.mark.parametrize(
    ("profile", "expected"), [("who", "do-not"), ("us", "do-not"), ("uk", "not-indicated")]
)
def test_no_denervation_is_said_unless_the_profile_allows_it(profile: str, expected: str) -> None:
    patient = checked(nociceptive()).with_("diagnostic-block-positive", True)
    patient.with_("structured-care-weeks-completed", 12).with_("pain-nrs", 6)
    plan = patient.decide(profile=profile).plan

    said = "do-not" if any(a.id == "DN-10" for a in plan.activities) else "not-indicated"

    assert said == expected
