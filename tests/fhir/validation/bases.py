"""Small valid resources, and how one thing in them is changed for a case."""

from copy import deepcopy
from typing import Any

Json = dict[str, Any]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def narrative(content: str) -> Json:
    return {"status": "generated", "div": DIV.format(content)}


PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Rossi", "given": ["Ada", "Maria"]}],
    "gender": "female",
    "birthDate": "1980-04-12",
}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": concept(LOINC, "72514-3"),
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-05-28",
    "valueQuantity": {"value": 6, "unit": "{score}", "system": UCUM, "code": "{score}"},
}
PANEL: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": concept(LOINC, "85354-9"),
    "subject": {"reference": "Patient/p1"},
    "component": [{"code": concept(LOINC, "8480-6"), "valueInteger": 120}],
}
RESPONSE: Json = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "authored": "2026-05-28T08:00:00Z",
    "item": [{"linkId": "pain-localised", "answer": [{"valueBoolean": True}]}],
}
CONDITION: Json = {
    "resourceType": "Condition",
    "clinicalStatus": concept(CLINICAL, "active"),
    "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "M54.50"),
    "subject": {"reference": "Patient/p1"},
    "onsetDateTime": "2025-11",
}
REQUEST: Json = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "ibuprofen 400 mg"},
    "subject": {"reference": "Patient/p1"},
    "dosageInstruction": [
        {"timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}},
    ],
}
STATEMENT: Json = {
    "resourceType": "MedicationStatement",
    "status": "active",
    "medicationCodeableConcept": {"text": "apixaban"},
    "subject": {"reference": "Patient/p1"},
    "effectivePeriod": {"start": "2026-01-10", "end": "2026-05-01"},
}
ALLERGY: Json = {
    "resourceType": "AllergyIntolerance",
    "clinicalStatus": concept(ALLERGY_CLINICAL, "active"),
    "code": {"text": "naproxen"},
    "patient": {"reference": "Patient/p1"},
}
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "urn:uuid:6c1a0b9e-2f1d-4d43-8a57-6f0e0b8f4a11", "resource": PATIENT},
        {"resource": OBSERVATION},
    ],
}
QUESTIONNAIRE: Json = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [
        {
            "linkId": "1",
            "type": "group",
            "item": [
                {
                    "linkId": "1.1",
                    "type": "choice",
                    "text": "How often?",
                    "answerOption": [{"valueString": "never"}, {"valueString": "always"}],
                },
                {"linkId": "1.2", "type": "display", "text": "Thank you."},
            ],
        }
    ],
}
PARAMETERS: Json = {
    "resourceType": "Parameters",
    "parameter": [{"name": "subject", "valueString": "p1"}],
}
PROCEDURE: Json = {
    "resourceType": "Procedure",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
}
SERVICE_REQUEST: Json = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
}
ORGANIZATION: Json = {"resourceType": "Organization", "name": "Pain clinic"}
BASES = (
    PATIENT,
    OBSERVATION,
    PANEL,
    RESPONSE,
    CONDITION,
    REQUEST,
    STATEMENT,
    ALLERGY,
    BUNDLE,
    QUESTIONNAIRE,
    PARAMETERS,
    PROCEDURE,
    SERVICE_REQUEST,
    ORGANIZATION,
)


def put(base: Json, path: str, value: Any) -> Json:
    """A copy with ``value`` at ``component.0.code``; an index one past the end appends."""
    changed = deepcopy(base)
    holder, last = _holder(changed, path)
    if isinstance(holder, list) and int(last) == len(holder):
        holder.append(value)
    else:
        holder[_key(holder, last)] = value
    return changed


def without(base: Json, path: str) -> Json:
    """A copy without what stands at ``path``."""
    changed = deepcopy(base)
    holder, last = _holder(changed, path)
    del holder[_key(holder, last)]
    return changed


def _holder(root: Json, path: str) -> tuple[Any, str]:
    *steps, last = path.split(".")
    holder: Any = root
    for step in steps:
        holder = holder[_key(holder, step)]
    return holder, last


def _key(holder: Any, step: str) -> int | str:
    return int(step) if isinstance(holder, list) else step
