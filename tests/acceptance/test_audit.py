"""Who saw what of whom: a row before every answer, told as IHE's audit events (BALP)."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.api.acts import ACTS, OPEN
from app.fhir.validation import Validator
from app.main import create_app
from tests.acceptance.hooks import SIGN, TRAMADOL, call, medicine, request
from tests.acceptance.test_kill import running
from tests.acceptance.wire import AS_OF, Json, bundle, finding, intake, patient, screened
from tests.databases import Kept

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
REST = "http://terminology.hl7.org/CodeSystem/audit-event-type"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INTAKE = "QuestionnaireResponse/seen-intake"
SOURCE, DESTINATION = "110153", "110152"
NEW = "CREATE TRIGGER disk_full BEFORE INSERT ON audit_event"
FAILS = """
    CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'disk full'; END $$
"""
FULL = {
    True: (f"{NEW} BEGIN SELECT RAISE(ABORT, 'disk full'); END",),
    False: (FAILS, f"{NEW} FOR EACH STATEMENT EXECUTE FUNCTION disk_full()"),
}
READ = "WHEN (NEW.interaction = 'read')"
FULL_FOR_READS = {
    True: (f"{NEW} {READ} BEGIN SELECT RAISE(ABORT, 'disk full'); END",),
    False: (FAILS, f"{NEW} FOR EACH ROW {READ} EXECUTE FUNCTION disk_full()"),
}


def events(service: httpx.Client, request_id: str) -> list[Json]:
    """What one request has left, oldest first."""
    found = service.get("/fhir/AuditEvent", params={"_count": 500}).raise_for_status().json()
    resources = [entry["resource"] for entry in reversed(found.get("entry", []))]
    return events_of(resources, request_id)


def events_of(found: list[Json], request_id: str) -> list[Json]:
    """Those that a request has left."""
    return [event for event in found if asked_by(event) == request_id]


def asked_by(event: Json) -> str:
    for entity in event.get("entity", ()):
        if entity["type"]["code"] == "XrequestId":
            return str(entity["what"]["identifier"]["value"])
    return ""


def whose(event: Json) -> str:
    for entity in event.get("entity", ()):
        if entity["type"]["code"] == "1":
            return str(entity["what"]["reference"])
    return ""


def about(event: Json) -> Any:
    for entity in event.get("entity", ()):
        if entity.get("role", {}).get("code") == "4":
            return entity["what"].get("reference") or entity["what"]["identifier"]["value"]
    return ""


def asked(event: Json) -> bytes:
    queries = [entity["query"] for entity in event.get("entity", ()) if "query" in entity]
    return base64.b64decode(queries[0]) if queries else b""


def done(event: Json) -> str:
    return str(event["subtype"][0]["code"]) if "subtype" in event else ""


def kinds(event: Json) -> list[str]:
    return [agent["type"]["coding"][0]["code"] for agent in event["agent"]]


@pytest.fixture(scope="module")
def plan(service: httpx.Client) -> str:
    """The id of the plan of a patient who is kept."""
    sent = bundle(patient("seen"), intake(screened(), of="seen"))
    made = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent).raise_for_status()
    return str(made.json()["entry"][0]["resource"]["id"])


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    ("path", "interaction", "action", "what"),
    [
        ("/fhir/Patient/seen", "read", "R", "Patient/seen"),
        ("/fhir/Patient/seen/_history/1", "vread", "R", "Patient/seen/_history/1"),
        ("/fhir/Patient/seen/_history", "history-instance", "R", "Patient/seen"),
        ("/fhir/CarePlan?patient=seen", "search-type", "E", ""),
        ("/fhir/Patient/seen/$everything", "operation", "E", "Patient/seen"),
        (f"/fhir/{INTAKE}", "read", "R", INTAKE),
        ("/decisions?patient=seen", "operation", "E", ""),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_patient_is_told_with_who_and_when(
    service: httpx.Client, path: str, interaction: str, action: str, what: str
) -> None:
    name = f"shown-{abs(hash(path))}"
    service.get(path, headers={"X-Request-Id": name}).raise_for_status()

    (event,) = events(service, name)

    assert (done(event), event["action"], event["outcome"]) == (interaction, action, "0")
    assert (whose(event), about(event)) == ("Patient/seen", what)
    assert event["type"]["system"] == REST
    assert event["agent"][0]["network"]["address"] == "127.0.0.1"
    roles = [SOURCE, DESTINATION] if action == "E" else [DESTINATION, SOURCE]
    assert kinds(event) == roles
    assert Validator.load().problems(event) == ()


def test_a_write_is_told_once_with_what_it_wrote(service: httpx.Client) -> None:
    headers = {"X-Request-Id": "written"}
    sent = finding("pain-localised", True, of="writes")
    service.put(f"/fhir/Observation/{sent['id']}", json=sent, headers=headers).raise_for_status()
    service.put(f"/fhir/Observation/{sent['id']}", json=sent, headers=headers).raise_for_status()

    found = events(service, "written")

    assert [done(event) for event in found] == ["create", "update"]
    assert {whose(event) for event in found} == {"Patient/writes"}
    assert {about(event) for event in found} == {f"Observation/{sent['id']}"}


def test_a_search_is_kept_as_it_was_sent_and_told_patient_by_patient(
    service: httpx.Client,
) -> None:
    for id_ in ("one", "two"):
        service.put(f"/fhir/Patient/{id_}", json=patient(id_)).raise_for_status()
    form = {**FORM, "X-Request-Id": "many"}
    service.request("POST", "/fhir/Patient/_search", data={"_id": "one,two"}, headers=form)
    service.get("/fhir/Patient?_id=nobody", headers={"X-Request-Id": "none"})
    service.get("/fhir/Observation?patient=nobody", headers={"X-Request-Id": "named"})

    found = events(service, "many")

    assert {whose(event) for event in found} == {"Patient/one", "Patient/two"}
    assert {asked(event) for event in found} == {b"POST /fhir/Patient/_search\n\n_id=one%2Ctwo"}
    (none,), (named,) = events(service, "none"), events(service, "named")
    assert (whose(none), asked(none)) == ("", b"GET /fhir/Patient?_id=nobody")
    assert whose(named) == "Patient/nobody"


def test_what_is_refused_is_told_too(service: httpx.Client) -> None:
    refused = {
        "gone": ("GET", "/fhir/Patient/not-there", "read"),
        "deleted": ("DELETE", "/fhir/Patient/seen", "delete"),
        "nowhere": ("GET", "/nowhere", ""),
        "broken": ("POST", "/fhir/$derive", "operation"),
    }
    for name, (method, path, _) in refused.items():
        answer = service.request(method, path, headers={"X-Request-Id": name})
        assert answer.is_client_error

    for name, (_, _, interaction) in refused.items():
        (event,) = events(service, name)
        assert (done(event), event["outcome"]) == (interaction, "4"), name
        assert "answered with 4" in event["outcomeDesc"]
        assert Validator.load().problems(event) == ()
    assert whose(events(service, "deleted")[0]) == "Patient/seen"


def test_a_hook_is_told_with_its_user_and_its_decision(service: httpx.Client) -> None:
    body = request(SIGN, medicine(TRAMADOL, of="hooked"), of="hooked")
    headers = {"X-Request-Id": "a-hook"}
    answer = service.post("/cds-services/clbp-order-sign", json=body, headers=headers)
    decision = answer.raise_for_status().headers["X-Decision-Id"]

    (event,) = events(service, "a-hook")

    assert [s.get("code") or s["display"] for s in event["subtype"]] == ["operation", "order-sign"]
    assert (whose(event), about(event)) == ("Patient/hooked", decision)
    assert kinds(event) == [SOURCE, DESTINATION, "IRCP"]
    assert event["agent"][2]["who"]["reference"] == body["context"]["userId"]
    assert call(service, body).status_code == 200


def test_a_bundle_is_told_entry_by_entry(service: httpx.Client) -> None:
    entries: list[Json] = [
        {
            "resource": patient("bundled"),
            "request": {"method": "PUT", "url": "Patient/bundled"},
        },
        {"request": {"method": "GET", "url": "Patient/bundled"}},
        {"request": {"method": "GET", "url": "Patient/not-there"}},
    ]
    for kind, sent in (("batch", entries), ("transaction", entries[:2])):
        service.post(
            "/fhir",
            json={"resourceType": "Bundle", "type": kind, "entry": sent},
            headers={"X-Request-Id": f"a-{kind}"},
        ).raise_for_status()

    told = {
        kind: sorted((done(e), e["outcome"]) for e in events(service, f"a-{kind}"))
        for kind in ("batch", "transaction")
    }

    assert told == {
        "batch": [("create", "0"), ("read", "0"), ("read", "4")],
        "transaction": [("read", "0"), ("update", "0")],
    }


def test_an_entry_of_a_batch_that_cannot_be_read_is_told_too(service: httpx.Client) -> None:
    entries: list[Json] = [
        {"resource": patient("told"), "request": {"method": "PUT", "url": "Patient/told"}},
        {"request": {"method": "GET", "url": "https://elsewhere.example/fhir/Patient/1"}},
    ]
    service.post(
        "/fhir",
        json={"resourceType": "Bundle", "type": "batch", "entry": entries},
        headers={"X-Request-Id": "unread"},
    ).raise_for_status()

    told = events(service, "unread")

    assert sorted(event["outcome"] for event in told) == ["0", "4"]
    assert [Validator.load().problems(event) for event in told] == [(), ()]


def test_the_audit_is_searched_by_what_it_declares(service: httpx.Client, plan: str) -> None:
    service.get(f"/fhir/CarePlan/{plan}", headers={"X-Request-Id": "found"}).raise_for_status()
    (event,) = events(service, "found")
    day = event["recorded"][:10]
    finds = [
        f"_id={event['id']}", f"date={day}", f"date=ge{event['recorded']}", "patient=Patient/seen",
        "agent=anonymous", "action=R", f"entity=CarePlan/{plan}", "entity=Patient/seen",
        "outcome=0", f"date=ge{day}&date=le{day}", "outcome:not=4", "entity:missing=false",
    ]  # fmt: skip
    misses = [
        "_id=nobody", "date=lt2020-01-01", f"date=gt{day}", "patient=nobody", "agent=somebody",
        "action=C", "entity=CarePlan/nobody", "outcome=8", "action:not=R", "date:missing=true",
    ]  # fmt: skip

    def found(query: str) -> bool:
        answer = service.get(
            f"/fhir/AuditEvent?{query}&_count=500", headers={"Prefer": "handling=strict"}
        )
        entries = answer.raise_for_status().json().get("entry", [])
        return event["id"] in {entry["resource"]["id"] for entry in entries}

    assert [query for query in finds if not found(query)] == []
    assert [query for query in misses if found(query)] == []


def test_a_page_goes_on_where_it_ended_while_the_audit_grows(service: httpx.Client) -> None:
    for number in range(7):
        service.get("/fhir/Patient/paged", headers={"X-Request-Id": f"page-{number}"})
    seen: list[str] = []
    url: str | None = "/fhir/AuditEvent?patient=paged&_count=2"
    while url is not None:
        page = service.get(url).raise_for_status().json()
        seen += [asked_by(entry["resource"]) for entry in page.get("entry", [])]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert seen == [f"page-{number}" for number in reversed(range(7))]


def test_reading_the_audit_is_audited(service: httpx.Client) -> None:
    headers = {"X-Request-Id": "who-looked"}
    service.get("/fhir/AuditEvent?patient=seen", headers=headers).raise_for_status()
    (looked,) = events(service, "who-looked")
    service.get(f"/fhir/AuditEvent/{looked['id']}", headers={"X-Request-Id": "again"})

    (again,) = events(service, "again")

    assert (whose(looked), asked(looked)) == ("Patient/seen", b"GET /fhir/AuditEvent?patient=seen")
    assert about(again) == f"AuditEvent/{looked['id']}"
    assert whose(again) == "Patient/seen"


def test_from_where_is_who_connects_whatever_a_header_says(fresh: Kept) -> None:
    with (
        running(fresh, environment={"PAINPLAN_AUTH": "off-insecure"}) as (url, _),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        client.get("/fhir/Patient/nobody", headers={"X-Forwarded-For": "203.0.113.7"})
        told = client.get("/fhir/AuditEvent").raise_for_status().json()["entry"]

    assert {e["resource"]["agent"][0]["network"]["address"] for e in told} == {"127.0.0.1"}


def test_probes_and_documents_leave_nothing(service: httpx.Client, database: Kept) -> None:
    before = database.count("audit_event")
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/fhir/metadata"):
        service.get(path).raise_for_status()
    service.get("/cds-services").raise_for_status()

    assert database.count("audit_event") == before


def test_every_route_is_audited_or_named_as_open() -> None:
    """A route that is added has to be put on one of the two lists."""
    endpoints = {
        route.endpoint  # type: ignore[attr-defined]  # every route of ours has one
        for route in create_app().routes
    }
    refusing = {endpoint for endpoint in endpoints if endpoint.__name__.startswith("refuse")}

    assert endpoints - refusing == ACTS.keys() | OPEN


def test_queries_stay_out_of_the_logs(
    service: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    service.get("/fhir/Patient?identifier=urn:mrn|very-secret").raise_for_status()

    said = capsys.readouterr()

    assert "very-secret" not in said.out + said.err


def test_a_row_says_nothing_of_a_patient_but_the_reference(database: Kept) -> None:
    rows = database.rows(
        "SELECT what, patient, who, origin, interaction, operation FROM audit_event"
    )

    assert len(rows) > 20
    assert all("1980-01-01" not in str(row) for row in rows)


def test_an_audit_event_is_only_read(service: httpx.Client) -> None:
    for method, path in (("POST", "/fhir/AuditEvent"), ("PUT", "/fhir/AuditEvent/x"),
                         ("DELETE", "/fhir/AuditEvent/x")):  # fmt: skip
        answer = service.request(method, path, json={"resourceType": "AuditEvent", "id": "x"})
        assert answer.status_code == 405
    assert service.get("/fhir/AuditEvent/not-there").status_code == 404


def test_no_row_no_answer(service: httpx.Client, database: Kept, plan: str) -> None:
    """A row that cannot be written keeps the answer back, and the reason is told."""
    database.change(*FULL[database.is_sqlite])
    try:
        answer = service.get(f"/fhir/CarePlan/{plan}")
        missing = service.get("/fhir/CarePlan/not-there")
    finally:
        database.change(
            "DROP TRIGGER disk_full" + ("" if database.is_sqlite else " ON audit_event")
        )

    for kept_back in (answer, missing):
        assert kept_back.status_code == 503
        assert kept_back.headers["retry-after"]
        assert kept_back.json()["issue"][0]["code"] == "transient"
        assert plan not in kept_back.text
    assert service.get("/healthz").status_code == 200


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_what_a_bundle_has_written_is_said_where_no_row_is_left_of_what_it_read(
    service: httpx.Client, database: Kept, kind: str
) -> None:
    """Nobody is told that nothing was stored, and sends it again."""
    url = f"Patient/half-{kind}"
    entries: list[Json] = [
        {"resource": patient(f"half-{kind}"), "request": {"method": "PUT", "url": url}},
        {"request": {"method": "GET", "url": url}},
    ]
    database.change(*FULL_FOR_READS[database.is_sqlite])
    try:
        answer = service.post(
            "/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries}
        )
    finally:
        database.change(
            "DROP TRIGGER disk_full" + ("" if database.is_sqlite else " ON audit_event")
        )

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    (issue,) = answer.json()["issue"]
    assert "is stored" in issue["details"]["text"]
    assert "Nothing was stored" not in answer.text
    assert service.get(f"/fhir/{url}").status_code == 200


def test_the_audit_is_exported_line_by_line_and_goes_on_where_it_ended(
    service: httpx.Client, database: Kept
) -> None:
    service.get("/fhir/Patient/exported")
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}

    def export(*options: str) -> list[Json]:
        command = [PAINPLAN, "audit", "export", *options]
        done = subprocess.run(
            command, env=environment, capture_output=True, check=True, timeout=120
        )
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    whole = export()
    half = len(whole) // 2
    assert len(whole) == database.count("audit_event")
    rest = export("--after", whole[half - 1]["id"])
    served = service.get("/fhir/AuditEvent?_count=1").json()["entry"][0]["resource"]

    assert rest[:-1] == whole[half:]
    assert rest[-1]["id"] == served["id"]
    assert export("--after", rest[-1]["id"])[0]["subtype"][0]["code"] == "search-type"
    rows = database.count("audit_event")
    unknown = subprocess.run(
        [PAINPLAN, "audit", "export", "--after", "nobody"],
        env=environment, capture_output=True, check=False, timeout=120, text=True,
    )  # fmt: skip
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no AuditEvent nobody" in unknown.stderr
    assert database.count("audit_event") == rows


def test_an_export_leaves_a_row_of_its_own(service: httpx.Client, database: Kept) -> None:
    reached = {"PAINPLAN_PUBLIC_URL": str(service.base_url).rstrip("/")}
    environment = {**os.environ, **reached, "PAINPLAN_DATABASE_URL": database.url}
    command = [PAINPLAN, "audit", "export"]

    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
    own = orjson.loads(done.stdout.splitlines()[-1])
    served = service.get(f"/fhir/AuditEvent/{own['id']}").raise_for_status().json()

    assert (own["action"], own["outcome"]) == ("E", "0")
    assert [subtype.get("display") for subtype in own["subtype"]] == ["operation", "audit-export"]
    assert own["agent"][0]["name"] == "command line"
    assert served == own
    assert Validator.load().problems(own) == ()


def test_an_export_that_can_leave_no_row_shows_nothing(
    service: httpx.Client, database: Kept
) -> None:
    service.get("/fhir/Patient/exported")
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}
    database.change(*FULL[database.is_sqlite])
    try:
        done = subprocess.run(
            [PAINPLAN, "audit", "export"],
            env=environment, capture_output=True, check=False, timeout=120, text=True,
        )  # fmt: skip
    finally:
        database.change(
            "DROP TRIGGER disk_full" + ("" if database.is_sqlite else " ON audit_event")
        )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No row can be left in the audit (disk full)")
    assert "Traceback" not in done.stderr


def test_who_stops_listening_to_an_export_ends_it_quietly(
    service: httpx.Client, database: Kept
) -> None:
    service.get("/fhir/Patient/exported")
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}
    piped = f"set -o pipefail; '{PAINPLAN}' audit export | head -n 1"
    head = subprocess.run(
        ["bash", "-c", piped], env=environment, capture_output=True, check=False, timeout=120
    )
    listener, closed = os.pipe()
    os.close(listener)
    unheard = subprocess.run(
        [PAINPLAN, "audit", "export"],
        env=environment, stdout=closed, stderr=subprocess.PIPE, check=False, timeout=120,
    )  # fmt: skip
    os.close(closed)

    assert orjson.loads(head.stdout)["resourceType"] == "AuditEvent"
    assert (head.returncode in (0, 141), head.stderr) == (True, b"")
    assert (unheard.returncode, unheard.stderr) == (141, b"")
