"""The audit opens to a scope of its own, whichever way is tried, and says whom it refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.fhir.validation import Validator
from tests.acceptance.access import ALL, NORTH_CLIENT, access, clients_file, derive, kept
from tests.acceptance.conftest import serving
from tests.acceptance.test_audit import about, done, events_of, whose
from tests.acceptance.test_bundles import entry, statuses
from tests.acceptance.wire import Json, finding

AUDITOR = "system/AuditEvent.rs"
# All that is not the audit's own scope: everything, writing it, a person's and a patient's, one
# letter of it.
WITHOUT = {
    "all": ALL,
    "all by a user": "user/*.cruds",
    "the audit of a user": f"user/AuditEvent.rs {ALL}",
    "the audit of a patient": f"patient/AuditEvent.rs {ALL}",
    "its other letters": f"system/AuditEvent.cud {ALL}",
    "a part of it": f"system/AuditEvent.rs?patient=p1 {ALL}",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A hospital whose client may be given everything, the audit as well."""
    folder: Path = tmp_path_factory.mktemp("audit")
    file = clients_file(folder, {**NORTH_CLIENT, "scopes": [ALL, AUDITOR]})
    with serving(folder / "painplan.db", auth="on", clients=file) as service:
        kept(service, "p1", access(service))
        yield service


@pytest.fixture(scope="module")
def event(service: httpx.Client) -> str:
    """The id of an event about the patient."""
    found = events(service, {"patient": "p1"})
    assert found
    return str(found[0]["id"])


def events(service: httpx.Client, params: Json) -> list[Json]:
    """As the auditor finds them."""
    answer = service.get("/fhir/AuditEvent", params=params, headers=access(service, AUDITOR))
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", [])]


def batch(*entries: Json, kind: str = "batch") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


@pytest.fixture(params=list(WITHOUT.values()), ids=list(WITHOUT))
def headers(request: pytest.FixtureRequest, service: httpx.Client) -> Json:
    """A token that is good for everything else."""
    more: Json = {"patient": "p1"} if request.param.startswith("patient/") else {}
    return access(service, request.param, **more)


def refused(answer: httpx.Response) -> bool:
    code = answer.json()["issue"][0]["code"]
    return (answer.status_code, code) == (403, "forbidden") and "AuditEvent" in answer.text


def test_without_its_scope_the_audit_is_neither_read_nor_searched(
    service: httpx.Client, event: str, headers: Json
) -> None:
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}

    assert refused(service.get(f"/fhir/AuditEvent/{event}", headers=headers))
    assert refused(service.get("/fhir/AuditEvent?patient=p1", headers=headers))
    assert refused(service.get(f"/fhir/AuditEvent?_id={event}&_summary=count", headers=headers))
    assert refused(service.post("/fhir/AuditEvent/_search", data={"_id": event}, headers=form))
    # What is there and what is not are refused alike.
    assert refused(service.get("/fhir/AuditEvent/not-there", headers=headers))


def test_without_its_scope_no_bundle_leads_to_the_audit(
    service: httpx.Client, event: str, headers: Json
) -> None:
    ways = (
        entry("GET", f"AuditEvent/{event}"),
        entry("GET", "AuditEvent?patient=p1"),
        entry("HEAD", f"AuditEvent/{event}"),
    )

    answer = service.post("/fhir", json=batch(*ways), headers=headers)
    whole = service.post("/fhir", json=batch(ways[0], kind="transaction"), headers=headers)

    assert statuses(answer) == ["403"] * 3
    assert not [one for one in answer.json()["entry"] if "resource" in one]
    assert whole.status_code == 403
    assert f'"id":"{event}"' not in answer.text + whole.text


def test_with_its_scope_each_of_these_ways_is_open(service: httpx.Client, event: str) -> None:
    headers = access(service, AUDITOR)
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}

    read = service.get(f"/fhir/AuditEvent/{event}", headers=headers)
    searched = service.post("/fhir/AuditEvent/_search", data={"_id": event}, headers=form)
    ways = (entry("GET", f"AuditEvent/{event}"), entry("GET", "AuditEvent?patient=p1"))
    within = service.post("/fhir", json=batch(*ways), headers=headers)

    assert read.json()["id"] == event
    assert searched.json()["entry"][0]["resource"]["id"] == event
    assert statuses(within) == ["200", "200"]


def test_everything_of_a_patient_holds_nothing_of_the_audit(service: httpx.Client) -> None:
    answer = service.get(
        "/fhir/Patient/p1/$everything?_count=500", headers=access(service, f"{ALL} {AUDITOR}")
    )

    assert answer.status_code == 200
    types = {one["resource"]["resourceType"] for one in answer.json()["entry"]}
    assert "CarePlan" in types
    assert "AuditEvent" not in types


def who(event: Json) -> Any:
    return event["agent"][0]["name"]


def test_a_refusal_by_scope_leaves_a_row_with_the_name_of_the_client(
    service: httpx.Client, event: str
) -> None:
    headers = access(service, ALL, jti="a-token-for-all")
    path = f"/fhir/AuditEvent/{event}"
    service.get(path, headers={**headers, "X-Request-Id": "audit-refused"})
    narrow = access(service, "system/Observation.rs", jti="a narrow/token")
    service.get("/fhir/Patient/p1", headers={**narrow, "X-Request-Id": "patient-refused"})

    for name, token, what in (
        ("audit-refused", "a-token-for-all", f"AuditEvent/{event}"),
        ("patient-refused", "a%20narrow/token", "Patient/p1"),
    ):
        (row,) = events_of(events(service, {"_count": 50, "outcome": "4"}), name)
        assert (done(row), row["action"], row["outcome"]) == ("read", "R", "4")
        assert row["outcomeDesc"] == "Minor failure: answered with 403"
        assert (who(row), about(row)) == ("North EHR", what)
        assert row["agent"][0]["policy"] == [f"urn:ietf:params:oauth:jti:{token}"]
        assert whose(row) == ("Patient/p1" if what == "Patient/p1" else "")
        assert Validator.load().problems(row) == ()


def test_an_entry_refused_by_scope_leaves_a_row_beside_those_of_its_batch(
    service: httpx.Client, event: str
) -> None:
    headers = {**access(service, ALL), "X-Request-Id": "batch-refused"}
    ways = (entry("GET", f"AuditEvent/{event}"), entry("GET", "Patient/p1"))

    answer = service.post("/fhir", json=batch(*ways), headers=headers)

    assert statuses(answer) == ["403", "200"]
    rows = events_of(events(service, {"_count": 50}), "batch-refused")
    assert {(row["outcome"], about(row), who(row)) for row in rows} == {
        ("4", f"AuditEvent/{event}", "North EHR"),
        ("0", "Patient/p1", "North EHR"),
    }


def test_what_a_client_writes_and_derives_names_its_token(service: httpx.Client) -> None:
    headers = access(service, ALL, jti="a-writing-token")
    sent = finding("pain-localised", True, of="p1", id="written-with-a-token")
    made = service.put(f"/fhir/Observation/{sent['id']}", json=sent, headers=headers)
    derived = derive(service, "p3", headers)
    unnamed = access(service, ALL, jti=None)
    service.get("/fhir/Patient/p1", headers={**unnamed, "X-Request-Id": "unnamed-token"})

    assert (made.status_code, derived.status_code) == (201, 200)
    found = events(service, {"_count": 50, "outcome": "0"})
    policy = ["urn:ietf:params:oauth:jti:a-writing-token"]
    kinds = {done(row) for row in found if row["agent"][0].get("policy") == policy}
    assert kinds == {"create", "operation"}
    (row,) = events_of(found, "unnamed-token")
    assert "policy" not in row["agent"][0]
