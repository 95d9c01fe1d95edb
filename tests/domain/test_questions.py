"""What to ask next: only what would change something, the urgent first, with what would change."""

import pytest

from app.domain.questions import Change, Question, questions
from app.domain.truth import Truth
from tests.patients import Patient, a_patient, knowledge, screened


def asked(patient: Patient) -> dict[str, Question]:
    decision = patient.decide()
    asked = questions(knowledge(), decision.worlds, decision.plan.considered)
    return {q.input: q for q in asked}


def changes(patient: Patient, name: str, answer: bool | str | int) -> dict[str, str]:
    """What one answer would change, as ``rule: now -> then``."""
    (given,) = [a for a in asked(patient)[name].answers if a.answer == answer]
    return {c.rule: f"{c.now.value} -> {c.then.value}" for c in given.changes}


def test_a_patient_nobody_knows_is_asked_about_cauda_equina_first() -> None:
    assert Patient().decide().open_questions[:3] == (
        "bladder-bowel-disturbance-new",
        "saddle-sensory-change",
        "bilateral-leg-neurological-symptoms",
    )


def test_the_gate_comes_before_the_place_of_the_pain_and_that_before_the_grades() -> None:
    order = Patient().decide().open_questions

    for earlier, later in (
        ("bladder-bowel-disturbance-new", "cancer-history"),
        ("cancer-history", "fever-or-rigors"),
        ("fever-or-rigors", "pain-location-low-back"),
        ("pain-location-low-back", "nerve-lesion-history"),
        ("nerve-lesion-history", "pain-distribution"),
        ("pain-distribution", "dynamic-mechanical-allodynia"),
        ("dynamic-mechanical-allodynia", "pain-disproportionate"),
        ("pain-disproportionate", "pain-localised"),
    ):
        assert order.index(earlier) < order.index(later)


def test_questions_come_in_the_order_of_the_content() -> None:
    order = Patient().decide().open_questions

    assert list(order) == [name for name in knowledge().ask_order if name in order]


def test_what_was_answered_is_not_asked_again() -> None:
    patient = screened(a_patient()).with_("nerve-lesion-history", True)

    assert "nerve-lesion-history" not in patient.decide().open_questions
    assert "fever-or-rigors" not in patient.decide().open_questions


def test_what_went_stale_is_asked_again() -> None:
    patient = a_patient().with_("fever-or-rigors", False, days_ago=40)

    assert "fever-or-rigors" in patient.decide().open_questions


def test_what_could_change_nothing_is_not_asked() -> None:
    """No distribution, no neuropathic grade: signs and tests would change nothing."""
    patient = screened(a_patient()).with_("neuroanatomic-distribution", False)

    order = patient.decide().open_questions
    assert "sensory-signs-in-distribution" not in order
    assert "lesion-confirmed-by-test" not in order


def test_what_a_rule_has_settled_is_not_asked() -> None:
    """Something out of proportion settles that the pain is not entirely explained."""
    open_ = screened(a_patient()).with_("pain-distribution", "regional")
    assert "not-entirely-explained" in open_.decide().open_questions

    settled = open_.with_("pain-disproportionate", True)
    assert "not-entirely-explained" not in settled.decide().open_questions


def test_every_answer_is_told_with_what_it_would_change() -> None:
    patient = screened(a_patient()).with_("nerve-lesion-history", True)

    yes = changes(patient, "neuroanatomic-distribution", answer=True)
    no = changes(patient, "neuroanatomic-distribution", answer=False)

    assert (yes["C2"], yes["C0"]) == ("unknown -> true", "unknown -> false")
    assert (no["C2"], no["C0"]) == ("unknown -> false", "unknown -> true")


def test_a_red_flag_answer_is_told_with_the_level_it_would_raise() -> None:
    assert changes(Patient(), "saddle-sensory-change", answer=True)["B-CE-1"] == "unknown -> true"


def test_a_score_is_tried_on_both_sides_of_every_threshold() -> None:
    answers = [a.answer for a in asked(screened(a_patient()))["paindetect-total"].answers]

    assert set(answers) <= {12, 13, 18, 19}
    assert 19 in answers


def test_a_code_is_tried_with_every_choice() -> None:
    patient = screened(a_patient()).with_("pain-disproportionate", True)

    answers = [a.answer for a in asked(patient)["pain-distribution"].answers]

    assert answers == ["discrete", "regional", "multifocal", "widespread"]


def test_an_answer_that_would_change_nothing_is_not_listed() -> None:
    answers = [a.answer for a in asked(screened(a_patient()))["pain-distribution"].answers]

    assert answers == ["discrete"]


@pytest.mark.parametrize("patient", [Patient(), a_patient(), screened(a_patient())])
def test_no_question_is_asked_for_nothing(patient: Patient) -> None:
    for question in asked(patient).values():
        assert question.answers
        for answer in question.answers:
            assert answer.changes
            assert all(change.now is not change.then for change in answer.changes)


def test_an_established_grade_asks_only_for_what_is_above_it() -> None:
    patient = (
        screened(a_patient())
        .with_("nerve-lesion-history", True)
        .with_("neuroanatomic-distribution", True)
        .with_("sensory-signs-in-distribution", True)
    )

    assert "dn4-total" not in patient.decide().open_questions
    (yes, _) = asked(patient)["lesion-confirmed-by-test"].answers
    assert yes.changes == (Change("C4", Truth.UNKNOWN, Truth.TRUE),)
