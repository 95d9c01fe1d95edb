"""The CapabilityStatement: what is routed, and nothing else (F-01, F-02)."""

from typing import Any

from app.api.types import DERIVED, PUBLISHED, WRITABLE
from app.fhir.canon import CANON

Json = dict[str, Any]
OPERATIONS = {"PlanDefinition": "apply", "CarePlan": "respond"}


def capability_statement(*, public_url: str, released_on: str, version: str) -> Json:
    """A kind=instance statement for this service."""
    resources = [_entry(t, ("create", "read", "vread")) for t in WRITABLE]
    resources += [_entry(t, ("read", "vread")) for t in DERIVED]
    resources += [_entry(t, ("read",)) for t in PUBLISHED]
    for entry in resources:
        name = OPERATIONS.get(entry["type"])
        if name is not None:
            entry["operation"] = [_operation(name)]
    return {
        "resourceType": "CapabilityStatement",
        "id": "painplan",
        "url": f"{CANON}/CapabilityStatement/painplan",
        "version": version,
        "name": "Painplan",
        "title": "Painplan, decision support for chronic low back pain",
        "status": "active",
        "experimental": True,
        "date": released_on,
        "publisher": "Painplan",
        "kind": "instance",
        "software": {"name": "Painplan", "version": version},
        "implementation": {"description": "Painplan", "url": f"{public_url}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "resource": sorted(resources, key=lambda entry: str(entry["type"])),
                "operation": [_operation("derive")],
            }
        ],
    }


def _operation(name: str) -> Json:
    return {"name": name, "definition": f"{CANON}/OperationDefinition/painplan-{name}"}


def _entry(type_: str, interactions: tuple[str, ...]) -> Json:
    return {
        "type": type_,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned" if "vread" in interactions else "no-version",
    }
