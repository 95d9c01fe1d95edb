"""The red-flag gate: one flag at a time, several together, and what was never asked."""

import pytest

from app.domain.gate import GateLevel
from app.domain.truth import Truth
from tests.patients import Patient, a_patient, knowledge, screened

GATE_QUESTIONS = [n for n, known in knowledge().inputs.items() if known.gate_question]


ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


def level(patient: Patient) -> GateLevel:
    return patient.decide().gate.level


def test_there_are_thirteen_gate_questions() -> None:
    assert len(GATE_QUESTIONS) == 13


def test_all_answered_no_is_clear() -> None:
    assert level(screened(a_patient())) is GateLevel.CLEAR


@pytest.mark.parametrize("open_", GATE_QUESTIONS)
def test_one_question_open_is_not_screened(open_: str) -> None:
    patient = screened(a_patient())
    patient.facts = [f for f in patient.facts if f.input != open_]

    assert level(patient) is GateLevel.NOT_SCREENED
    assert patient.decide().is_preliminary


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ("saddle-sensory-change", GateLevel.EMERGENCY),
        ("gait-unsteady-new", GateLevel.EMERGENCY),
        ("sudden-tearing-pain", GateLevel.EMERGENCY),
        ("fever-or-rigors", GateLevel.URGENT),
        ("trauma-contusion", GateLevel.URGENT),
        ("pulsatile-abdominal-mass", GateLevel.URGENT),
        ("trauma-significant", GateLevel.REFER),
        ("osteoporosis-known", GateLevel.WATCH),
        ("immunosuppression", GateLevel.WATCH),
        ("night-sweats", GateLevel.WATCH),
    ],
)
def test_one_flag_alone(finding: str, expected: GateLevel) -> None:
    assert level(screened(a_patient()).with_(finding, True, days_ago=0.5)) is expected


def test_the_highest_level_is_the_level() -> None:
    patient = screened(a_patient()).with_("night-sweats", True).with_("fever-or-rigors", True)

    gate = patient.decide().gate

    assert gate.level is GateLevel.URGENT
    assert [r.level for r in gate.raised] == [GateLevel.URGENT, GateLevel.WATCH]


def test_a_flag_is_raised_once_at_its_highest_level_with_every_rule_that_reached_it() -> None:
    patient = screened(a_patient()).with_("fever-or-rigors", True).with_("immunosuppression", True)
    patient.with_("night-sweats", True)

    (infection,) = [r for r in patient.decide().gate.raised if r.flag == "infection"]

    assert infection.level is GateLevel.URGENT
    assert infection.rules == ("B-IN-2", "B-IN-4")


def test_an_unfinished_screen_beats_watch_and_gives_way_to_refer() -> None:
    watched = a_patient().with_("night-sweats", True)
    referred = a_patient().with_("trauma-significant", True)

    assert level(watched) is GateLevel.NOT_SCREENED
    assert level(referred) is GateLevel.REFER
    assert not referred.decide().gate.is_screened


def test_a_flag_not_asked_about_is_unknown_and_one_answered_no_is_false() -> None:
    flags = dict(screened(a_patient()).decide().gate.flags)

    assert flags["malignancy"] is Truth.FALSE
    assert flags["aortic"] is Truth.UNKNOWN


def test_elsewhere_only_cauda_equina_and_self_harm_are_run() -> None:
    patient = screened(Patient().aged(46)).with_("pain-location-low-back", False)

    assert level(patient.with_("fever-or-rigors", True)) is GateLevel.CLEAR
    assert dict(patient.decide().gate.flags).keys() == {"cauda-equina", "self-harm"}
    assert level(patient.with_("phq9-item-9", 2)) is GateLevel.URGENT
    assert level(patient.with_("saddle-sensory-change", True)) is GateLevel.EMERGENCY


def test_the_gate_runs_for_a_child_and_for_new_pain() -> None:
    child = Patient().aged(12).with_("pain-location-low-back", True)
    new = Patient().aged(46).with_("pain-duration-weeks", 2).with_("pain-location-low-back", True)

    assert level(child.with_("saddle-sensory-change", True)) is GateLevel.EMERGENCY
    assert level(new.with_("trauma-significant", True)) is GateLevel.URGENT


def test_an_assessed_flag_no_longer_acts() -> None:
    patient = screened(a_patient()).with_("fever-or-rigors", True, days_ago=9)
    assert level(patient) is GateLevel.URGENT

    assert level(patient.with_("red-flag-assessed", "infection", days_ago=2)) is GateLevel.CLEAR


@pytest.mark.parametrize("flag_and_finding", ["cauda-equina saddle-sensory-change"])
def test_a_patient_cannot_say_that_a_flag_was_assessed(flag_and_finding: str) -> None:
    flag, finding = flag_and_finding.split()
    patient = screened(a_patient()).with_(finding, True, days_ago=9)
    patient.with_("red-flag-assessed", flag, days_ago=2, said_by="patient")

    assert level(patient) is GateLevel.EMERGENCY
    assert "only a clinician can say" in patient.decide().not_used[0].why


def test_an_assessment_of_the_same_instant_clears_nothing() -> None:
    patient = screened(a_patient()).with_("fever-or-rigors", True, days_ago=2)

    assert level(patient.with_("red-flag-assessed", "infection", days_ago=2)) is GateLevel.URGENT


def test_an_old_assessment_does_not_answer_for_what_is_new() -> None:
    patient = screened(a_patient()).having(ICD, "C50.911", onset_days_ago=400)
    patient.with_("red-flag-assessed", "malignancy", days_ago=90)
    assert level(patient) is GateLevel.CLEAR

    assert level(patient.with_("weight-loss-unexplained", True, days_ago=0.5)) is GateLevel.URGENT


def test_an_assessed_fracture_leaves_the_bones_weak() -> None:
    patient = screened(a_patient()).with_("osteoporosis-known", True, days_ago=200)
    patient.with_("red-flag-assessed", "fracture", days_ago=90)

    decision = patient.decide()

    assert decision.gate.level is GateLevel.CLEAR
    assert decision.worlds.is_true(knowledge().slot("osteoporosis-known"))


@pytest.mark.parametrize("dated", [[None], [8000, None]])
def test_an_old_cancer_says_nothing_of_another(dated: list[float | None]) -> None:
    patient = screened(a_patient()).having(ICD, "Z85.038", onset_days_ago=7300, current=False)
    assert level(patient) is GateLevel.REFER

    for days_ago in dated:
        patient.having(SNOMED, "363346000", onset_days_ago=days_ago, current=False)

    assert level(patient) is GateLevel.URGENT


@pytest.mark.parametrize("code", ["Z85.51", "Z85.42", "Z85.6", "Z85.71", "Z85.819", "Z85.841"])
def test_a_cancer_of_long_ago_that_spares_bone_asks_for_a_referral(code: str) -> None:
    patient = screened(a_patient()).having(ICD, code, onset_days_ago=7300, current=False)

    assert level(patient) is GateLevel.REFER


@pytest.mark.parametrize(("system", "code"), [(SNOMED, "94222008"), (ICD, "C79.51")])
def test_a_metastasis_is_a_cancer(system: str, code: str) -> None:
    patient = screened(a_patient()).having(system, code, onset_days_ago=2000)

    assert level(patient.with_("bilateral-leg-neurological-symptoms", True)) is GateLevel.EMERGENCY


@pytest.mark.parametrize(
    "name", ["methotrexate 15 mg", "adalimumab", "Azathioprine", "cyclophosphamide", "docetaxel"]
)
def test_a_medicine_that_weakens_the_immune_system_answers_for_it(name: str) -> None:
    patient = screened(a_patient()).taking(text=name, began_days_ago=60)

    gate = patient.decide().gate

    assert gate.level is GateLevel.WATCH
    assert gate.raised[0].rules == ("B-IN-6",)
    assert level(patient.with_("night-sweats", True)) is GateLevel.URGENT


def test_nobody_who_takes_one_is_asked_whether_the_immune_system_is_weakened() -> None:
    patient = screened(a_patient()).taking(text="etanercept")
    patient.facts = [f for f in patient.facts if f.input != "immunosuppression"]

    assert patient.decide().gate.is_screened


def test_one_that_was_stopped_answers_for_nothing() -> None:
    patient = screened(a_patient()).taking(text="methotrexate", stopped_days_ago=30)

    assert level(patient) is GateLevel.CLEAR


def test_a_clinician_who_heard_of_it_may_say_no() -> None:
    patient = screened(a_patient()).taking(text="methotrexate", began_days_ago=60)
    patient.with_("immunosuppression", False, days_ago=3, said_by="clinician")

    assert level(patient) is GateLevel.CLEAR


def test_a_list_that_nobody_knows_asks_for_nothing_new() -> None:
    whole = screened(a_patient()).complete("MedicationRequest").decide()
    unknown = screened(a_patient()).decide()

    assert unknown.gate == whole.gate
    assert unknown.open_questions == whole.open_questions


def test_steroids_of_twelve_weeks_are_prolonged_and_of_fewer_are_not() -> None:
    twelve = screened(a_patient()).taking(text="prednisolone 5 mg", began_days_ago=84)
    fewer = screened(a_patient()).taking(text="prednisolone 5 mg", began_days_ago=83)
    since_when = screened(a_patient()).taking(text="prednisolone 5 mg")

    assert {r.flag for r in twelve.decide().gate.raised} == {"infection", "fracture"}
    assert level(twelve.with_("low-energy-trauma", True)) is GateLevel.URGENT
    assert level(fewer) is GateLevel.CLEAR
    assert level(since_when) is GateLevel.CLEAR


def test_a_no_from_before_they_were_prolonged_takes_nothing_back() -> None:
    patient = screened(a_patient()).taking(text="prednisolone 5 mg", began_days_ago=200)
    patient.with_("corticosteroid-prolonged", False, days_ago=150, said_by="clinician")
    assert level(patient) is GateLevel.WATCH

    patient.with_("corticosteroid-prolonged", False, days_ago=50, said_by="clinician")

    assert level(patient) is GateLevel.CLEAR


@pytest.mark.parametrize("name", ["hydrocortisone cream", "tacrolimus ointment"])
def test_on_the_skin_they_answer_for_nothing(name: str) -> None:
    assert level(screened(a_patient()).taking(text=name, began_days_ago=200)) is GateLevel.CLEAR


@pytest.mark.parametrize(
    ("measured", "normal", "abnormal"),
    [("motor-power-grade", 5, 3), ("post-void-residual-ml", 20, 250)],
)
def test_a_normal_sign_goes_stale_and_an_abnormal_one_does_not(
    measured: str, normal: int, abnormal: int
) -> None:
    def asks(patient: Patient) -> bool:
        return measured in patient.decide().open_questions

    assert not asks(screened(a_patient()).with_(measured, normal, days_ago=30))
    assert asks(screened(a_patient()).with_(measured, normal, days_ago=31))
    assert level(screened(a_patient()).with_(measured, abnormal, days_ago=400)) is GateLevel.REFER
