import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain.facts import Bounds, Record, SaidBy
from app.fhir.reading.received import received
from app.fhir.reading.record import RecordReader
from app.fhir.validation import Validator
from tests.fhir.publishing.published import codes_of, shipped
from tests.patients import knowledge

FORMS = ("clbp-intake", "clbp-examination", "phq-9")
ASKED_OF = {"clbp-intake": {"patient", "either"}, "clbp-examination": {"clinician", "either"}}
TYPE_OF = {"boolean": "boolean", "integer": "integer", "code": "choice", "text": "text"}
FINDING = "https://painplan.health/fhir/CodeSystem/finding"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
AS_OF = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PHQ9_TOTAL = "44261-6"


def _items(form: str) -> Iterator[dict[str, Any]]:
    """Every item of a form, groups included."""
    waiting = list(shipped()["Questionnaire", form]["item"])
    while waiting:
        item = waiting.pop(0)
        yield item
        waiting = [*item.get("item", ()), *waiting]


def _questions(form: str) -> list[dict[str, Any]]:
    return [i for i in _items(form) if i["type"] not in ("group", "display")]


def _rows(shared: Path) -> list[dict[str, str]]:
    with (shared / "design/findings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read(form: str, answers: dict[str, dict[str, Any]]) -> Record:
    """What the service understands of a response to the published form."""
    questionnaire = shipped()["Questionnaire", form]
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "status": "completed",
        "questionnaire": f"{questionnaire['url']}|{questionnaire['version']}",
        "subject": {"reference": "Patient/p1"},
        "authored": "2026-05-28T09:00:00Z",
        "item": [{"linkId": link, "answer": [answer]} for link, answer in answers.items()],
    }
    assert Validator.load().problems(response) == ()
    one = received(orjson.dumps(response), response, full_url=None, references={})
    reader = RecordReader({questionnaire["url"]: questionnaire})
    return reader.record((one,), knowledge(), as_of=AS_OF, complete=frozenset())


def _an_answer(item: dict[str, Any]) -> dict[str, Any]:
    match item["type"]:
        case "boolean":
            return {"valueBoolean": True}
        case "integer":
            return {"valueInteger": 5}
        case "choice":
            return {"valueCoding": item["answerOption"][-1]["valueCoding"]}
        case _:
            return {"valueString": "To lift my grandchild."}


@pytest.mark.parametrize("form", FORMS)
def test_no_two_items_share_a_link_id(form: str) -> None:
    links = [item["linkId"] for item in _items(form)]

    assert len(links) == len(set(links))
    assert all(item["text"] for item in _items(form))


@pytest.mark.parametrize("form", ASKED_OF)
def test_the_form_asks_every_finding_of_its_source_and_no_other(form: str, shared: Path) -> None:
    wanted = {row["code"] for row in _rows(shared) if row["source"] in ASKED_OF[form]}

    assert {item["linkId"] for item in _questions(form)} == wanted


@pytest.mark.parametrize("form", ASKED_OF)
def test_an_item_takes_the_value_that_its_finding_has(form: str, shared: Path) -> None:
    values = {row["code"]: row["value"] for row in _rows(shared)}

    for item in _questions(form):
        assert item["type"] == TYPE_OF[values[item["linkId"]]], item["linkId"]
        assert {"system": FINDING, "code": item["linkId"]}.items() <= item["code"][0].items()


@pytest.mark.parametrize("form", ASKED_OF)
def test_every_coded_answer_is_a_code_that_we_publish(form: str) -> None:
    for item in _questions(form):
        assert (item["type"] == "choice") == bool(item.get("answerOption"))
        for option in item.get("answerOption", ()):
            coding = option["valueCoding"]
            assert coding["code"] in codes_of(coding["system"].rpartition("/")[2])
            assert coding["display"]


@pytest.mark.parametrize("form", ASKED_OF)
def test_nothing_is_required_because_unknown_is_an_answer(form: str) -> None:
    assert not any(item.get("required") for item in _items(form))


@pytest.mark.parametrize("form", ASKED_OF)
def test_a_full_response_is_read_without_remainder(form: str) -> None:
    answers = {item["linkId"]: _an_answer(item) for item in _questions(form)}

    record = _read(form, answers)

    assert record.not_used == ()
    assert {fact.input for fact in record.facts} == answers.keys()
    said_by = SaidBy.PATIENT if form == "clbp-intake" else SaidBy.CLINICIAN
    assert {fact.said_by for fact in record.facts} == {said_by}


def test_the_examination_speaks_to_the_clinician() -> None:
    for item in _questions("clbp-examination"):
        if item["type"] != "choice":
            assert "you " not in item["text"].lower().replace("your judgement", ""), item["linkId"]


def test_whoever_answers_the_warning_signs_reads_whom_to_contact() -> None:
    signs = next(g for g in _items("clbp-intake") if g["linkId"] == "group-warning-signs")

    assert signs["item"][0]["type"] == "display"
    assert signs["item"][0]["text"] == knowledge().interventions["SN-01"].text


def test_bounds_and_units_of_a_number_are_on_its_item() -> None:
    weeks = next(i for i in _items("clbp-intake") if i["linkId"] == "pain-duration-weeks")
    said = {e["url"].rpartition("/")[2]: e for e in weeks["extension"]}

    assert said["minValue"]["valueInteger"] == 0
    assert said["maxValue"]["valueInteger"] == 5200
    assert said["questionnaire-unit"]["valueCoding"]["code"] == "wk"


def test_what_may_be_declined_repeats() -> None:
    declined = next(i for i in _items("clbp-intake") if i["linkId"] == "declined-activity")

    assert declined["repeats"] is True
    assert "EX-01" in [o["valueCoding"]["code"] for o in declined["answerOption"]]


def test_phq9_shows_nine_items_with_loinc_answers_and_their_numbers() -> None:
    items = [i for i in _questions("phq-9") if i["type"] == "choice"]

    assert [i["linkId"] for i in items] == list(knowledge().instruments["phq-9"].items)
    for item in items:
        assert item["code"][0]["code"] == item["linkId"]
        options = item["answerOption"]
        numbers = {o["valueCoding"]["code"]: o["extension"][0]["valueDecimal"] for o in options}
        assert numbers == {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
        assert all(o["extension"][0]["url"] == ORDINAL for o in options)


def test_phq9_carries_the_notice_of_its_makers() -> None:
    form = shipped()["Questionnaire", "phq-9"]

    assert "Pfizer" in form["copyright"]
    assert "No permission required" in form["copyright"]
    assert "LOINC" in form["copyright"]
    assert form["code"][0]["code"] == "44249-1"


def test_displays_of_loinc_codes_are_the_verified_ones(shared: Path) -> None:
    with (shared / "clinical/codes.csv").open(encoding="utf-8", newline="") as file:
        verified = {
            row["code"]: row["display"]
            for row in csv.DictReader(file)
            if row["system"] == "http://loinc.org" and row["verified_in"].startswith("VERIFIED")
        }
    form = shipped()["Questionnaire", "phq-9"]
    codings = [*form["code"], *(c for i in _questions("phq-9") for c in i["code"])]
    codings += [o["valueCoding"] for i in _questions("phq-9") for o in i.get("answerOption", ())]

    assert len(codings) > 40
    for coding in codings:
        assert coding["display"] == verified[coding["code"]]


def test_the_total_is_calculated_once_all_nine_are_answered() -> None:
    total = next(i for i in _items("phq-9") if i["linkId"] == PHQ9_TOTAL)
    extension = total["extension"][0]

    assert total["readOnly"] is True
    assert extension["url"].endswith("sdc-questionnaire-calculatedExpression")
    assert extension["valueExpression"]["language"] == "text/fhirpath"
    expression = extension["valueExpression"]["expression"]
    assert ".count() = 9" in expression
    for code, weight in (("LA6569-3", 1), ("LA6570-1", 2), ("LA6571-9", 3)):
        assert f"{weight} * " in expression
        assert f"'{code}'" in expression


@pytest.mark.parametrize(("chosen", "total", "item_9"), [(0, 0, 0), (1, 9, 1), (3, 27, 3)])
def test_a_response_to_phq9_gives_its_total_and_item_9(
    chosen: int, total: int, item_9: int
) -> None:
    items = [i for i in _questions("phq-9") if i["type"] == "choice"]
    answers = {
        i["linkId"]: {"valueCoding": i["answerOption"][chosen]["valueCoding"]} for i in items
    }

    record = _read("phq-9", answers)

    assert record.not_used == ()
    values = {fact.input: fact.value for fact in record.facts}
    assert values == {"phq9-total": Decimal(total), "phq9-item-9": item_9}


def test_a_response_to_phq9_without_most_items_has_no_exact_total() -> None:
    items = [i for i in _questions("phq-9") if i["type"] == "choice"][:3]
    answers = {i["linkId"]: {"valueCoding": i["answerOption"][2]["valueCoding"]} for i in items}

    record = _read("phq-9", answers)

    totals = [fact.value for fact in record.facts if fact.input == "phq9-total"]
    assert totals == [Bounds(Decimal(6), Decimal(24))]
