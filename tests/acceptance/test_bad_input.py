"""Bad input: its own clear answer, nothing stored, never a 500."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.fhir.validation import Validator
from app.main import create_app
from app.settings import Settings
from tests.acceptance.wire import AS_OF, bundle, finding, intake, patient
from tests.databases import Kept

DERIVE = f"/fhir/$derive?asOf={AS_OF}"
SECRET = "Geheimnisvoll"


def stored(database: Kept) -> int:
    """How many resource versions and decisions there are."""
    return database.count("resource_version") + database.count("decision")


def changed(resource: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The resource with elements replaced; None takes one away."""
    merged = {**resource, **changes}
    return {name: value for name, value in merged.items() if value is not None}


ODI = {
    **finding("pain-localised", True),
    "code": {"coding": [{"system": "http://loinc.org", "code": "97909-6"}]},
}
del ODI["valueBoolean"]

# name, body, status, where the problem is
REFUSED = [
    ("broken JSON", b'{"resourceType": "Bundle", "type"', 400, None),
    ("no JSON at all", b"\xff\xfe\x00", 400, None),
    ("an empty body", b"", 400, None),
    ("a list", b"[]", 400, None),
    ("a bare number", b"1", 400, None),
    ("a key twice", b'{"resourceType":"Bundle","type":"collection","type":"batch"}', 400, None),
    ("5,000 brackets", b"[" * 5000 + b"]" * 5000, 400, None),
    ("5,000 nested objects", b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, None),
    (
        "5,000 brackets in a resource",
        b'{"resourceType":"Bundle","type":"collection","entry":' + b"[" * 5000 + b"]" * 5000 + b"}",
        400,
        None,
    ),
    (
        "an invalid status",
        bundle(patient(), finding("pain-localised", True, status="finished")),
        400,
        "Bundle.entry[1].resource.status",
    ),
    (
        "a missing code",
        bundle(patient(), changed(finding("pain-localised", True), code=None)),
        400,
        "Bundle.entry[1].resource.code",
    ),
    (
        "a missing status",
        bundle(patient(), changed(intake({"pain-localised": True}), status=None)),
        400,
        "Bundle.entry[1].resource.status",
    ),
    (
        "a number as text",
        bundle(changed(patient(), birthDate=1980)),
        400,
        "Bundle.entry[0].resource.birthDate",
    ),
    (
        "a day that is not in the calendar",
        bundle(patient(birthDate="1980-02-30")),
        400,
        "Bundle.entry[0].resource.birthDate",
    ),
    (
        "two patients",
        bundle(patient("p1"), patient("p2")),
        422,
        "Bundle.entry[1].resource",
    ),
    (
        "a resource of another patient",
        bundle(patient("p1"), finding("pain-localised", True, of="p2")),
        422,
        "Bundle.entry[1].resource.subject",
    ),
    ("no patient", bundle(finding("pain-localised", True)), 422, "Bundle"),
    (
        "a score out of range",
        bundle(patient(), {**ODI, "valueQuantity": {"value": 250, "unit": "%"}}),
        422,
        "Bundle.entry[1].resource.value",
    ),
    (
        "a control character",
        bundle(patient(name=[{"family": "Ros\u0001si"}])),
        400,
        "Bundle.entry[0].resource.name[0].family",
    ),
    ("another resource", {"resourceType": "Patient", "id": "p1"}, 400, "resourceType"),
    ("a type that R4 lacks", {"resourceType": "Patience"}, 400, "resourceType"),
]


@pytest.mark.parametrize(
    ("body", "status", "where"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_it_is_refused_and_nothing_is_stored(
    service: httpx.Client, database: Kept, body: Any, status: int, where: str | None
) -> None:
    before = stored(database)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = service.post(DERIVE, content=content)

    assert answer.status_code == status, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert all(issue["severity"] in ("error", "fatal") for issue in outcome["issue"])
    assert all(issue.get("details", {}).get("text") for issue in outcome["issue"])
    if where is not None:
        expressions = [e for issue in outcome["issue"] for e in issue.get("expression", ())]
        assert any(e.startswith(where) or e.endswith(where) for e in expressions), expressions
    assert stored(database) == before
    assert "Traceback" not in answer.text


def a_thousand_faults() -> dict[str, Any]:
    return changed(finding("pain-localised", True), category=[{"wrong": n} for n in range(1000)])


def in_a_batch() -> dict[str, Any]:
    request = {"method": "POST", "url": "Observation"}
    entry = {"resource": a_thousand_faults(), "request": request}
    return {"resourceType": "Bundle", "type": "batch", "entry": [entry]}


def alone(answer: httpx.Response) -> Any:
    return answer.json()


def of_the_entry(answer: httpx.Response) -> Any:
    return answer.json()["entry"][0]["response"]["outcome"]


@pytest.mark.parametrize(
    ("path", "body", "status", "outcome"),
    [
        ("/fhir/Observation", a_thousand_faults(), 400, alone),
        ("/fhir/Observation/$validate", a_thousand_faults(), 200, alone),
        (DERIVE, bundle(patient(), a_thousand_faults()), 400, alone),
        ("/fhir", in_a_batch(), 200, of_the_entry),
    ],
    ids=["create", "validate", "derive", "batch"],
)
def test_of_a_thousand_faults_a_hundred_are_told_and_the_rest_counted(
    service: httpx.Client,
    path: str,
    body: dict[str, Any],
    status: int,
    outcome: Callable[[httpx.Response], Any],
) -> None:
    answer = service.post(path, json=body)

    assert answer.status_code == status, answer.text
    issues = outcome(answer)["issue"]
    assert len(issues) == 101
    assert issues[99]["expression"][0].endswith(".category[99].wrong")
    assert issues[100]["details"]["text"].startswith(
        "Only the first 100 problems are listed; 900 more were found."
    )
    assert {issue["severity"] for issue in issues} == {"error"}
    assert Validator.load().problems(outcome(answer)) == ()


def test_one_invalid_entry_refuses_the_whole(service: httpx.Client, database: Kept) -> None:
    before = stored(database)
    body = bundle(
        patient("whole"),
        finding("pain-localised", True, of="whole"),
        finding("pain-disproportionate", True, of="whole", status="nonsense"),
    )

    answer = service.post(DERIVE, json=body)

    assert answer.status_code == 400
    assert stored(database) == before
    assert service.get("/fhir/Patient/whole").status_code == 404


def test_a_body_of_20_mb_is_too_large(service: httpx.Client) -> None:
    answer = service.post(DERIVE, content=b" " * (20 * 1024 * 1024))

    assert answer.status_code == 413
    assert answer.json()["issue"][0]["code"] == "too-long"


def test_a_body_of_20_mb_without_a_length_is_too_large(service: httpx.Client) -> None:
    answer = service.post(DERIVE, content=iter([b" " * (1024 * 1024)] * 20))

    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/fhir+xml", "application/xml"])
def test_another_content_type_is_not_supported(service: httpx.Client, kind: str) -> None:
    answer = service.post(DERIVE, json=bundle(patient()), headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/fhir+json; Charset=latin-1"}, 415),
        ({"Content-Type": 'application/fhir+json; CHARSET="UTF-8"'}, 200),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "identity"}, 200),
    ],
)
def test_how_the_body_is_written_is_looked_at(
    service: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = service.post(DERIVE, json=bundle(patient("written")), headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml",
        "*/*;q=0",
        "application/json;q=0, application/fhir+xml",
        "application/fhir+json; Q=0.000",
    ],
)
def test_an_answer_in_another_form_cannot_be_had(service: httpx.Client, accept: str) -> None:
    assert service.get("/fhir/metadata", headers={"Accept": accept}).status_code == 406


def test_json_with_little_weight_is_still_had(service: httpx.Client) -> None:
    accept = "application/fhir+xml, application/json;q=0.1"

    assert service.get("/fhir/metadata", headers={"Accept": accept}).status_code == 200


def test_an_unknown_unit_is_listed_and_the_value_unknown(service: httpx.Client) -> None:
    weight = finding("pain-duration-weeks", 52, of="unit")
    del weight["valueInteger"]
    weight["valueQuantity"] = {
        "value": 52,
        "system": "http://unitsofmeasure.org",
        "code": "[smoot]",
    }

    answer = service.post(DERIVE, json=bundle(patient("unit"), weight))

    assert answer.status_code == 200
    decision = service.get(f"/decisions/{answer.headers['X-Decision-Id']}").json()
    listed = {entry["reference"]: entry["why"] for entry in decision["notUsed"]}
    assert "[smoot]" in listed["Observation/unit-pain-duration-weeks"]
    assert all(
        fact["input"] != "pain-duration-weeks"
        for rule in decision["rules"]
        for fact in rule["facts"]
    )


def test_a_future_date_is_listed_and_not_used(service: httpx.Client) -> None:
    late = finding("pain-localised", True, of="future", effectiveDateTime="2026-06-02T09:00:00Z")

    answer = service.post(DERIVE, json=bundle(patient("future"), late))

    decision = service.get(f"/decisions/{answer.headers['X-Decision-Id']}").json()
    assert any("pain-localised" in entry["reference"] for entry in decision["notUsed"])


def test_an_as_of_in_the_future_is_refused(service: httpx.Client) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()

    answer = service.post("/fhir/$derive", params={"asOf": ahead}, json=bundle(patient("ahead")))

    assert answer.status_code == 422
    assert "asOf" in answer.text


@pytest.mark.parametrize("as_of", ["0001-01-01", "0130", "1899-12-31"])
def test_an_as_of_before_1900_is_refused(service: httpx.Client, as_of: str) -> None:
    answer = service.post("/fhir/$derive", params={"asOf": as_of}, json=bundle(patient("past")))

    assert answer.status_code == 422
    assert "1900" in answer.text


@pytest.mark.parametrize("as_of", ["yesterday", "2026-13-01", "2026-06-01T25:00:00Z", ""])
def test_an_as_of_that_is_no_instant_is_refused(service: httpx.Client, as_of: str) -> None:
    answer = service.post("/fhir/$derive", params={"asOf": as_of}, json=bundle(patient("ahead")))

    assert answer.status_code in (400, 422)


def test_an_unknown_questionnaire_and_an_unmatched_item_are_listed(service: httpx.Client) -> None:
    other = intake({"my-own-question": True}, of="other", questionnaire="https://x.example/form")

    answer = service.post(DERIVE, json=bundle(patient("other"), other))

    decision = service.get(f"/decisions/{answer.headers['X-Decision-Id']}").json()
    listed = [entry for entry in decision["notUsed"] if "other-intake" in entry["reference"]]
    assert any("my-own-question" in entry["why"] for entry in listed)


def test_an_unmatched_item_of_our_own_form_is_listed(service: httpx.Client) -> None:
    own = intake({"no-such-question": True, "pain-localised": True}, of="own")

    answer = service.post(DERIVE, json=bundle(patient("own"), own))

    decision = service.get(f"/decisions/{answer.headers['X-Decision-Id']}").json()
    assert any("no-such-question" in entry["why"] for entry in decision["notUsed"])
    assert not any("pain-localised" in entry["why"] for entry in decision["notUsed"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/Nothing/1", 404),
        ("POST", "/fhir/Nothing", 404),
        ("GET", "/fhir/Patient/not-here", 404),
        ("POST", "/fhir/CarePlan", 405),
        ("DELETE", "/fhir/Patient/p1", 405),
        ("PUT", "/fhir/CarePlan/1", 405),
        ("GET", "/fhir/Patient/p1/_history/99", 404),
        ("GET", "/fhir/Patient/p1/_history/x", 404),
        ("GET", "/no/such/path", 404),
        ("GET", "/decisions/none", 404),
        ("GET", "/decisions", 400),
        ("POST", "/healthz", 405),
        ("POST", "/fhir//Patient", 404),
        ("GET", "/fhir/Patient//", 404),
    ],
)
def test_errors_of_paths_have_a_body(
    service: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = service.request(method, path, json=patient() if method in ("POST", "PUT") else None)

    assert answer.status_code == status
    kind = "application/fhir+json" if path.startswith("/fhir") else "application/problem+json"
    assert answer.headers["content-type"].startswith(kind)
    if status == 405:
        assert answer.headers["allow"]


def test_no_value_of_the_patient_is_quoted_or_logged(
    service: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    body = bundle(
        patient("quiet", name=[{"family": SECRET}], gender=SECRET),
        finding("pain-localised", True, of="quiet", note=[{"text": SECRET}], status=SECRET),
    )

    answer = service.post(DERIVE, json=body)

    assert answer.status_code == 400
    assert SECRET not in answer.text
    written = capfd.readouterr()
    assert SECRET not in written.out + written.err


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_without_authentication_only_this_machine_may_ask(service: httpx.Client, host: str) -> None:
    answer = service.get("/fhir/metadata", headers={"Host": host})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (("127.0.0.1", 1), 200),
        (("::1", 1), 200),
        (("::ffff:127.0.0.1", 1), 200),
        (("192.0.2.7", 1), 403),
        (("2001:db8::7", 1), 403),
        (("::ffff:192.0.2.7", 1), 403),
        (("testclient", 50000), 200),
    ],
)
async def test_without_authentication_nobody_asks_from_another_machine(
    tmp_path: Path, client: tuple[str, int], status: int
) -> None:
    """A server can be told to listen everywhere, and anybody may write ``Host: localhost``."""
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/x.db", log_level="ERROR"))
    transport = httpx.ASGITransport(app, client=client)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as service,
    ):
        assert (await service.get("/fhir/metadata")).status_code == status
        assert (await service.get("/healthz")).status_code == 200


def test_without_authentication_nothing_is_forwarded(service: httpx.Client) -> None:
    answer = service.get("/fhir/metadata", headers={"X-Forwarded-For": "10.0.0.1"})

    assert answer.status_code == 403


def test_a_control_character_of_what_is_not_read_leaves_the_narrative_valid(
    service: httpx.Client,
) -> None:
    slot = {"resourceType": "Slot", "id": "a\u0001b\uffff", "start": "never"}

    sent = bundle(patient("strange"), slot)
    del sent["entry"][1]["fullUrl"]

    answer = service.post(DERIVE, json=sent)

    assert answer.status_code == 200
    assert "Slot/ab: a type" in answer.json()["entry"][0]["resource"]["text"]["div"]
    assert "\\u0001" not in answer.text
    assert Validator.load().problems(answer.json()) == ()
