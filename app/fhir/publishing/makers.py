"""Who made it: the Device and the Organization that everything derived refers to."""

from app.domain.content import Content
from app.fhir.publishing.resource import FHIR_VERSION, PUBLISHER, Json, narrative

ID = "painplan"
UNSIGNED = "The clinical content of this version has not been signed by a clinician."


def makers(content: Content) -> list[Json]:
    """``Device/painplan`` and ``Organization/painplan``."""
    return [_device(content), _organization()]


def _device(content: Content) -> Json:
    device: Json = {
        "resourceType": "Device",
        "id": ID,
        "language": "en",
        "text": narrative(PUBLISHER, content.intended_use),
        "status": "active",
        "manufacturer": PUBLISHER,
        "deviceName": [{"name": PUBLISHER, "type": "manufacturer-name"}],
        "type": {"text": "Software: decision support for chronic low back pain"},
        "version": [
            {"type": {"text": "Clinical content"}, "value": content.version},
            {"type": {"text": "FHIR"}, "value": FHIR_VERSION},
        ],
        "owner": {"reference": f"Organization/{ID}"},
        "note": [{"text": content.intended_use}],
    }
    if not content.signed:
        device["note"].append({"text": UNSIGNED})
    return device


def _organization() -> Json:
    return {
        "resourceType": "Organization",
        "id": ID,
        "language": "en",
        "text": narrative(PUBLISHER, "The makers of Painplan."),
        "active": True,
        "name": PUBLISHER,
        "alias": ["The makers of Painplan"],
    }
