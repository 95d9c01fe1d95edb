"""What would let a withheld option through: single answers, else pairs, and no other answer."""

import pytest

from app.domain.content_parts import ValueType
from app.domain.trace import standings_of, trace_of
from app.domain.unlocking import Unlocking, unlocking
from app.domain.worlds import evaluate
from tests.patients import CHECKED, Patient, a_patient, knowledge, screened

LISTS = ("Condition", "MedicationRequest", "AllergyIntolerance")


def nociceptive(*missing: str) -> Patient:
    """Everything is known but what is named."""
    patient = screened(a_patient()).with_("nociceptive-source-identified", True)
    patient.with_("pain-nrs", 5).complete(*LISTS)
    for name, value in CHECKED.items():
        if name not in missing:
            patient.with_(name, value)
    return patient


def found(patient: Patient, activity: str) -> list[Unlocking]:
    decision = patient.decide()
    told = unlocking(knowledge(), decision.standings, decision.worlds, decision.plan.considered)
    return [one for one in told if one.activity == activity]


def status(patient: Patient, activity: str) -> str:
    return next(p.status for p in patient.decide().plan.catalogue if p.id == activity)


def answered(patient: Patient, unlocking: Unlocking) -> Patient:
    for name, answer in unlocking.answers:
        patient.with_(name, answer, days_ago=0.1)
    return patient


def test_nothing_is_asked_for_what_is_possible_or_blocked() -> None:
    assert found(nociceptive(), "RX-01") == []
    assert found(nociceptive("egfr").with_("egfr", 20), "RX-01") == []


@pytest.mark.parametrize("missing", ["egfr", "systolic-bp"])
def test_one_missing_value_is_enough_and_every_answer_listed_lets_it_through(missing: str) -> None:
    listed = found(nociceptive(missing), "RX-01")

    assert listed
    for one in listed:
        assert [name for name, _ in one.answers] == [missing]
        assert status(answered(nociceptive(missing), one), "RX-01") != "withheld"


def test_two_missing_values_are_listed_as_pairs_and_neither_is_enough_alone() -> None:
    missing = ("egfr", "systolic-bp")
    listed = found(nociceptive(*missing), "RX-01")

    assert listed
    for one in listed:
        assert [name for name, _ in one.answers] == list(missing)
        assert status(answered(nociceptive(*missing), one), "RX-01") != "withheld"
        for alone in one.answers:
            half = answered(nociceptive(*missing), Unlocking("RX-01", (alone,)))
            assert status(half, "RX-01") == "withheld"


def test_no_single_answer_that_is_not_listed_lets_it_through() -> None:
    missing = "egfr"
    listed = {one.answers[0] for one in found(nociceptive(missing), "RX-01")}
    content = knowledge()

    for name, answers in content.what_if.items():
        if name in {f.input for f in nociceptive(missing).facts}:
            continue
        for answer in answers:
            if (name, answer.answer) in listed or answer.answer == "":
                continue
            if content.inputs[name].value_type is ValueType.TEXT:
                continue
            one = Unlocking("RX-01", ((name, answer.answer),))
            after = answered(nociceptive(missing), one)
            if after.decide().phenotype.mechanism != "nociceptive":
                continue  # another mechanism has other options
            assert status(after, "RX-01") in ("withheld", "not-indicated"), one


def test_a_decision_tells_it_of_what_it_withheld_and_of_nothing_else() -> None:
    told = nociceptive("egfr").decide().unlocks

    assert "RX-01" in {one.activity for one in told}
    for one in told:
        assert status(nociceptive("egfr"), one.activity) == "withheld"
    assert "RX-01" not in {one.activity for one in nociceptive().decide().unlocks}


def test_a_stored_decision_tells_the_same() -> None:
    decision = nociceptive("egfr", "systolic-bp").decide()
    told = standings_of(trace_of(decision, knowledge()), knowledge())

    again = unlocking(knowledge(), told, evaluate(knowledge(), told), decision.plan.considered)

    assert again == unlocking(
        knowledge(), decision.standings, decision.worlds, decision.plan.considered
    )
