"""What was found beside mechanism and drivers brings its care, and what nothing tells says so."""

import pytest

from app.domain.plan_types import Activity
from tests.domain.test_choosing import nociceptive, nociplastic
from tests.patients import Patient, checked, knowledge, screened

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"


def rows(patient: Patient) -> dict[str, Activity]:
    return {a.id: a for a in patient.decide().plan.activities}


@pytest.mark.parametrize(
    ("code", "activity", "status", "rule"),
    [
        ("M79.18", "EX-03", "next-step", "P-myofascial"),
        ("M62.830", "MT-02", "next-step", "P-myofascial"),
        ("M46.1", "EX-02", "next-step", "P-sacroiliac"),
        ("M51.360", "ED-01", "proposed", "P-disc"),
        ("K58.0", "PS-01", "next-step", "P-irritable-bowel"),
        ("E55.9", "DR-04", "proposed", "P-vitamin-d"),
        ("M81.0", "DR-04", "next-step", "P-vitamin-d-test"),
        ("F32.9", "PS-05", "next-step", "P-depression-unscored"),
        ("F41.9", "PS-05", "next-step", "P-anxiety-unscored"),
        ("G47.00", "SL-01", "next-step", "P-insomnia-unscored"),
        ("Z72.3", "EX-04", "proposed", "P-16"),
        ("Z56.6", "DR-05", "proposed", "P-16"),
        ("Z59.9", "DR-06", "proposed", "P-16"),
        ("Z60.2", "DR-06", "proposed", "P-16"),
    ],
)
def test_a_coded_problem_brings_its_care(code: str, activity: str, status: str, rule: str) -> None:
    found = rows(checked(nociceptive()).having(ICD, code))

    assert found[activity].status == status
    assert rule in found[activity].rules


@pytest.mark.parametrize(
    ("fact", "value", "activity", "rule"),
    [
        ("diagnostic-block-positive", True, "EX-03", "P-facet"),
        ("sij-provocation-positive-count", 3, "EX-03", "P-sacroiliac"),
        ("neurogenic-claudication", True, "PT-01", "P-stenosis"),
        ("centralisation", True, "ED-01", "P-disc"),
    ],
)
def test_a_finding_brings_its_care(fact: str, value: object, activity: str, rule: str) -> None:
    assert rule in rows(nociceptive().with_(fact, value))[activity].rules


def test_whose_discs_have_changed_hears_that_it_is_common() -> None:
    found = rows(nociceptive().with_("centralisation", True))

    assert found["ED-01"].text.startswith("Changes of the discs are common and often painless")


def test_what_was_scored_is_no_longer_asked_by_its_diagnosis() -> None:
    patient = checked(nociceptive()).having(ICD, "G47.00").with_("isi-total", 3)

    assert "SL-01" not in rows(patient)


def test_measured_minutes_beat_a_code_that_says_inactive() -> None:
    patient = checked(nociceptive()).having(SNOMED, "40979000")
    assert "G-inactivity-1" in rows(patient)["EX-04"].rules

    active = patient.with_("physical-activity-minutes-week", 300)
    assert "G-inactivity-1" not in rows(active)["EX-04"].rules


def test_migraine_beside_painkillers_asks_for_the_days_they_are_taken_on() -> None:
    migraine = checked(nociceptive()).having(ICD, "G43.909")
    assert "MED-01" not in rows(migraine)

    review = rows(migraine.taking(text="sumatriptan"))["MED-01"]
    assert review.reasons == ("with migraine: on how many days a month a painkiller is taken",)


def test_in_fibromyalgia_no_anti_inflammatory_comes_by_default() -> None:
    patient = checked(nociceptive())
    assert "RX-01" in rows(patient)

    assert "RX-01" not in rows(patient.having(ICD, "M79.7"))


def test_vitamin_d_without_a_deficiency_says_why_not() -> None:
    plan = checked(nociceptive()).decide().plan
    point = next(p for p in plan.catalogue if p.id == "DR-04")

    assert point.status == "not-indicated"
    assert point.reasons[0].startswith("Only for a proven deficiency")


def test_what_no_input_tells_is_said_beside_its_item() -> None:
    gaps = knowledge().not_read
    plan = screened(nociplastic()).decide().plan
    by_id = {p.id: p for p in plan.catalogue}

    assert {"SL-01", "EX-01", "RX-07", "DR-04", "MT-02"} <= gaps.keys()
    for id_, words in gaps.items():
        assert by_id[id_].reasons[-len(words) :] == words
        assert all(word.startswith("no verified input: ") for word in words)
