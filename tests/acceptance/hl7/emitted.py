"""Everything that the service emits, of every kind, from every vignette: what HL7 has to accept."""

from collections.abc import Iterator
from typing import Any

import httpx

from app.fhir.canon import CANON
from tests.acceptance.hl7.told import told
from tests.acceptance.hooks import SIGN, call, imaging, medicine, opioid_with_sedative, request
from tests.acceptance.wire import AS_OF, Json, bundle, finding, intake, patient, screened
from tests.conftest import ROOT

Named = tuple[str, Json]
PHQ_9 = (
    "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3",
    "44260-8",
)  # fmt: skip
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
    yield from _exchanged(service)
    yield from _found(service)
    yield from _extracted(service)
    yield from _hooked(service)
    for number, (method, path, body) in enumerate(REFUSED):
        refusal = service.request(method, path, content=body)
        assert refusal.is_client_error, (method, path)
        yield f"refused-{number}", refusal.json()
    yield from _audited(service)


def _audited(service: httpx.Client) -> Iterator[Named]:
    """What all of that has left in the audit: one event of each kind, and a page of them."""
    page = service.get("/fhir/AuditEvent?_count=500").raise_for_status().json()
    kinds: dict[tuple[object, ...], Json] = {}
    while True:
        for entry in page["entry"]:
            event = entry["resource"]
            shape = [[e["type"]["code"], "query" in e] for e in event.get("entity", ())]
            subtypes = [s.get("code", s["display"]) for s in event.get("subtype", ())]
            kinds[(*subtypes, event["outcome"], len(event["agent"]), str(shape))] = event
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = service.get(following[0]).raise_for_status().json()
    assert len(kinds) > 20, "hardly anything was audited"
    for number, event in enumerate(kinds.values()):
        yield f"audit-{number}", event
    yield "audit-page", service.get("/fhir/AuditEvent?_count=5").raise_for_status().json()


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


def _exchanged(service: httpx.Client) -> Iterator[Named]:
    """What a batch and a transaction answer, the refusals inside included."""
    person, other = "urn:uuid:0a0c2f04-7c1c-4f4b-8f6e-3d5f6f1c0001", "exchanged"
    new = {k: v for k, v in patient().items() if k != "id"}
    told_ = {**finding("pain-localised", True, of="x"), "subject": {"reference": person}}
    entries: list[Json] = [
        {"fullUrl": person, "resource": new, "request": {"method": "POST", "url": "Patient"}},
        {"resource": told_, "request": {"method": "POST", "url": "Observation"}},
        {
            "resource": patient(other),
            "request": {"method": "PUT", "url": f"Patient/{other}"},
        },
        {"request": {"method": "GET", "url": f"Patient/{other}"}},
        {"request": {"method": "GET", "url": "Patient?_count=1"}},
    ]
    failing: list[Json] = [
        {"request": {"method": "GET", "url": "Patient/nobody"}},
        {"request": {"method": "DELETE", "url": f"Patient/{other}"}},
        {"request": {"method": "HEAD", "url": f"Patient/{other}"}},
        {"request": {"method": "GET", "url": f"Patient/{other}", "ifNoneMatch": 'W/"1"'}},
        {
            "resource": patient(other),
            "request": {"method": "PUT", "url": f"Patient/{other}", "ifMatch": 'W/"9"'},
        },
    ]
    alone = {**told_, "subject": {"reference": f"Patient/{other}"}}
    single = {"resource": alone, "request": {"method": "POST", "url": "Observation"}}
    batched = [entries[0], single, *entries[2:], *failing]
    for kind, sent in (("transaction", entries), ("batch", batched)):
        for prefer in ("representation", "minimal", "OperationOutcome"):
            answer = service.post(
                "/fhir",
                json={"resourceType": "Bundle", "type": kind, "entry": sent},
                headers={"Prefer": f"return={prefer}"},
            )
            yield f"{kind}-{prefer}", answer.raise_for_status().json()
    refused = service.post(
        "/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": failing[:1]}
    )
    assert refused.status_code == 404
    yield "transaction-refused", refused.json()


def _found(service: httpx.Client) -> Iterator[Named]:
    """Searches in every shape, histories, everything about one patient, and validations."""
    of = _sought(service)
    plans = f"CarePlan?patient={of}&_include=CarePlan:goal&_revinclude=Provenance:target"
    queries = (
        plans,
        f"{plans}&_summary=true",
        f"CarePlan?patient={of}&_summary=text",
        f"CarePlan?patient={of}&_summary=data",
        f"CarePlan?patient={of}&_elements=title",
        "CarePlan?_summary=count",
        f"Observation?patient={of}&_sort=-date&_count=2",
        f"Observation?patient={of}&_elements=code&_count=3&colour=blue",
        "Observation?patient=nobody",
        "ValueSet?_count=3&_summary=true",
        "Questionnaire?_count=1&_elements=title",
        "Patient/_history?_count=4",
        "Patient/exchanged/_history",
        "CarePlan/_history?_count=2",
        f"Patient/{of}/$everything",
        f"Patient/{of}/$everything?_count=3&colour=blue",
        "Patient/exchanged/$validate",
    )
    for number, query in enumerate(queries):
        answer = service.get(f"/fhir/{query}")
        yield f"found-{number}", answer.raise_for_status().json()
    for number, given in enumerate((patient(), {"resourceType": "Patient", "gender": "F"})):
        answer = service.post("/fhir/Patient/$validate", json=given)
        yield f"validated-{number}", answer.raise_for_status().json()


def _sought(service: httpx.Client) -> str:
    """Somebody whose own resources keep US Core and our form, so that only ours can be wrong."""
    id_ = "sought"
    person = patient(
        id_,
        gender="female",
        name=[{"family": "Sought", "given": ["Ann"]}],
        identifier=[{"system": "https://ehr.example/mrn", "value": id_}],
    )
    said = [finding(name, value, of=id_, id=f"{id_}-{name}") for name, value in screened().items()]
    answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=bundle(person, *said))
    answer.raise_for_status()
    return id_


def _extracted(service: httpx.Client) -> Iterator[Named]:
    """The Observations of forms of every kind, what becomes of them, and nothing to extract."""
    for number, form in enumerate(_forms()):
        answer = service.post("/fhir/QuestionnaireResponse/$extract", json=form)
        extracted = answer.raise_for_status().json()
        yield f"extracted-{number}", extracted
        if extracted["resourceType"] == "Bundle":
            yield (
                f"posted-{number}",
                service.post("/fhir", json=extracted).raise_for_status().json(),
            )


def _forms() -> Iterator[Json]:
    often = {"system": "http://loinc.org", "code": "LA6570-1"}
    yield intake(screened(pain_nrs=7), of="answered-changed")
    yield {
        **intake(screened(), of="answered-changed"),
        "questionnaire": f"{CANON}/Questionnaire/phq-9",
        "item": [{"linkId": item, "answer": [{"valueCoding": often}]} for item in PHQ_9],
    }
    yield {**intake(screened(), of="answered-changed"), "status": "in-progress"}


def _hooked(service: httpx.Client) -> Iterator[Named]:
    """What cards offer to create or change, and the refusals of hooks."""
    calls = (
        (
            "sign",
            request(SIGN, medicine("10689", of="h1"), of="h1", prefetch=opioid_with_sedative("h1")),
        ),
        ("image", request(SIGN, imaging(of="h2"), of="h2")),
        ("view", request("patient-view", of="h3")),
        ("select", request("order-select", imaging(of="h4"), of="h4")),
    )
    offered = 0
    for name, body in calls:
        answer = call(service, body).raise_for_status().json()
        for number, resource in enumerate(_offered(answer)):
            offered += 1
            yield f"hook-{name}-{number}", resource
    assert offered, "no card offers a resource"
    for number, broken in enumerate(
        ({}, {"hook": "order-sign"}, request("patient-view", of="h5") | {"context": {}})
    ):
        refusal = service.post("/cds-services/clbp-order-sign", json=broken)
        assert refusal.is_client_error
        yield f"hook-refused-{number}", refusal.json()


def _offered(answer: Json) -> Iterator[Json]:
    for card in answer["cards"]:
        for suggestion in card.get("suggestions", ()):
            for action in suggestion["actions"]:
                if "resource" in action:
                    yield action["resource"]


def _json(body: bytes) -> Json:
    return httpx.Response(200, content=body).json()


def _subject(sent: Json) -> str:
    ids = [e["resource"]["id"] for e in sent["entry"] if e["resource"]["resourceType"] == "Patient"]
    return f"Patient/{ids[0]}"
