"""Everything that the service emits, of every kind, from every vignette: what HL7 has to accept."""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.acceptance.hl7.told import told
from tests.acceptance.wire import AS_OF, Json, bundle, intake, patient, screened
from tests.conftest import ROOT

Named = tuple[str, Json]
REFUSED: tuple[tuple[str, str, bytes], ...] = (
    ("GET", "/fhir/Nothing/1", b""),
    ("GET", "/fhir/Patient/none", b""),
    ("DELETE", "/fhir/Patient/1", b""),
    ("PUT", "/fhir/CarePlan/1", b'{"resourceType":"CarePlan"}'),
    ("POST", "/fhir/Patient", b'{"resourceType":"Patient","x":1}'),
    ("POST", "/fhir/Observation", b'{"resourceType":"Observation","status":"best"}'),
    ("POST", "/fhir/$derive", b"{"),
    ("POST", "/fhir/$derive", b'{"resourceType":"Bundle","type":"collection"}'),
    ("POST", "/fhir/$derive?asOf=2199-01-01", b'{"resourceType":"Bundle","type":"collection"}'),
)


def emitted(service: httpx.Client) -> Iterator[Named]:
    """(name, resource); a Bundle stands for all that it holds."""
    yield "metadata", service.get("/fhir/metadata").raise_for_status().json()
    for name, profile, sent, lists in told():
        query: Any = {"asOf": AS_OF, "guidelineProfile": profile, "complete": lists}
        answer = service.post("/fhir/$derive", params=query, json=sent)
        assert answer.status_code == 200, f"{name}: {answer.text}"
        yield f"derive-{name}", answer.json()
    yield from _shipped(service)
    yield from _answered(service)
    yield from _not_kept(service)
    for number, (method, path, body) in enumerate(REFUSED):
        refusal = service.request(method, path, content=body)
        assert refusal.is_client_error, (method, path)
        yield f"refused-{number}", refusal.json()


def _shipped(service: httpx.Client) -> Iterator[Named]:
    """What examples/ holds, and that again through $apply."""
    for file in sorted((ROOT / "examples").glob("*.json")):
        body = file.read_bytes()
        answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, content=body)
        yield f"derive-{file.stem}", answer.raise_for_status().json()
        data = {"name": "data", "resource": _json(body)}
        subject = {"name": "subject", "valueString": _subject(_json(body))}
        applied = service.post(
            "/fhir/PlanDefinition/clbp-care/$apply",
            json={"resourceType": "Parameters", "parameter": [subject, data]},
        )
        yield f"apply-{file.stem}", applied.raise_for_status().json()


def _answered(service: httpx.Client) -> Iterator[Named]:
    """A plan in force with a declined activity, a revoked one, and the Provenance of both."""
    for outcome in ("changed", "declined"):
        id_ = f"answered-{outcome}"
        sent = bundle(patient(id_), intake(screened(), of=id_))
        plan = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent).json()["entry"][0]
        part = [
            {"name": "id", "valueCode": "EX-01"},
            {"name": "outcome", "valueCode": "declined"},
            {"name": "reason", "valueString": "No way to get there."},
        ]
        given: list[Json] = [
            {"name": "outcome", "valueCode": outcome},
            {"name": "practitioner", "valueReference": {"reference": "Practitioner/dr-smith"}},
            {"name": "note", "valueString": "Talked about on the phone."},
        ]
        if outcome == "changed":
            given.append({"name": "activity", "part": part})
        answer = service.post(
            f"/fhir/CarePlan/{plan['resource']['id']}/$respond",
            json={"resourceType": "Parameters", "parameter": given},
        )
        yield f"respond-{outcome}", answer.raise_for_status().json()
        decision = answer.headers["X-Decision-Id"]
        provenance = service.get(f"/fhir/Provenance/{decision}").raise_for_status().json()
        yield f"provenance-{outcome}", provenance


def _not_kept(service: httpx.Client) -> Iterator[Named]:
    """Without anything stored: goals contained, no version."""
    sent = bundle(patient("unkept"), intake(screened(pain_nrs=7), of="unkept"))
    parameter = [
        {"name": "subject", "valueString": "Patient/unkept"},
        {"name": "data", "resource": sent},
        {"name": "not-a-parameter", "valueString": "warned about"},
    ]
    body = {"resourceType": "Parameters", "parameter": parameter}
    for path in ("$derive", "PlanDefinition/clbp-care/$apply"):
        answer = service.post(f"/fhir/{path}", params={"persist": "false"}, json=body)
        yield f"unkept-{path.rpartition('$')[2]}", answer.raise_for_status().json()


def _json(body: bytes) -> Json:
    return httpx.Response(200, content=body).json()


def _subject(sent: Json) -> str:
    ids = [e["resource"]["id"] for e in sent["entry"] if e["resource"]["resourceType"] == "Patient"]
    return f"Patient/{ids[0]}"
