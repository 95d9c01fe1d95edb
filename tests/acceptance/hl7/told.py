"""The patients of tests/vignettes/patients as the FHIR that an EHR would send of them."""

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.domain.content_parts import Input, ValueType
from app.fhir.canon import ACTIVITY, FINDING, FINDING_VALUE
from app.impact.population import AS_OF, CHECKED, LISTS
from tests.acceptance.wire import Json, bundle
from tests.patients import knowledge

PATIENTS = Path(__file__).resolve().parents[2] / "vignettes" / "patients"
BY_ANOTHER_NAME = frozenset({"gender", "birth-date"})
CODED = {
    "exercise-preference": ACTIVITY,
    "declined-activity": ACTIVITY,
    "gender": "http://hl7.org/fhir/administrative-gender",
}


def told() -> Iterator[tuple[str, str, Json, list[str]]]:
    """Name, guideline profile, Bundle, and the lists that are complete, of every patient."""
    for file in sorted(PATIENTS.glob("*.toml")):
        vignette = tomllib.loads(file.read_text(encoding="utf-8"))
        known = vignette["patient"]
        lists = [*(LISTS if known.get("checked") else ()), *known.get("complete", ())]
        yield (
            file.stem,
            vignette.get("profile", "who"),
            bundle(*_resources(file.stem, known)),
            lists,
        )


def _resources(id_: str, known: Json) -> Iterator[Json]:
    given = {**(CHECKED if known.get("checked") else {}), **known.get("given", {})}
    if known.get("screened"):
        asked = {name: False for name, one in knowledge().inputs.items() if one.gate_question}
        given = {**asked, **given}
    yield _patient(id_, known, str(given.get("gender", "unknown")))
    number = 0
    for name, said in given.items():
        if name in BY_ANOTHER_NAME:
            continue
        for one in said if isinstance(said, list) else [said]:
            number += 1
            yield _observation(id_, number, knowledge().inputs[name], one)
    subject = {"reference": f"Patient/{id_}"}
    for place, entry in enumerate(known.get("condition", ())):
        yield {
            "resourceType": "Condition",
            "id": f"{id_}-c{place}",
            "clinicalStatus": _coded(
                "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "active" if entry.get("current", True) else "resolved",
            ),
            "code": _coded(entry["system"], entry["code"]),
            "subject": subject,
            "recordedDate": _ago(entry.get("onset_days_ago", 1))[:10],
        }
    for place, entry in enumerate(known.get("medicine", ())):
        coded = _coded(entry["system"], entry["code"]) if "code" in entry else {}
        yield {
            "resourceType": "MedicationRequest",
            "id": f"{id_}-m{place}",
            "status": "active" if entry.get("current", True) else "completed",
            "intent": "order",
            "medicationCodeableConcept": coded | {"text": entry.get("text", "medicine")},
            "subject": subject,
            "authoredOn": _ago(1)[:10],
        }
    for place, text in enumerate(known.get("allergy", ())):
        yield {
            "resourceType": "AllergyIntolerance",
            "id": f"{id_}-a{place}",
            "clinicalStatus": _coded(
                "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
            ),
            "category": ["medication"],
            "code": {"text": text},
            "patient": subject,
        }


def _patient(id_: str, known: Json, gender: str) -> Json:
    patient = {"resourceType": "Patient", "id": id_, "gender": gender}
    if "age" in known:
        born = AS_OF.replace(year=AS_OF.year - known["age"]) - timedelta(days=1)
        patient["birthDate"] = born.date().isoformat()
    return patient


def _observation(id_: str, number: int, known: Input, said: Any) -> Json:
    about = said if isinstance(said, dict) else {"value": said}
    system, code = known.codings[0] if known.codings else (FINDING, known.name)
    return {
        "resourceType": "Observation",
        "id": f"{id_}-{number}",
        "status": "final",
        "code": _coded(system, code),
        "subject": {"reference": f"Patient/{id_}"},
        "effectiveDateTime": _ago(about.get("days_ago", 1)),
        **_value(known, about["value"]),
    }


def _value(known: Input, value: Any) -> Json:
    match known.value_type:
        case ValueType.BOOLEAN:
            return {"valueBoolean": value}
        case ValueType.INTEGER:
            return {"valueInteger": value}
        case ValueType.DECIMAL:
            unit = {"system": "http://unitsofmeasure.org", "code": known.unit or "1"}
            return {"valueQuantity": {"value": value, **unit}}
        case ValueType.CODE:
            return {"valueCodeableConcept": _coded(CODED.get(known.name, FINDING_VALUE), value)}
        case ValueType.TEXT:
            return {"valueString": value}
        case ValueType.DATE:
            return {"valueDateTime": value}


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _ago(days: float) -> str:
    return (AS_OF - timedelta(days=days)).isoformat().replace("+00:00", "Z")
