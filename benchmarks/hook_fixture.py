"""The hook fixture of performance.md: order-sign with 40 prefetched resources, about 63 KB."""

import uuid
from typing import Any

import orjson

SIZE = 63_000
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ACTIVE = {
    "coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    ]
}
PROBLEMS = ("M54.50", "I10", "E11.9", "F32.9", "M17.0", "J30.9", "K21.9", "E78.5")
MEDICINES = ("6809", "29046", "83367", "3322", "36567", "8640")
SCORES = (("91147-9", 6.3), ("44261-6", 7), ("91351-7", 4), ("98979-8", 82))
OBSERVATIONS = 24
TRAMADOL = "10689"


def hook_request(number: int) -> bytes:
    """A call about a patient of its own, an opioid beside a benzodiazepine about to be signed."""
    patient = f"hook-{number}"
    subject = {"reference": f"Patient/{patient}"}
    prefetch: dict[str, Any] = {
        "patient": {"resourceType": "Patient", "id": patient, "birthDate": "1961-07-30"},
        "conditions": _bundle([_problem(patient, subject, code) for code in PROBLEMS]),
        "medications": _bundle([_medicine(patient, subject, code) for code in MEDICINES]),
        "allergies": _bundle([_allergy(patient, subject)]),
        "observations": _bundle([_observation(patient, subject, n) for n in range(OBSERVATIONS)]),
    }
    request = {
        "hook": "order-sign",
        "hookInstance": str(uuid.UUID(int=number)),
        "context": {
            "userId": "Practitioner/dr-smith",
            "patientId": patient,
            "draftOrders": _bundle([_draft(subject)]),
        },
        "prefetch": prefetch,
    }
    return orjson.dumps(_filled(request))


def _filled(request: dict[str, Any]) -> dict[str, Any]:
    """Narrative in every prefetched resource, up to the size of the fixture."""
    resources = [
        entry["resource"]
        for value in request["prefetch"].values()
        for entry in value.get("entry", ())
    ]
    short = SIZE - len(orjson.dumps(request))
    each = max(1, short // len(resources) - 90)
    for resource in resources:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{"x" * each}</div>'
        resource["text"] = {"status": "generated", "div": div}
    return request


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def _problem(patient: str, subject: dict[str, str], code: str) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"{patient}-{code}",
        "clinicalStatus": ACTIVE,
        "code": {"coding": [{"system": ICD, "code": code}]},
        "subject": subject,
        "onsetDateTime": "2025-01-10",
    }


def _medicine(patient: str, subject: dict[str, str], code: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": f"{patient}-{code}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]},
        "subject": subject,
        "authoredOn": "2026-04-01",
    }


def _allergy(patient: str, subject: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"{patient}-allergy",
        "patient": subject,
        "code": {"coding": [{"system": SNOMED, "code": "256277009", "display": "Grass pollen"}]},
    }


def _observation(patient: str, subject: dict[str, str], number: int) -> dict[str, Any]:
    code, value = SCORES[number % len(SCORES)]
    return {
        "resourceType": "Observation",
        "id": f"{patient}-o-{number}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": subject,
        "effectiveDateTime": f"2026-05-{number + 1:02}T09:00:00Z",
        "valueQuantity": {"value": value},
    }


def _draft(subject: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "tramadol",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": TRAMADOL}]},
        "subject": subject,
        "reasonCode": [{"coding": [{"system": SNOMED, "code": "278860009"}]}],
    }
