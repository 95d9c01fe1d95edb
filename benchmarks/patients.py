"""Synthetic patients as NDJSON, the same for the same seed: one Bundle a line.

``python -m benchmarks.patients 100000 > patients.ndjson``. Answers are drawn one by one and mean
nothing: the file measures speed, its distribution says nothing about people.
"""

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

PUBLISHED = Path(__file__).parent.parent / "fhir_profiles"
SEED = 20260601
ASKED = ("clbp-intake", "clbp-examination")
WARNINGS = "group-warning-signs"
WARNS, OFTEN, ANSWERED, SCORED = 0.003, 0.35, 0.95, 0.6
ALWAYS = {"pain-location-low-back": True, "pain-duration-weeks": 104}
NUMBER_AT_MOST = 60
LOW, HIGH = (f"http://hl7.org/fhir/StructureDefinition/{name}" for name in ("minValue", "maxValue"))
SCORES = (
    ("91147-9", 0, 100, 10),
    ("44261-6", 0, 27, 1),
    ("91351-7", 0, 9, 1),
    ("72514-3", 0, 10, 1),
    ("97909-6", 0, 100, 1),
)
PROBLEMS = ("M54.50", "M54.16", "E11.9", "I10", "F32.9", "M79.7")
MEDICINES = ("5640", "6813", "25480", "7646", "83367")
BORN, SPAN = date(1936, 1, 1), 25_000


def patients(count: int) -> Iterator[bytes]:
    """``count`` Bundles, each about a patient of its own."""
    asked = [
        orjson.loads((PUBLISHED / f"Questionnaire-{name}.json").read_bytes()) for name in ASKED
    ]
    for number in range(count):
        yield orjson.dumps(_bundle(number, Random(f"{SEED}-{number}"), asked))


def _bundle(number: int, chance: Random, asked: list[dict[str, Any]]) -> dict[str, Any]:
    subject = {"reference": f"Patient/s-{number}"}
    person = {
        "resourceType": "Patient",
        "id": f"s-{number}",
        "gender": chance.choice(("female", "male")),
        "birthDate": (BORN + timedelta(days=chance.randrange(SPAN))).isoformat(),
    }
    resources = [
        person,
        *(_response(number, subject, chance, questionnaire) for questionnaire in asked),
        *_scores(number, subject, chance),
        *_coded(number, subject, chance),
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in resources],
    }


def _response(
    number: int, subject: dict[str, str], chance: Random, questionnaire: dict[str, Any]
) -> dict[str, Any]:
    is_clinician = questionnaire["id"] == "clbp-examination"
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": f"s-{number}-{questionnaire['id']}",
        "status": "completed",
        "questionnaire": questionnaire["url"],
        "subject": subject,
        "authored": "2026-05-28T09:00:00Z",
        "item": list(_answers(questionnaire["item"], chance, OFTEN)),
    }
    if is_clinician:
        response["author"] = {"reference": "Practitioner/s"}
    return response


def _answers(
    items: list[dict[str, Any]], chance: Random, likely: float
) -> Iterator[dict[str, Any]]:
    for item in items:
        inner = item.get("item")
        if inner:
            rare = WARNS if item["linkId"] == WARNINGS else likely
            yield {"linkId": item["linkId"], "item": list(_answers(inner, chance, rare))}
        elif _is_answered(item["type"], chance, likely):
            value = _answer(item, chance, likely)
            if value:
                yield {"linkId": item["linkId"], "answer": [value]}


def _is_answered(type_: str, chance: Random, likely: float) -> bool:
    """A number among the warning signs is most often an alarm, so it is rarely there."""
    if type_ not in ("boolean", "integer", "choice"):
        return False
    return chance.random() < (likely if type_ == "integer" and likely == WARNS else ANSWERED)


def _answer(item: dict[str, Any], chance: Random, likely: float) -> dict[str, Any]:
    given = ALWAYS.get(item["linkId"])
    match item["type"]:
        case "boolean":
            return {"valueBoolean": chance.random() < likely if given is None else given}
        case "integer":
            ends = {
                e["url"]: e["valueInteger"]
                for e in item.get("extension", ())
                if e["url"] in (LOW, HIGH)
            }
            low, high = ends.get(LOW, 0), min(ends.get(HIGH, NUMBER_AT_MOST), NUMBER_AT_MOST)
            return {"valueInteger": chance.randint(low, high) if given is None else given}
        case _:
            if item.get("repeats"):
                return {}
            return dict(chance.choice(item["answerOption"]))


def _scores(number: int, subject: dict[str, str], chance: Random) -> Iterator[dict[str, Any]]:
    for code, low, high, scale in SCORES:
        if chance.random() < SCORED:
            value = chance.randint(low, high) / scale
            yield {
                "resourceType": "Observation",
                "id": f"s-{number}-{code}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": subject,
                "effectiveDateTime": "2026-05-28T09:00:00Z",
                "valueQuantity": {"value": value if scale > 1 else int(value)},
            }


def _coded(number: int, subject: dict[str, str], chance: Random) -> Iterator[dict[str, Any]]:
    active = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for code in chance.sample(PROBLEMS, 2):
        yield {
            "resourceType": "Condition",
            "id": f"s-{number}-{code}",
            "clinicalStatus": {"coding": [{"system": active, "code": "active"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
            "subject": subject,
        }
    for code in chance.sample(MEDICINES, 1):
        drug = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}
        yield {
            "resourceType": "MedicationRequest",
            "id": f"s-{number}-{code}",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [drug]},
            "subject": subject,
            "authoredOn": "2026-05-01",
        }


if __name__ == "__main__":
    for line in patients(int(sys.argv[1])):
        sys.stdout.buffer.write(line + b"\n")
