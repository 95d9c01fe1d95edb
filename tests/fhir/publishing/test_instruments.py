"""The questionnaires of instruments: codes, options with numbers, texts, totals."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from app.fhir.validation import Validator
from tests.fhir.publishing.published import nodes, shipped
from tests.patients import knowledge

LOINC = "http://loinc.org"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
OF_INSTRUMENTS = {
    instrument.questionnaire: instrument
    for instrument in knowledge().instruments.values()
    if instrument.questionnaire
}
FORMS = sorted(OF_INSTRUMENTS)


def _form(id_: str) -> dict[str, Any]:
    return shipped()["Questionnaire", id_]


def _questions(id_: str) -> list[dict[str, Any]]:
    return [i for i in _form(id_)["item"] if i["type"] != "display" and not i.get("readOnly")]


def _totals(id_: str) -> list[dict[str, Any]]:
    return [i for i in _form(id_)["item"] if i.get("readOnly")]


def test_our_questionnaires_are_those_of_the_contract(shared: Path) -> None:
    contract = (shared / "design/contract.md").read_text(encoding="utf-8")
    said = contract.partition("Our questionnaires: ")[2].partition("\n")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", said))

    assert len(named) == 10
    assert {id_ for type_, id_ in shipped() if type_ == "Questionnaire"} == named


@pytest.mark.parametrize("id_", FORMS)
def test_a_form_is_valid(id_: str) -> None:
    assert Validator.load().problems(_form(id_)) == ()


@pytest.mark.parametrize("id_", FORMS)
def test_a_form_asks_the_items_of_its_instrument_in_their_order(id_: str) -> None:
    instrument = OF_INSTRUMENTS[id_]

    assert [i["linkId"] for i in _questions(id_)] == list(instrument.items)
    for item in _questions(id_):
        own = instrument.items[item["linkId"]]
        coded = [(c["system"], c["code"]) for c in item.get("code", ())]
        assert coded == ([(LOINC, own.code)] if own.is_loinc else [])
        assert not item.get("required")


@pytest.mark.parametrize("id_", FORMS)
def test_every_option_carries_its_number(id_: str) -> None:
    instrument = OF_INSTRUMENTS[id_]
    for item in _questions(id_):
        options = item.get("answerOption", [])
        assert (item["type"] == "choice") == bool(options)
        numbers = {}
        for option in options:
            (extension,) = option["extension"]
            assert extension["url"] == f"{CORE}ordinalValue"
            numbers[option["valueCoding"]["code"]] = extension["valueDecimal"]
            assert option["valueCoding"]["display"]
        answers = instrument.items[item["linkId"]].answers
        assert numbers == {answer.code: answer.points for answer in answers}


@pytest.mark.parametrize("id_", FORMS)
def test_a_number_has_its_bounds(id_: str) -> None:
    for item in _questions(id_):
        if item["type"] == "integer":
            own = OF_INSTRUMENTS[id_].items[item["linkId"]]
            said = {e["url"].removeprefix(CORE): e for e in item["extension"]}
            assert said["minValue"]["valueInteger"] == own.low
            assert said["maxValue"]["valueInteger"] == own.high


@pytest.mark.parametrize("id_", FORMS)
def test_the_totals_are_calculated_and_nobody_types_them(id_: str) -> None:
    instrument = OF_INSTRUMENTS[id_]
    parts = [i for i in knowledge().instruments.values() if i.part_of == instrument.id]

    assert len(_totals(id_)) == 1 + len(parts)
    for item in _totals(id_):
        (extension,) = item["extension"]
        assert extension["url"] == f"{SDC}sdc-questionnaire-calculatedExpression"
        assert extension["valueExpression"]["language"] == "text/fhirpath"
        assert "%resource" in extension["valueExpression"]["expression"]
        assert item["type"] in ("integer", "decimal")


def test_start_back_shows_no_word_of_the_tool() -> None:
    texts = [item["text"] for item in _questions("start-back")]
    options = {
        o["valueCoding"]["display"] for i in _questions("start-back") for o in i["answerOption"]
    }

    assert texts == [f"STarT Back item {number}" for number in range(1, 10)]
    assert options == {
        "Agree",
        "Disagree",
        "First box (lowest)",
        "Second box",
        "Third box",
        "Fourth box",
        "Fifth box (highest)",
    }
    assert not any("display" in c for i in _questions("start-back") for c in i["code"])
    assert "Keele" in _form("start-back")["copyright"]


@pytest.mark.parametrize("id_", ["phq-9", "phq-2", "phq-4", "gad-7"])
def test_the_forms_of_spitzer_and_colleagues_carry_their_notice(id_: str) -> None:
    assert "No permission required" in _form(id_)["copyright"]


@pytest.mark.parametrize("id_", FORMS)
def test_displays_of_loinc_are_the_verified_ones(id_: str, shared: Path) -> None:
    with (shared / "clinical/codes.csv").open(encoding="utf-8", newline="") as file:
        verified = {
            row["code"]: row["display"]
            for row in csv.DictReader(file)
            if row["system"] == LOINC and row["verified_in"].startswith("VERIFIED")
        }

    codings = [node for node in nodes(_form(id_)) if node.get("system") == LOINC]
    for coding in codings:
        assert coding.get("display", "") == verified[coding["code"]]
