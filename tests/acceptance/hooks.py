"""Requests of a CDS Hooks client, as small as they may be, and what is looked at in the answer."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from tests.acceptance.wire import SCREEN, Json, finding, patient

JSON = {"Content-Type": "application/json"}
SELECT, SIGN, VIEW = "order-select", "order-sign", "patient-view"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CHRONIC = {"coding": [{"system": SNOMED, "code": "278860009"}], "text": "Chronic low back pain"}
TRAMADOL, DIAZEPAM = "10689", "3322"


def concept(system: str, code: str, text: str = "") -> Json:
    told = {"coding": [{"system": system, "code": code}]}
    return {**told, "text": text} if text else told


def problem(of: str = "p1", code: Json = CHRONIC) -> Json:
    return {
        "resourceType": "Condition",
        "id": f"{of}-c1",
        "clinicalStatus": concept(
            "http://terminology.hl7.org/CodeSystem/condition-clinical", "active"
        ),
        "code": code,
        "subject": {"reference": f"Patient/{of}"},
        "onsetDateTime": "2024-01-01",
    }


def taken(code: str, of: str = "p1", text: str = "") -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": f"{of}-{code}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code, text),
        "subject": {"reference": f"Patient/{of}"},
        "authoredOn": "2026-10-01",
    }


def medicine(code: str, of: str = "p1", **more: Any) -> Json:
    """A draft of a medicine for low back pain."""
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code),
        "subject": {"reference": f"Patient/{of}"},
        "reasonCode": [CHRONIC],
        **more,
    }


def imaging(of: str = "p1", **more: Any) -> Json:
    """A draft of an X-ray of the lumbar spine for low back pain."""
    return {
        "resourceType": "ServiceRequest",
        "id": "i1",
        "status": "draft",
        "intent": "order",
        "code": concept("http://loinc.org", "24972-2", "XR Spine Lumbar"),
        "subject": {"reference": f"Patient/{of}"},
        "reasonCode": [CHRONIC],
        **more,
    }


def searchset(*resources: Json) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": r} for r in resources],
    }


def prefetch(of: str = "p1", *medicines: Json, observations: tuple[Json, ...] = ()) -> Json:
    """Everything looked up: a person with chronic low back pain."""
    return {
        "patient": patient(of),
        "conditions": searchset(problem(of)),
        "medications": searchset(*medicines),
        "allergies": None,
        "observations": searchset(*observations),
        "responses": None,
        "reports": None,
    }


def opioid_with_sedative(of: str = "p1") -> Json:
    """What is looked up of a person who takes diazepam."""
    return prefetch(of, taken(DIAZEPAM, of))


def request(hook: str = SIGN, *drafts: Json, of: str = "p1", **more: Any) -> Json:
    context: Json = {"userId": "Practitioner/dr", "patientId": of}
    if hook != VIEW:
        entries = [{"resource": draft} for draft in drafts]
        context["draftOrders"] = {"resourceType": "Bundle", "entry": entries}
    if hook == SELECT:
        context["selections"] = [f"{d['resourceType']}/{d['id']}" for d in drafts]
    return {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        "prefetch": prefetch(of),
        **more,
    }


def call(service: httpx.Client, body: Json, id_: str = "") -> httpx.Response:
    """Post to the service of the hook."""
    path = id_ or f"clbp-{body.get('hook')}"
    return service.post(f"/cds-services/{path}", json=body, headers=JSON)


def answered(service: httpx.Client, body: Json) -> Json:
    """The answer, which has to be one."""
    response = call(service, body)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


def rules(answer: Json) -> list[str]:
    return [card["extension"]["health.painplan.rule"] for card in answer["cards"]]


def card_of(answer: Json, rule: str) -> Json:
    return next(c for c in answer["cards"] if c["extension"]["health.painplan.rule"] == rule)


def actions(answer: Json) -> Iterator[Json]:
    for card in answer["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield from suggestion["actions"]


def refused(response: httpx.Response, status: int, expression: str) -> None:
    """An OperationOutcome that names the element."""
    assert response.status_code == status, response.text
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    named = [e for issue in outcome["issue"] for e in issue.get("expression", ())]
    assert expression in named, outcome


def screened_findings(of: str = "p1") -> tuple[Json, ...]:
    """Every gate question answered no, today."""
    recent = {"effectiveDateTime": "2026-11-20T09:00:00Z"}
    return tuple(finding(name, False, of=of, **recent) for name in SCREEN)
