"""The invariants of our profiles as JSON Schemas, by key: nothing here evaluates FHIRPath."""

from typing import Any

from app.fhir.canon import CANON

STAGE = f"{CANON}/StructureDefinition/activity-stage"
_DO_NOT = {
    "required": ["extension"],
    "properties": {
        "extension": {
            "contains": {
                "required": ["url", "valueCode"],
                "properties": {"url": {"const": STAGE}, "valueCode": {"const": "do-not"}},
            }
        }
    },
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "painplan-careplan-1": {
        "title": "painplan-careplan-1",
        "properties": {"intent": {"enum": ["proposal", "plan"]}},
    },
    "painplan-careplan-2": {
        "title": "painplan-careplan-2",
        "if": _DO_NOT,
        "then": {"properties": {"doNotPerform": {"const": True}}},
        "else": {"properties": {"doNotPerform": {"const": False}}},
    },
    "painplan-careplan-3": {
        "title": "painplan-careplan-3",
        "if": {"required": ["status"], "properties": {"status": {"const": "cancelled"}}},
        "then": {"required": ["statusReason"]},
    },
}
