import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.facts import Bounds, SaidBy
from app.domain.problem import Refused
from tests.fhir.reading.wire import (
    CANON,
    LOINC,
    PATIENT,
    PEG,
    PEG_TOTAL,
    PHQ_9,
    PHQ_9_TOTAL,
    Json,
    bundle,
    coded,
    item,
    points,
    record,
    record_of,
    response,
    the,
    told,
    why_not_used,
)
from tests.patients import AS_OF

INTAKE = f"{CANON}/Questionnaire/clbp-intake"
EXAMINATION = f"{CANON}/Questionnaire/clbp-examination"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
LOCAL = "https://clinic.example/Questionnaire/back"
R = "QuestionnaireResponse/r"
EXAMPLES = "data/interop/questionnaires"
YES = {"valueBoolean": True}
NO = {"valueBoolean": False}


def questionnaire(*items: Json, **more: Any) -> Json:
    """A Questionnaire of a clinic, under its own codes and linkIds."""
    return {"resourceType": "Questionnaire", "status": "active", "item": list(items), **more}


def question(link: str, *codes: str, **more: Any) -> Json:
    return {"linkId": link, "type": "choice", "code": coded(LOINC, *codes)["coding"], **more}


def option(code: str, number: float, url: str = ORDINAL) -> Json:
    """A local option whose number the Questionnaire gives."""
    coding = {"system": "http://local", "code": code}
    return {"valueCoding": coding, "extension": [{"url": url, "valueDecimal": number}]}


def chosen(code: str, **more: Any) -> Json:
    return {"valueCoding": {"system": "http://local", "code": code, **more}}


def test_our_own_form_is_read_by_its_link_ids() -> None:
    read = record(
        response(
            item("pain-localised", YES),
            item("pain-duration-weeks", {"valueInteger": 52}),
            item("pain-distribution", {"valueCoding": {"code": "widespread"}}),
            item("goal-in-own-words", {"valueString": "walk"}),
            questionnaire=INTAKE,
        )
    )

    assert {f.input: f.value for f in read.facts if f.source == R} == {
        "pain-localised": True,
        "pain-duration-weeks": 52,
        "pain-distribution": "widespread",
        "goal-in-own-words": "walk",
    }
    assert read.not_used == ()


@pytest.mark.parametrize("canonical", [INTAKE, f"{INTAKE}|1.0.0", f"{INTAKE}|2099"])
def test_our_own_form_is_known_with_or_without_a_version(canonical: str) -> None:
    read = record(response(item("pain-localised", YES), questionnaire=canonical))

    assert the(read, "pain-localised").value is True


@pytest.mark.parametrize(
    "canonical",
    [
        None,
        LOCAL,
        "http://other.example/Questionnaire/clbp-intake",
        f"{CANON}/Questionnaire/bogus",
        f"{INTAKE}-2",
    ],
)
def test_a_finding_code_is_a_link_id_in_our_own_forms_only(canonical: str | None) -> None:
    read = record(response(item("pain-localised", YES), questionnaire=canonical))

    assert told(read, "pain-localised") == []
    assert why_not_used(read.not_used, R) == (
        "item pain-localised: not understood, matches nothing we read"
    )


@pytest.mark.parametrize("link", [PHQ_9[8], f"/{PHQ_9[8]}", f"/44249-1/{PHQ_9[8]}"])
@pytest.mark.parametrize("canonical", [None, LOCAL, f"{CANON}/Questionnaire/phq-9"])
def test_a_loinc_code_in_the_link_id_is_enough(link: str, canonical: str | None) -> None:
    read = record(response(points(link, 2), questionnaire=canonical))

    assert the(read, "phq9-item-9").value == 2


def test_items_are_found_under_groups_and_under_answers() -> None:
    inner = item("pain-localised", YES)
    below = item("saddle-sensory-change", NO)
    asked = item("weight-loss-unexplained", {**NO, "item": [below]})

    read = record(
        response(item("1", item=[item("1.1", item=[inner])]), asked, questionnaire=INTAKE)
    )

    assert the(read, "pain-localised").value is True
    assert the(read, "saddle-sensory-change").value is False
    assert the(read, "weight-loss-unexplained").value is False


def test_an_item_without_answer_is_no_answer() -> None:
    read = record(response(item("saddle-sensory-change"), questionnaire=INTAKE))

    assert told(read, "saddle-sensory-change") == []


def test_every_item_that_matches_nothing_is_listed_back() -> None:
    read = record(
        response(
            item("a", YES),
            item("b", item=[item("c", {"valueString": "Geheimnisvoll"})]),
            item("pain-localised", YES),
            questionnaire=INTAKE,
        )
    )

    listed = [n.why for n in read.not_used]
    assert [why.partition(":")[0] for why in listed] == ["item a", "item c"]
    assert not any("Geheimnisvoll" in why for why in listed)


def test_an_answer_of_a_wrong_kind_is_listed_and_never_read_as_no() -> None:
    read = record(
        response(item("saddle-sensory-change", {"valueString": "no"}), questionnaire=INTAKE)
    )

    assert told(read, "saddle-sensory-change") == []
    assert "item saddle-sensory-change" in why_not_used(read.not_used, R)


def test_an_item_without_link_id_is_listed() -> None:
    named = {"extension": [{"url": "http://a", "valueCode": "unknown"}]}
    nameless = {"_linkId": named, "answer": [YES]}

    read = record(response(nameless, item("pain-localised", YES), questionnaire=INTAKE))

    assert the(read, "pain-localised").value is True
    assert "not understood" in why_not_used(read.not_used, R)


@pytest.mark.parametrize("status", ["completed", "amended"])
def test_a_finished_response_counts(status: str) -> None:
    read = record(response(item("pain-localised", YES), questionnaire=INTAKE, status=status))

    assert the(read, "pain-localised").value is True


@pytest.mark.parametrize("status", ["in-progress", "entered-in-error", "stopped"])
def test_any_other_response_is_reported_as_not_used(status: str) -> None:
    read = record(response(item("pain-localised", YES), questionnaire=INTAKE, status=status))

    assert told(read, "pain-localised") == []
    assert status in why_not_used(read.not_used, R)


def test_a_response_of_unknown_status_is_reported_as_not_used() -> None:
    unknown = {"extension": [{"url": "http://a", "valueCode": "unknown"}]}

    read = record(
        response(item("pain-localised", YES), questionnaire=INTAKE, status=None, _status=unknown)
    )

    assert told(read, "pain-localised") == []
    assert "unknown" in why_not_used(read.not_used, R)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"authored": "2026-05-20T08:00:00+02:00"}, datetime(2026, 5, 20, 6, tzinfo=UTC)),
        ({"authored": "2026-05"}, datetime(2026, 5, 1, tzinfo=UTC)),
        (
            {"authored": None, "meta": {"lastUpdated": "2026-05-25T08:00:00Z"}},
            datetime(2026, 5, 25, 8, tzinfo=UTC),
        ),
        ({"authored": None}, AS_OF),
    ],
)
def test_its_time_is_when_it_was_authored(times: Json, expected: datetime) -> None:
    read = record(response(item("pain-localised", YES), questionnaire=INTAKE, **times))

    assert the(read, "pain-localised").at == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"questionnaire": INTAKE}, SaidBy.PATIENT),
        ({"questionnaire": INTAKE, "author": {"reference": "Practitioner/d"}}, SaidBy.PATIENT),
        ({"questionnaire": EXAMINATION}, SaidBy.CLINICIAN),
        ({"questionnaire": f"{EXAMINATION}|1"}, SaidBy.CLINICIAN),
    ],
)
def test_our_own_forms_say_whose_word_it_is(more: Json, expected: SaidBy) -> None:
    assert the(record(response(item("pain-localised", YES), **more)), "pain-localised").said_by is (
        expected
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, SaidBy.PATIENT),
        ({"source": {"reference": "Patient/p1"}}, SaidBy.PATIENT),
        ({"source": {"reference": "RelatedPerson/m"}}, SaidBy.PATIENT),
        ({"source": {"reference": "Practitioner/d"}}, SaidBy.CLINICIAN),
        ({"source": {"reference": "PractitionerRole/d"}}, SaidBy.CLINICIAN),
        ({"source": {"type": "Practitioner", "display": "Dr Gregory"}}, SaidBy.CLINICIAN),
        ({"author": {"reference": "Practitioner/d"}}, SaidBy.CLINICIAN),
        ({"author": {"reference": "Organization/o"}}, SaidBy.CLINICIAN),
        ({"author": {"reference": "Device/tablet"}}, SaidBy.PATIENT),
        (
            {"source": {"reference": "Patient/p1"}, "author": {"reference": "Practitioner/d"}},
            SaidBy.PATIENT,
        ),
    ],
)
def test_who_said_it_is_known_by_source_then_author(more: Json, expected: SaidBy) -> None:
    assert the(record(response(points(PHQ_9[8], 1), **more)), "phq9-item-9").said_by is expected


def test_a_practitioner_of_the_same_bundle_is_known_by_its_full_url() -> None:
    url = "urn:uuid:6c1a0b9e-2f1d-4d43-8a57-6f0e0b8f4a11"
    said = response(points(PHQ_9[8], 1), source={"reference": url})
    everything = bundle(PATIENT, {"resourceType": "Practitioner", "id": "d"}, said)
    everything["entry"][1]["fullUrl"] = url

    assert the(record_of(everything), "phq9-item-9").said_by is SaidBy.CLINICIAN


@pytest.mark.parametrize("url", [ORDINAL, WEIGHT])
def test_a_contained_questionnaire_says_what_an_item_means_and_what_an_answer_weighs(
    url: str,
) -> None:
    form = questionnaire(
        {
            "linkId": "g",
            "type": "group",
            "item": [
                question("q9", PHQ_9[8], answerOption=[option("a", 0, url), option("c", 2, url)])
            ],
        },
        id="form",
    )

    read = record(
        response(item("g", item=[item("q9", chosen("c"))]), questionnaire="#form", contained=[form])
    )

    assert the(read, "phq9-item-9").value == 2


def test_a_registered_questionnaire_says_what_an_item_means() -> None:
    form = questionnaire(question("q9", PHQ_9[8], answerOption=[option("c", 2)]), url=LOCAL)

    read = record(
        response(item("q9", chosen("c")), questionnaire=f"{LOCAL}|3"),
        questionnaires={LOCAL: form},
    )

    assert the(read, "phq9-item-9").value == 2


def test_an_unknown_questionnaire_leaves_its_items_not_understood() -> None:
    read = record(response(item("q9", chosen("c")), questionnaire=f"{LOCAL}|3"))

    assert told(read, "phq9-item-9") == []
    assert "item q9: not understood" in why_not_used(read.not_used, R)


def test_an_option_of_another_system_is_not_the_option_of_the_questionnaire() -> None:
    form = questionnaire(question("q9", PHQ_9[8], answerOption=[option("c", 2)]), url=LOCAL)
    answer = {"valueCoding": {"system": "http://other", "code": "c"}}

    read = record(response(item("q9", answer), questionnaire=LOCAL), questionnaires={LOCAL: form})

    assert told(read, "phq9-item-9") == []
    assert "item q9" in why_not_used(read.not_used, R)


def test_a_link_id_that_is_a_mere_number_does_not_hide_the_code_of_the_item() -> None:
    form = questionnaire(question("1-9", PHQ_9[8]), url=LOCAL)

    read = record(response(points("1-9", 3), questionnaire=LOCAL), questionnaires={LOCAL: form})

    assert the(read, "phq9-item-9").value == 3


def test_a_contained_resource_that_is_no_questionnaire_defines_nothing() -> None:
    other = {"resourceType": "Slot", "id": "form", "item": 5}

    read = record(response(points("q9", 3), questionnaire="#form", contained=[other]))

    assert "item q9: not understood" in why_not_used(read.not_used, R)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"valueCoding": {"system": LOINC, "code": "LA6568-5"}}, 0),
        ({"valueCoding": {"system": LOINC, "code": "LA6569-3"}}, 1),
        ({"valueCoding": {"system": LOINC, "code": "LA6570-1"}}, 2),
        ({"valueCoding": {"system": LOINC, "code": "LA6571-9"}}, 3),
        (chosen("x", extension=[{"url": ORDINAL, "valueDecimal": 2}]), 2),
        (chosen("x", extension=[{"url": WEIGHT, "valueDecimal": 2.0}]), 2),
        ({**chosen("x"), "extension": [{"url": WEIGHT, "valueDecimal": 2}]}, 2),
        ({"valueInteger": 3}, 3),
        ({"valueDecimal": 3.0}, 3),
        ({"valueString": "3"}, 3),
        ({"valueQuantity": {"value": 3}}, 3),
    ],
)
def test_an_answer_becomes_a_number(answer: Json, number: int) -> None:
    assert the(record(response(item(PHQ_9[8], answer))), "phq9-item-9").value == number


@pytest.mark.parametrize(
    "answer",
    [
        chosen("c"),
        {"valueCoding": {"system": "http://local", "code": "LA6571-9"}},
        {"valueCoding": {"display": "Nearly every day"}},
        {"valueString": "Nearly every day"},
        {"valueBoolean": True},
        {"valueDate": "2026-05-28"},
    ],
)
def test_an_answer_of_no_known_number_is_listed_and_item_9_is_never_0(answer: Json) -> None:
    read = record(response(item(PHQ_9[8], answer)))

    assert told(read, "phq9-item-9") == []
    assert f"item {PHQ_9[8]}: its answer" in why_not_used(read.not_used, R)
    assert "Nearly" not in why_not_used(read.not_used, R)


def test_all_items_make_the_total_with_the_points_of_each() -> None:
    read = record(response(*[points(code, 1) for code in PHQ_9]))

    assert the(read, "phq9-total").value == 9
    (score,) = read.scores
    assert score.value == 9
    assert score.sources == (R,)
    assert dict(score.items) == dict.fromkeys(PHQ_9, Decimal(1))


def test_three_ratings_make_the_peg_mean() -> None:
    read = record(response(*[points(code, n) for code, n in zip(PEG, (5, 6, 8), strict=True)]))

    assert the(read, "peg-score").value == Decimal("6.3")


def test_a_stated_total_that_the_items_contradict_is_listed_and_the_items_win() -> None:
    items = [points(code, 1) for code in PHQ_9]

    read = record(response(*items, points(PHQ_9_TOTAL, 12)))

    assert the(read, "phq9-total").value == 9
    assert "states a total of 12, its items make 9" in why_not_used(read.not_used, R)


def test_a_stated_total_stands_when_items_are_missing() -> None:
    items = [points(code, 1) for code in PHQ_9[:4]]

    read = record(response(*items, points(PHQ_9_TOTAL, 12)))

    assert the(read, "phq9-total").value == 12


def test_a_stated_total_alone_is_the_total() -> None:
    assert the(record(response(points(PEG_TOTAL, 7))), "peg-score").value == 7


def test_few_items_are_bounds_of_the_total() -> None:
    read = record(response(*[points(code, 3) for code in PHQ_9[1:3]]))

    value = the(read, "phq9-total").value
    assert isinstance(value, Bounds)
    assert [value.low, value.high] == [Decimal(6), Decimal(27)]


def test_one_item_alone_is_no_attempt_at_its_instrument() -> None:
    read = record(response(points(PEG[0], 5)))

    assert the(read, "pain-nrs").value == 5
    assert told(read, "peg-score") == []


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (
            item("motor-power-grade", {"valueInteger": 6}),
            "Bundle.entry[1].resource.item[0].answer[0].value",
        ),
        (
            item("1", item=[item("motor-power-grade", {"valueInteger": 2}, {"valueInteger": -1})]),
            "Bundle.entry[1].resource.item[0].item[0].answer[1].value",
        ),
    ],
)
def test_an_answer_out_of_range_refuses_the_whole_and_says_where(given: Json, where: str) -> None:
    with pytest.raises(Refused) as refused:
        record(response(given, questionnaire=EXAMINATION))

    assert [p.where for p in refused.value.problems] == [where]


def test_an_item_out_of_the_range_of_its_instrument_refuses_the_whole() -> None:
    with pytest.raises(Refused) as refused:
        record(response(points(PHQ_9[0], 4), points(PHQ_9[1], 1)))

    (problem,) = refused.value.problems
    assert problem.where.startswith("Bundle.entry[1].resource")
    assert "0 to 3" in problem.what


def test_the_phq_9_of_us_core_is_read_with_its_stated_total(shared: Path) -> None:
    file = "us-core/QuestionnaireResponse-phq-9-example.json"
    example = json.loads((shared / EXAMPLES / file).read_text("utf-8"))
    owner = example["subject"]["reference"].rpartition("/")[2]

    read = record({**PATIENT, "id": owner}, example)

    assert the(read, "phq9-total").value == 12
    assert not any("states a total" in n.why for n in read.not_used)


def test_the_phq_9_of_sdc_loses_nothing_and_scores_nothing(shared: Path) -> None:
    file = "sdc/QuestionnaireResponse-questionnaireresponse-sdc-profile-example-PHQ9.json"
    example = json.loads((shared / EXAMPLES / file).read_text("utf-8"))
    owner = example["subject"]["reference"].rpartition("/")[2]

    read = record({**PATIENT, "id": owner}, example)

    assert told(read, "phq9-item-9") == []
    assert told(read, "phq9-total") == []
    assert sum("not understood" in n.why for n in read.not_used) >= 9
