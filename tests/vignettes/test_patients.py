"""Whole patients, as a clinician would tell them, with what the decision has to contain."""

from decimal import Decimal

from app.domain.decision import Decision
from app.domain.gate import GateLevel
from app.domain.phenotype import Certainty
from tests.patients import Patient, a_patient, knowledge, screened

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def ids(decision: Decision) -> list[str]:
    return [a.id for a in decision.plan.activities]


def grades(decision: Decision) -> dict[str, str | None]:
    return {g.mechanism: g.grade for g in decision.grades}


def test_a_gardener_whose_back_hurts_when_he_digs_is_nociceptive_and_stays_active() -> None:
    gardener = (
        screened(a_patient())
        .with_("pain-localised", True)
        .with_("mechanical-pattern-proportionate", True)
        .with_("pain-disproportionate", False)
        .with_("aggravation-unpredictable", False)
        .with_("provocation-inconsistent", False)
        .with_("nerve-lesion-history", False)
        .with_("neuroanatomic-distribution", False)
        .with_("pain-distribution", "discrete")
        .with_("rmdq-total", 11)
        .with_("goal-in-own-words", "Dig my own beds again.")
    )

    decision = gardener.decide()

    assert decision.gate.level is GateLevel.CLEAR
    assert decision.phenotype.mechanism == "nociceptive"
    assert decision.phenotype.certainty is Certainty.LOW_MODERATE
    assert grades(decision) == {
        "neuropathic": "none",
        "nociplastic": "excluded",
        "nociceptive": "supported",
    }
    assert {"ED-01", "EX-01", "EX-04", "PT-01"} <= set(ids(decision))
    assert {"DN-01", "DN-03", "DN-04"} <= set(ids(decision))
    function, participation = decision.plan.goals
    assert (function.baseline, function.target) == (Decimal(11), Decimal(6))
    assert participation.own_words == "Dig my own beds again."
    assert not decision.is_preliminary


def test_sciatica_with_a_numb_foot_and_a_disc_on_mri_is_definitely_neuropathic() -> None:
    patient = (
        screened(a_patient())
        .having(ICD, "M54.16")
        .with_("neuroanatomic-distribution", True)
        .with_("sensory-signs-in-distribution", True)
        .with_("lesion-confirmed-by-test", True)
        .with_("leg-pain-worse-than-back", True)
        .with_("paindetect-total", 22)
    )

    decision = patient.decide()

    assert decision.phenotype.mechanism == "neuropathic"
    assert decision.phenotype.certainty is Certainty.HIGH
    assert grades(decision)["neuropathic"] == "definite"
    assert "PT-01" in ids(decision)
    assert "DN-01" not in ids(decision)  # a deficit may need an image
    assert "DN-04" not in ids(decision)  # a gabapentinoid is not ruled out with a nerve pain


def test_a_woman_who_hurts_all_over_and_cannot_bear_touch_is_probably_nociplastic() -> None:
    patient = (
        screened(a_patient())
        .with_("pain-distribution", "widespread")
        .with_("pain-region-count-non-lumbar", 6)
        .with_("copc-count", 2)
        .with_("paindetect-total", 14)
        .with_("pain-disproportionate", True)
        .with_("dynamic-mechanical-allodynia", True)
        .with_("hypersensitivity-history", True)
        .with_("sleep-disturbance-frequent-awakenings", True)
        .with_("nerve-lesion-history", False)
    )

    decision = patient.decide()

    assert decision.phenotype.mechanism == "nociplastic"
    assert decision.phenotype.certainty is Certainty.MODERATE
    assert grades(decision)["nociplastic"] == "probable"
    assert decision.second_opinion == "nociplastic"
    assert decision.disagreements == ()
    assert {"ED-02", "PT-02"} <= set(ids(decision))
    assert {"DN-01", "DN-03", "DN-04"} <= set(ids(decision))


def test_numbness_between_the_legs_since_yesterday_is_an_emergency_whatever_else_is_known() -> None:
    patient = (
        a_patient()
        .with_("saddle-sensory-change", True)
        .with_("pain-localised", True)
        .with_("nociceptive-source-identified", True)
        .with_("rmdq-total", 20)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.EMERGENCY
    assert decision.phenotype.mechanism == "withheld"
    assert ids(decision) == ["ESC-01"]
    assert decision.plan.goals == ()
    assert {p.status for p in decision.plan.catalogue} == {"withheld"}


def test_new_pain_five_years_after_breast_cancer_is_seen_urgently_before_any_plan() -> None:
    patient = (
        screened(Patient().aged(58))
        .with_("pain-location-low-back", True)
        .with_("pain-duration-weeks", 6)
        .having(ICD, "Z85.3", onset_days_ago=365 * 5 - 30)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.URGENT
    (malignancy,) = [r for r in decision.gate.raised if r.flag == "malignancy"]
    assert "B-MA-2" in malignancy.rules
    assert ids(decision) == ["ESC-02"]
    assert decision.phenotype.mechanism == "withheld"


def test_an_old_fall_never_looked_at_is_referred_and_the_plan_goes_on_gently() -> None:
    patient = (
        screened(a_patient())
        .with_("trauma-significant", True, days_ago=0.5)
        .with_("nociceptive-source-identified", True)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.REFER
    assert ids(decision)[0] == "REF-01"
    assert {"ED-01", "EX-01", "EX-04", "PT-01"} <= set(ids(decision))
    assert {"EX-02", "EX-03", "MT-01", "DN-01"}.isdisjoint(ids(decision))
    assert decision.phenotype.mechanism == "nociceptive"


def test_a_stiff_young_man_who_is_better_for_exercise_goes_to_rheumatology_and_exercises() -> None:
    patient = (
        screened(Patient().aged(29))
        .with_("pain-location-low-back", True)
        .with_("pain-duration-weeks", 60)
        .with_("onset-insidious", True)
        .with_("improves-with-exercise", True)
        .with_("no-improvement-with-rest", True)
        .with_("night-pain-improves-on-rising", True)
        .with_("nociceptive-source-identified", True)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.REFER
    assert decision.gate.raised[0].flag == "inflammatory"
    assert ids(decision)[0] == "REF-01"
    assert {"EX-01", "EX-02", "EX-03"} <= set(ids(decision))
    assert "MT-01" not in ids(decision)


def test_thoughts_of_being_better_off_dead_are_talked_about_today_and_care_goes_on() -> None:
    patient = (
        screened(a_patient())
        .with_("phq9-item-9", 1)
        .with_("phq9-total", 16)
        .with_("nociceptive-source-identified", True)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.REFER
    first = decision.plan.activities[0]
    assert first.id == "ESC-03"
    assert "Call your local crisis line." in first.text
    assert {"ED-01", "EX-01", "PT-01"} <= set(ids(decision))
    assert not [i for i in ids(decision) if knowledge().interventions[i].family == "drug"]


def test_a_first_form_half_filled_in_asks_for_the_screen_and_promises_nothing() -> None:
    patient = (
        a_patient()
        .with_("bladder-bowel-disturbance-new", False)
        .with_("fever-or-rigors", False)
        .with_("dn4-interview-total", 5)
        .with_("pain-region-count-non-lumbar", 1)
    )

    decision = patient.decide()

    assert decision.gate.level is GateLevel.NOT_SCREENED
    assert decision.is_preliminary
    assert decision.phenotype.mechanism == "neuropathic"
    assert decision.phenotype.is_suspected
    assert decision.phenotype.certainty is Certainty.LOW
    assert ids(decision)[:2] == ["ASK-01", "ASK-02"]
    assert "DN-01" not in ids(decision)
    assert decision.open_questions[0] == "saddle-sensory-change"
    assert {"nerve-lesion-history", "neuroanatomic-distribution"} <= set(decision.open_questions)


def test_a_back_that_hurts_beside_a_leg_that_burns_is_mixed_and_each_is_named() -> None:
    patient = (
        screened(a_patient())
        .with_("nerve-lesion-history", True)
        .with_("neuroanatomic-distribution", True)
        .with_("sensory-signs-in-distribution", True)
        .with_("pain-localised", True)
        .with_("mechanical-pattern-proportionate", True)
        .with_("pain-disproportionate", False)
        .with_("aggravation-unpredictable", False)
        .with_("provocation-inconsistent", False)
        .with_("separate-back-and-leg-pain", True)
    )

    decision = patient.decide()

    assert decision.phenotype.mechanism == "mixed"
    assert decision.phenotype.components == ("neuropathic", "nociceptive")
    assert decision.phenotype.is_dominance_known
    assert decision.phenotype.certainty is Certainty.LOW_MODERATE
    assert "PT-01" in ids(decision)


def test_sacroiliac_pain_in_pregnancy_gets_advice_and_nothing_that_was_not_tried_there() -> None:
    patient = (
        screened(Patient().aged(31))
        .with_("pain-location-low-back", True)
        .with_("pain-duration-weeks", 14)
        .with_("pregnancy-status", "pregnant")
        .with_("nociceptive-source-identified", True)
        .with_("sij-provocation-positive-count", 4)
    )

    decision = patient.decide()

    assert decision.phenotype.mechanism == "nociceptive"
    assert decision.plan.scope == "scope.limited"
    assert {"ED-01", "FL-01", "SN-01", "RV-01"} <= set(ids(decision))
    assert {"EX-01", "EX-04", "PT-01", "MT-01"}.isdisjoint(ids(decision))


def test_at_the_follow_up_an_assessed_fever_no_longer_stands_in_the_way() -> None:
    first_visit = (
        a_patient()
        .with_("fever-or-rigors", True, days_ago=60)
        .with_("nociceptive-source-identified", True, days_ago=60)
    )
    assert first_visit.decide().gate.level is GateLevel.URGENT

    follow_up = screened(first_visit.with_("red-flag-assessed", "infection", days_ago=50))
    decision = follow_up.decide()

    assert decision.gate.level is GateLevel.CLEAR
    assert decision.phenotype.mechanism == "nociceptive"
    assert not decision.is_preliminary
