"""Our questionnaires in LHC-Forms: a person fills them in a browser, and the totals are ours.

Needs node, Chromium and the npm package (``npm ci`` in this folder); ``.ci/run`` brings them.
"""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.facts import Bounds, FactValue
from tests.fhir.publishing.published import shipped
from tests.fhir.reading.wire import PATIENT, Json, bundle, record
from tests.patients import knowledge

FOLDER = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
FORMS = (
    "phq-9",
    "gad-7",
    "phq-2",
    "phq-4",
    "peg",
    "start-back",
    "exercise-vital-sign",
    "fm-2016",
)
COMPLETE_FILLS = 3
SEED = 20261126
AUTHORED = "2026-05-28T08:00:00Z"


@dataclass(frozen=True)
class Filled:
    """What was asked for, and the response that LHC-Forms made of it."""

    is_complete: bool
    answers: list[dict[str, Any]]
    response: Json


def _questions(form: str) -> list[Json]:
    items = shipped()["Questionnaire", form]["item"]
    return [item for item in items if item["type"] != "display" and "readOnly" not in item]


def _totals(form: str) -> list[str]:
    items = shipped()["Questionnaire", form]["item"]
    return [item["linkId"] for item in items if item.get("readOnly")]


def _answer(item: Json, chance: random.Random) -> dict[str, Any]:
    link = {"linkId": item["linkId"]}
    match item["type"]:
        case "choice":
            return {**link, "option": chance.randrange(len(item["answerOption"]))}
        case "boolean":
            return {**link, "option": chance.randrange(2)}
        case _:
            said = {e["url"].rpartition("/")[2]: e.get("valueInteger") for e in item["extension"]}
            return {**link, "text": str(chance.randint(said["minValue"], said["maxValue"]))}


def _fills(form: str, chance: random.Random) -> list[dict[str, Any]]:
    """Complete ones, and one in which the last question is left out."""
    fills = []
    for number in range(COMPLETE_FILLS + 1):
        answers = [_answer(item, chance) for item in _questions(form)]
        is_complete = number < COMPLETE_FILLS
        if not is_complete:
            answers.pop()
        fills.append({"answers": answers, "totals": _totals(form) if is_complete else []})
    return fills


@pytest.fixture(scope="module")
def filled() -> Mapping[str, list[Filled]]:
    """Every form, filled in one browser."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium ({CHROMIUM})")
    if not (FOLDER / "node_modules" / "lforms").is_dir():
        pytest.skip("needs LHC-Forms (npm ci in tests/lforms)")
    chance = random.Random(SEED)
    fills = {form: _fills(form, chance) for form in FORMS}
    work = [{"questionnaire": shipped()["Questionnaire", f], "fills": fills[f]} for f in FORMS]
    ended = subprocess.run(
        [node, "fill.mjs"],
        cwd=FOLDER,
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    made = json.loads(ended.stdout)
    return {
        form: [
            Filled(bool(fill["totals"]), fill["answers"], _of_patient(response, form, number))
            for number, (fill, response) in enumerate(zip(fills[form], responses, strict=True))
        ]
        for form, responses in zip(FORMS, made, strict=True)
    }


def _of_patient(response: Json, form: str, number: int) -> Json:
    """The response as it would be sent: whose it is, and a time that is no clock."""
    return {
        **response,
        "id": f"{form}-{number}",
        "subject": {"reference": "Patient/p1"},
        "authored": AUTHORED,
    }


def _shown(one: Filled, form: str) -> dict[str, Decimal]:
    """The totals that LHC-Forms calculated, by the code of each."""
    totals = _totals(form)
    shown = {}
    for item in one.response["item"]:
        if item["linkId"] in totals:
            (answer,) = item["answer"]
            (value,) = answer.values()
            shown[item["linkId"]] = Decimal(str(value))
    return shown


def _without_totals(one: Filled, form: str) -> Json:
    totals = _totals(form)
    items = [item for item in one.response["item"] if item["linkId"] not in totals]
    return {**one.response, "item": items}


def _known_as(form: str) -> dict[str, str]:
    """The input behind each total of a form, by its linkId."""
    content = knowledge()
    known = {}
    for instrument in content.instruments.values():
        whole = content.instruments[instrument.part_of or instrument.id]
        if whole.questionnaire == form:
            total = content.inputs[instrument.total]
            known[total.codings[0][1] if total.codings else total.name] = total.name
    return known


def _read(response: Json) -> dict[str, FactValue]:
    read = record(response)
    assert read.not_used == ()
    return {f.input: f.value for f in read.facts if f.source.startswith("QuestionnaireResponse")}


@pytest.mark.parametrize("form", FORMS)
def test_every_answer_that_was_given_is_in_the_response(
    form: str, filled: Mapping[str, list[Filled]]
) -> None:
    for one in filled[form]:
        links = {item["linkId"] for item in _without_totals(one, form)["item"]}

        assert links == {answer["linkId"] for answer in one.answers}


@pytest.mark.parametrize("form", FORMS)
def test_the_totals_of_lhc_forms_are_ours(form: str, filled: Mapping[str, list[Filled]]) -> None:
    for one in filled[form]:
        shown = _shown(one, form)
        ours = _read(_without_totals(one, form))

        if one.is_complete:
            assert shown.keys() == set(_totals(form))
        for link, total in shown.items():
            assert ours[_known_as(form)[link]] == total


@pytest.mark.parametrize("form", FORMS)
def test_what_lhc_forms_sends_is_read_without_remainder_or_contradiction(
    form: str, filled: Mapping[str, list[Filled]]
) -> None:
    for one in filled[form]:
        told = _read(one.response)

        assert set(_known_as(form).values()) <= told.keys()


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"exercise-vital-sign"}))
def test_a_form_with_an_answer_left_out_shows_no_whole_total(
    form: str, filled: Mapping[str, list[Filled]]
) -> None:
    (one,) = [f for f in filled[form] if not f.is_complete]

    assert _totals(form)[-1] not in _shown(one, form)
    ours = _read(one.response)[_known_as(form)[_totals(form)[-1]]]
    is_prorated = knowledge().instruments[form].prorate > 0
    assert isinstance(ours, Decimal if is_prorated else Bounds)


def test_the_command_line_gives_the_totals_that_lhc_forms_showed(
    filled: Mapping[str, list[Filled]],
) -> None:
    wanted = {
        link: total for form in FORMS for link, total in _shown(filled[form][0], form).items()
    }
    responses = [_without_totals(filled[form][0], form) for form in FORMS]
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", "derive", "-", "--as-of", "2026-06-01T09:00:00Z"],
        input=json.dumps(bundle(PATIENT, *responses)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    names = {name: link for form in FORMS for link, name in _known_as(form).items()}
    labels = {knowledge().inputs[name].label: link for name, link in names.items()}
    given = {
        labels[entry["resource"]["code"]["text"]]: entry["resource"]["valueQuantity"]["value"]
        for entry in json.loads(ended.stdout, parse_float=Decimal, parse_int=Decimal)["entry"]
        if entry["resource"].get("code", {}).get("text") in labels
        and "valueQuantity" in entry["resource"]
    }

    assert given == wanted
