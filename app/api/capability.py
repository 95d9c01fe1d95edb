"""The CapabilityStatement, made from the table that the routes ask (F-01, F-02)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.api.interactions import DERIVE, OFFERED, SYSTEM, Offer, Operation
from app.api.types import AUDIT
from app.fhir.canon import CANON
from app.fhir.searching.parameters import Parameter

Json = dict[str, Any]
MODIFIERS = {
    "token": "Modifiers: missing, not.",
    "date": "Prefixes: eq, ne, gt, lt, ge, le, sa, eb, ap. Modifier: missing.",
    "reference": "Modifier: missing.",
    "uri": "Modifier: missing.",
    "string": "Modifiers: missing, exact.",
}
PATIENT = "As Patient/id, id or an absolute reference. Modifier: Patient."
OWN = {
    "_id": "No modifiers.",
    "_lastUpdated": "Prefixes: eq, ne, gt, lt, ge, le, sa, eb, ap. No modifiers.",
    "patient": PATIENT,
    "subject": PATIENT,
}
RESULTS = (
    (
        "_count",
        "number",
        "0 to 500 matches a page, 50 where it is not sent; fewer where they are long.",
    ),
    ("_sort", "string", "_lastUpdated, _id or a date of the type; - in front for descending."),
    ("_total", "token", "none, estimate or accurate (both are exact)."),
    ("_summary", "token", "true, text, data, count or false."),
    ("_elements", "string", "Top-level elements; mandatory ones stay."),
)
AUDITED = {
    "agent": "The reference of the user, or the name of the client. Modifier: missing.",
    "entity": "What was read or written, in any version of it; or the patient. Modifier: missing.",
}
SECURITY: Json = {
    "service": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }
            ],
            "text": "SMART on FHIR",
        }
    ],
    "description": "SMART Backend Services: see .well-known/smart-configuration for the tokens.",
}
HOOKS = (
    "FHIR R4 by REST. Beside this base, at /cds-services: CDS Hooks 2.0 (patient-view, "
    "order-select, order-sign)."
)
CONDITIONS = {"create": "conditionalCreate", "update": "conditionalUpdate"}


def capability_statement(
    *,
    public_url: str,
    released_on: str,
    version: str,
    profiles: Mapping[str, Sequence[str]] = MappingProxyType({}),
    is_secured: bool = False,
) -> Json:
    """A kind=instance statement for this service. ``profiles`` of ours by the type they are of."""
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
                "documentation": HOOKS,
                **({"security": SECURITY} if is_secured else {}),
                "resource": [
                    _resource(type_, OFFERED[type_], profiles.get(type_, ()))
                    for type_ in sorted(OFFERED)
                ],
                "interaction": [{"code": code} for code in SYSTEM],
                "searchParam": [_result(*result) for result in RESULTS],
                "operation": [_operation(DERIVE)],
            }
        ],
    }


def _resource(type_: str, offer: Offer, profiles: Sequence[str]) -> Json:
    """One type: only what it offers is said."""
    entry: Json = {
        "type": type_,
        **({"supportedProfile": list(profiles)} if profiles else {}),
        "interaction": [{"code": code} for code in offer.interactions],
        "versioning": "versioned" if offer.takes("vread") else "no-version",
    }
    if offer.takes("vread"):
        entry["readHistory"] = True
    entry["updateCreate"] = offer.takes("update")
    for interaction, name in CONDITIONS.items():
        entry[name] = offer.takes(interaction)
    entry["conditionalRead"] = "full-support" if offer.takes("vread") else "not-match"
    entry["conditionalDelete"] = "not-supported"
    if offer.includes:
        entry["searchInclude"] = list(offer.includes)
    if offer.revincludes:
        entry["searchRevInclude"] = list(offer.revincludes)
    entry["searchParam"] = [_parameter(type_, parameter) for parameter in offer.parameters]
    if offer.operations:
        entry["operation"] = [_operation(operation) for operation in offer.operations]
    return entry


def _parameter(type_: str, parameter: Parameter) -> Json:
    own = {**OWN, **AUDITED} if type_ == AUDIT else OWN
    return {
        "name": parameter.name,
        "definition": parameter.definition,
        "type": parameter.kind,
        "documentation": own.get(parameter.name, MODIFIERS[parameter.kind]),
    }


def _result(name: str, kind: str, documentation: str) -> Json:
    return {"name": name, "type": kind, "documentation": documentation}


def _operation(operation: Operation) -> Json:
    return {"name": operation.name, "definition": operation.definition}
