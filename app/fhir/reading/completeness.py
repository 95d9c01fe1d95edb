"""Resources that say "there is nothing else": by them a list is known to be complete."""

from typing import Any

from app.fhir.canon import SNOMED
from app.fhir.reading.terms import codings_of

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
# (system, code) -> the list that it closes (contract §2; IPS, absent and unknown data).
CLOSES = {
    (IPS, "no-known-problems"): "Condition",
    (IPS, "no-known-medications"): "MedicationRequest",
    (IPS, "no-known-allergies"): "AllergyIntolerance",
    (SNOMED, "716186003"): "AllergyIntolerance",
}
VOID = frozenset({"refuted", "entered-in-error"})
ELEMENTS = ("code", "medicationCodeableConcept")


def closed_list(resource: dict[str, Any]) -> str | None:
    """The list that this resource says is complete; None for an ordinary entry."""
    verification = {code for _, code in codings_of(resource.get("verificationStatus"))}
    if verification & VOID or resource.get("status") in VOID:
        return None
    for element in ELEMENTS:
        for pair in codings_of(resource.get(element)):
            if pair in CLOSES:
                return CLOSES[pair]
    return None
