"""Why a rule stands as it does: the findings that made it so, and those that are missing."""

from app.domain.explanation import explain
from app.domain.truth import Truth
from tests.patients import Patient, a_patient, knowledge, screened


def used_and_missing(patient: Patient, rule: str) -> tuple[set[str], set[str]]:
    content = knowledge()
    found = explain(content.rule_by_id[rule], content, patient.decide().worlds)
    names = content.slot_names
    return {names[s] for s in found.used}, {names[s] for s in found.missing}


def test_a_rule_that_holds_names_what_it_rests_on() -> None:
    patient = (
        a_patient().with_("nerve-lesion-history", True).with_("neuroanatomic-distribution", True)
    )

    assert used_and_missing(patient, "C2") == (
        {"nerve-lesion-history", "neuroanatomic-distribution"},
        set(),
    )


def test_a_rule_that_fails_names_what_speaks_against_it() -> None:
    patient = (
        a_patient().with_("nerve-lesion-history", True).with_("neuroanatomic-distribution", False)
    )

    assert used_and_missing(patient, "C2") == ({"neuroanatomic-distribution"}, set())


def test_a_rule_that_is_open_names_what_is_missing() -> None:
    used, missing = used_and_missing(a_patient().with_("nerve-lesion-history", True), "C2")

    assert "neuroanatomic-distribution" in missing
    assert "nerve-lesion-history" in used


def test_of_several_ways_only_those_that_were_taken_are_named() -> None:
    patient = (
        a_patient()
        .with_("pain-distribution", "widespread")
        .with_("not-entirely-explained", True)
        .with_("thermal-allodynia", True)
        .with_("static-mechanical-allodynia", False)
    )

    used, missing = used_and_missing(patient, "D2")

    assert "thermal-allodynia" in used
    assert "static-mechanical-allodynia" not in used
    assert missing == set()


def test_a_screen_that_is_not_finished_names_its_open_questions() -> None:
    patient = a_patient()
    for name, known in knowledge().inputs.items():
        if known.gate_question and name != "cancer-history":
            patient.with_(name, False)

    assert used_and_missing(patient, "B-unscreened") == (set(), {"cancer-history"})


def test_enough_of_several_names_those_that_hold() -> None:
    patient = a_patient().with_("weight-loss-unexplained", True).with_("night-sweats", True)
    patient.with_("night-rest-pain-unrelated-to-posture", False)

    used, missing = used_and_missing(patient, "B-MA-6")

    assert used == {"weight-loss-unexplained@malignancy", "night-sweats@malignancy"}
    assert missing == set()


def test_where_none_of_several_ways_holds_each_of_them_is_named() -> None:
    content = knowledge()
    rule = content.rule_by_id["C-N1"]
    ways = {content.slot_names[slot] for slot in rule.any_of}
    patient = screened(a_patient()).complete("Condition")
    for name in ways & content.findings.keys():
        patient.with_(name, False)
    worlds = patient.decide().worlds

    used, _ = used_and_missing(patient, "C-N1")

    assert ways & content.findings.keys()
    assert worlds.truth(rule.slot) is Truth.FALSE
    assert ways & content.findings.keys() <= used
