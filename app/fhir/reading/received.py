"""One resource as it came: whose it is, and what the history indexes of it."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from app.domain.history import Stored
from app.domain.submission import Received
from app.fhir.reading.terms import codings_of
from app.fhir.reading.times import last_updated
from app.fhir.searching.values import search_values

NAMESPACE = uuid.UUID("0c8a4c0e-6d62-5f4e-9c29-6b6a1de0f7a1")
SUBJECT = {
    "QuestionnaireResponse": "subject",
    "Observation": "subject",
    "Condition": "subject",
    "MedicationRequest": "subject",
    "MedicationStatement": "subject",
    "AllergyIntolerance": "patient",
    "Procedure": "subject",
    "ServiceRequest": "subject",
    "DiagnosticReport": "subject",
    "Encounter": "subject",
}
_UUID = re.compile(r"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def received(  # noqa: PLR0913  (a resource and what it came with)
    body: bytes,
    resource: dict[str, Any],
    *,
    full_url: str | None,
    references: Mapping[str, str],
    where: str = "",
    is_kept: bool = True,
) -> Received:
    """Take one resource in; ``references`` maps fullUrls of the same bundle to ``Type/id``.

    What is not kept (the prefetch of a hook) is not searched either.
    """
    type_ = str(resource["resourceType"])
    id_ = identity(resource, full_url, body)
    return Received(
        type=type_,
        id=id_,
        body=body,
        sha256=hashlib.sha256(body).digest(),
        parsed=resource,
        patient=id_ if type_ == "Patient" else patient_of(resource, references),
        status=_status(resource),
        source=full_url,
        last_updated=last_updated(resource),
        birth_date=resource.get("birthDate") if type_ == "Patient" else None,
        where=where,
        search=search_values(resource) if is_kept else (),
    )


def from_history(stored: Stored) -> Received:
    """A stored version, parsed again; its patient is the one it was stored for."""
    version = stored.version
    resource = orjson.loads(version.body)
    return Received(
        type=version.type,
        id=version.id,
        body=version.body,
        sha256=version.sha256,
        parsed=resource,
        patient=version.patient,
        status=version.status,
        source=version.source,
        last_updated=last_updated(resource),
        birth_date=resource.get("birthDate") if version.type == "Patient" else None,
        version=version.version,
    )


def identity(resource: dict[str, Any], full_url: str | None, body: bytes) -> str:
    """The id it carries, the uuid of its fullUrl, or one derived from its content."""
    if isinstance(resource.get("id"), str):
        return str(resource["id"])
    if full_url is not None and _UUID.fullmatch(full_url):
        return full_url.removeprefix("urn:uuid:")
    return str(uuid.uuid5(NAMESPACE, hashlib.sha256(body).hexdigest()))


def subject_reference(resource: dict[str, Any]) -> str | None:
    """The reference to its subject, as it stands; None where the type or the resource has none."""
    element = SUBJECT.get(str(resource.get("resourceType")))
    if element is None:
        return None
    subject = resource.get(element)
    if not isinstance(subject, dict):
        return None
    reference = subject.get("reference")
    return reference if isinstance(reference, str) else None


def patient_of(resource: dict[str, Any], references: Mapping[str, str]) -> str | None:
    """The logical id of the Patient it belongs to, None when it names none."""
    return logical_patient(subject_reference(resource), references)


def logical_patient(reference: str | None, references: Mapping[str, str]) -> str | None:
    """``Patient/p1``, ``https://.../Patient/p1/_history/2`` or a fullUrl as ``p1``."""
    if reference is None:
        return None
    plain = references.get(reference, reference).partition("/_history/")[0]
    head, _, id_ = plain.rpartition("/")
    if head == "Patient" or head.endswith("/Patient"):
        return id_
    return None


def _status(resource: dict[str, Any]) -> str | None:
    status = resource.get("status")
    if isinstance(status, str):
        return status
    clinical = codings_of(resource.get("clinicalStatus"))
    return clinical[0][1] if clinical else None
