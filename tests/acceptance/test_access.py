"""SMART access tokens over HTTP: scopes by interaction and entry, one patient's view, tenants."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.access import (
    ALL,
    CANARY,
    NORTH_CLIENT,
    SOUTH_CLIENT,
    SOUTH_KID,
    Kept,
    access,
    clients_file,
    derive,
    kept,
)
from tests.acceptance.conftest import serving
from tests.acceptance.hooks import problem
from tests.acceptance.test_bundles import about, entry, statuses
from tests.acceptance.wire import Json, bundle, finding, patient
from tests.databases import Server
from tests.ehr.signing import KID as NORTH_KID
from tests.ehr.signing import claims, token

NURSE = {"resourceType": "Practitioner", "id": "n1", "name": [{"family": "Nightingale"}]}


@dataclass(frozen=True)
class Hospital:
    """The service with two patients of the north, and their nurse."""

    service: httpx.Client
    p1: Kept
    p2: Kept
    folder: Path

    def get(self, url: str, scope: str = ALL, **more: Any) -> httpx.Response:
        return self.service.get(url, headers=access(self.service, scope, **more))

    def total(self, url: str, scope: str = ALL, **more: Any) -> int:
        answer = self.get(url, scope, **more)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    def send(
        self, method: str, url: str, body: Json, scope: str = ALL, **more: Any
    ) -> httpx.Response:
        headers = access(self.service, scope, **more)
        return self.service.request(method, url, json=body, headers=headers)


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    folder = tmp_path_factory.mktemp("access")
    file = clients_file(folder, NORTH_CLIENT, SOUTH_CLIENT)
    with serving(folder / "painplan.db", auth="on", clients=file) as service:
        p1 = kept(service, "p1", access(service))
        p2 = kept(service, "p2", access(service))
        answer = service.put("/fhir/Practitioner/n1", json=NURSE, headers=access(service))
        assert answer.status_code == 201
        yield Hospital(service, p1, p2, folder)


def issue(answer: httpx.Response) -> Json:
    assert answer.json()["resourceType"] == "OperationOutcome"
    return dict(answer.json()["issue"][0])


# Scopes


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ("system/Observation.r", (200, 403, 403, 403)),
        ("system/Observation.s", (403, 200, 403, 403)),
        ("system/Observation.rs", (200, 200, 403, 403)),
        ("system/Observation.c", (403, 403, 201, 403)),
        ("system/Observation.u", (403, 403, 403, 200)),
        ("system/Observation.read", (200, 200, 403, 403)),
        ("system/*.read", (200, 200, 403, 403)),
        ("system/Observation.write", (403, 403, 201, 200)),
        ("user/*.cruds", (200, 200, 201, 200)),
        ("system/Observation.*", (200, 200, 201, 200)),
        ("system/Condition.cruds", (403, 403, 403, 403)),
        ("openid", (403, 403, 403, 403)),
    ],
)
def test_each_interaction_has_its_letter(
    north: Hospital, scope: str, wanted: tuple[int, ...]
) -> None:
    """Read, search, create, update."""
    one = finding("pain-localised", True)
    nameless = {name: value for name, value in one.items() if name != "id"}

    told = (
        north.get(f"/fhir/Observation/{one['id']}", scope).status_code,
        north.get("/fhir/Observation?patient=p1", scope).status_code,
        north.send("POST", "/fhir/Observation", nameless, scope).status_code,
        north.send("PUT", f"/fhir/Observation/{one['id']}", one, scope).status_code,
    )

    assert told == wanted


def test_a_refusal_says_what_scope_is_missing(north: Hospital) -> None:
    """Standards §4: 403, an OperationOutcome, and the words of RFC 6750."""
    answer = north.get("/fhir/Condition/c1", "system/Observation.rs")

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    assert issue(answer)["code"] == "forbidden"
    assert "system/Condition.r" in issue(answer)["details"]["text"]


def test_the_file_says_the_most_that_a_token_is_given(tmp_path: Path) -> None:
    client = {**NORTH_CLIENT, "scopes": ["system/Observation.rs", "system/Patient.r"]}
    file = clients_file(tmp_path, client)
    with serving(tmp_path / "x.db", auth="on", clients=file) as service:
        headers = access(service, "system/*.cruds")

        assert service.get("/fhir/Observation", headers=headers).status_code == 200
        assert service.get("/fhir/Patient", headers=headers).status_code == 403
        assert service.get("/fhir/Condition", headers=headers).status_code == 403
        body = bundle(patient(), finding("pain-localised", True))
        assert service.post("/fhir/$derive", json=body, headers=headers).status_code == 403


def test_history_of_a_type_is_a_search(north: Hospital) -> None:
    url = "/fhir/Observation/_history"

    assert north.get(url, "system/Observation.r").status_code == 403
    assert north.get(url, "system/Observation.s").status_code == 200


def test_a_condition_asks_whether_something_is_there(north: Hospital) -> None:
    """So it takes s beside c or u."""
    one = {name: v for name, v in finding("pain-localised", True).items() if name != "id"}
    one = {**one, "identifier": [{"system": "urn:x", "value": "1"}]}

    def create(scope: str) -> int:
        headers = {**access(north.service, scope), "If-None-Exist": "identifier=urn:x|1"}
        return north.service.post("/fhir/Observation", json=one, headers=headers).status_code

    assert create("system/Observation.c") == 403
    assert create("system/Observation.cs") == 201
    assert create("system/Observation.cs") == 200


# Bundles


def test_in_a_batch_an_entry_is_refused_alone(north: Hospital) -> None:
    body = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            entry("GET", "Observation?patient=p1"),
            entry("GET", "Patient/p1"),
            entry("POST", "Observation", about("Patient/p1")),
            entry("GET", "Observation/p1-pain-localised"),
        ],
    }

    answer = north.send("POST", "/fhir", body, "system/Observation.rs")

    assert statuses(answer) == ["200", "403", "403", "200"]
    outcome = answer.json()["entry"][1]["response"]["outcome"]
    assert outcome["issue"][0]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("system/Observation.cr system/Patient.r", 200),
        ("system/Observation.c", 403),
        ("system/Observation.r system/Patient.r", 403),
        ("system/Patient.cruds", 403),
    ],
)
def test_a_transaction_is_refused_as_a_whole(north: Hospital, scope: str, status: int) -> None:
    before = north.total("/fhir/Observation?patient=p1")
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry("POST", "Observation", about("Patient/p1")),
            entry("GET", "Patient/p1"),
        ],
    }

    answer = north.send("POST", "/fhir", body, scope)

    assert answer.status_code == status, answer.text
    assert north.total("/fhir/Observation?patient=p1") - before == (1 if status == 200 else 0)


def test_what_a_transaction_has_just_written_is_read_with_r_too(north: Hospital) -> None:
    one = finding("pain-localised", True, id="written-and-read")
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry("PUT", "Observation/written-and-read", one),
            entry("GET", "Observation/written-and-read"),
        ],
    }

    assert north.send("POST", "/fhir", body, "system/Observation.cu").status_code == 403
    assert north.get("/fhir/Observation/written-and-read").status_code == 404
    assert north.send("POST", "/fhir", body, "system/Observation.cru").status_code == 200


def test_a_conditional_reference_takes_the_right_to_search(north: Hospital) -> None:
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry("POST", "Observation", about("Patient?identifier=urn:x|nobody"))],
    }

    assert north.send("POST", "/fhir", body, "system/Observation.c").status_code == 403
    assert (
        north.send("POST", "/fhir", body, "system/Observation.c system/Patient.s").status_code
        == 412
    )


# Operations


@pytest.mark.parametrize(
    ("scope", "query", "status"),
    [
        (ALL, {}, 200),
        ("system/*.read", {}, 403),
        ("system/*.write", {}, 403),  # it would show what is kept of the patient
        ("system/CarePlan.c", {"persist": "false"}, 403),
        ("system/*.read system/CarePlan.c", {"persist": "false"}, 200),
        ("system/*.read system/CarePlan.c", {}, 403),  # it would store an Observation
        ("system/*.read system/CarePlan.c system/*.write", {}, 200),
    ],
)
def test_a_derivation_takes_what_it_reads_and_stores(
    north: Hospital, scope: str, query: dict[str, str], status: int
) -> None:
    answer = derive(north.service, "p1", access(north.service, scope), **query)

    assert answer.status_code == status, answer.text


def test_everything_holds_what_the_scopes_let_through(north: Hospital) -> None:
    url = "/fhir/Patient/p1/$everything?_count=500"
    whole = north.get(url).json()["entry"]
    some = north.get(url, "system/Patient.rs system/Observation.rs").json()["entry"]

    assert {e["resource"]["resourceType"] for e in some} == {"Patient", "Observation"}
    assert len(some) < len(whole)
    refused = north.get(f"{url}&_type=Goal", "system/Patient.rs")
    assert refused.status_code == 403


def test_what_is_included_needs_a_scope_of_its_own(north: Hospital) -> None:
    url = "/fhir/CarePlan?patient=p1&_include=CarePlan:subject&_revinclude=Provenance:target"

    def types(scope: str) -> set[str]:
        return {e["resource"]["resourceType"] for e in north.get(url, scope).json()["entry"]}

    assert types(ALL) == {"CarePlan", "Patient", "Provenance"}
    assert types("system/CarePlan.rs") == {"CarePlan"}
    assert types("system/CarePlan.rs system/Patient.r") == {"CarePlan", "Patient"}


# One patient


@pytest.mark.parametrize("scope", ["patient/*.cruds", ALL, "patient/*.read patient/*.write"])
def test_a_patients_token_sees_that_patient_alone(north: Hospital, scope: str) -> None:
    """Whatever its scopes are: in reads, searches, histories and what is included."""
    mine: Any = {"scope": scope, "patient": "p2"}

    assert north.get("/fhir/Patient/p2", **mine).status_code == 200
    assert north.get("/fhir/Patient/p1", **mine).status_code == 404
    assert north.total("/fhir/Patient?_total=accurate", **mine) == 1
    assert north.total("/fhir/Patient?_id=p1", **mine) == 0
    assert north.total("/fhir/Observation?patient=p1", **mine) == 0
    assert north.total("/fhir/Observation?_summary=count", **mine) == north.total(
        "/fhir/Observation?patient=p2&_summary=count"
    )
    assert north.total(f"/fhir/CarePlan?_id={north.p1.plan}", **mine) == 0
    assert north.total(f"/fhir/Provenance?_id={north.p1.decision}", **mine) == 0
    assert north.total(f"/fhir/Provenance?target=CarePlan/{north.p1.plan}", **mine) == 0
    assert north.total(f"/fhir/Provenance?_id={north.p2.decision}", **mine) == 1
    assert north.get(f"/fhir/Provenance/{north.p1.decision}", **mine).status_code == 404
    assert north.get(f"/fhir/CarePlan/{north.p1.plan}/_history", **mine).status_code == 404
    history = north.get("/fhir/Patient/_history", **mine).json()
    assert {e["resource"]["id"] for e in history["entry"]} == {"p2"}
    assert history["total"] == len(history["entry"])


def test_a_patients_token_writes_about_that_patient_alone(north: Hospital) -> None:
    mine: Any = {"scope": "patient/*.cruds", "patient": "p2"}
    one = finding("pain-localised", True)
    p1 = patient("p1", birthDate="1990-01-01")

    assert north.send("PUT", f"/fhir/Observation/{one['id']}", one, **mine).status_code == 403
    assert north.send("PUT", "/fhir/Patient/p1", p1, **mine).status_code == 403
    assert north.send("POST", "/fhir/Patient", p1, **mine).status_code == 403
    assert north.send("PUT", "/fhir/Practitioner/n1", NURSE, **mine).status_code == 403
    his = finding("pain-localised", True, of="p2")
    assert north.send("PUT", f"/fhir/Observation/{his['id']}", his, **mine).status_code == 200


@pytest.mark.parametrize("way", ["update", "transaction"])
def test_a_patients_token_takes_over_nothing_that_is_nobodys(north: Hospital, way: str) -> None:
    """What names no patient it cannot see, so it cannot make it its patient's either."""
    mine: Any = {"scope": "patient/*.cruds", "patient": "p2"}
    nobodys: Json = {
        "resourceType": "Encounter",
        "id": f"nobodys-{way}",
        "status": "finished",
        "class": {"code": "AMB"},
    }
    url = f"Encounter/{nobodys['id']}"
    assert north.send("PUT", f"/fhir/{url}", nobodys).status_code == 201
    taken = {**nobodys, "subject": {"reference": "Patient/p2"}}
    assert north.get(f"/fhir/{url}", **mine).status_code == 404

    if way == "update":
        answer = north.send("PUT", f"/fhir/{url}", taken, **mine)
    else:
        sent = {"resourceType": "Bundle", "type": way, "entry": [entry("PUT", url, taken)]}
        answer = north.send("POST", "/fhir", sent, **mine)

    assert answer.status_code == 409
    assert north.get(f"/fhir/{url}").json()["meta"]["versionId"] == "1"
    assert north.send("PUT", f"/fhir/{url}", taken).status_code == 200


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_is_no_way_around_it(north: Hospital, kind: str) -> None:
    body = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [entry("POST", "Observation", about("Patient/p1"))],
    }

    answer = north.send("POST", "/fhir", body, "patient/*.cruds", patient="p2")

    if kind == "transaction":
        assert answer.status_code == 403
    else:
        assert statuses(answer) == ["403"]


def test_a_condition_does_not_tell_of_another_patient(north: Hospital) -> None:
    """If-None-Exist about p1 finds nothing for a token of p2, so that nothing is learned."""
    known = {"system": "urn:secret", "value": "1"}
    theirs = finding("pain-localised", True, id="secret-1", identifier=[known])
    assert north.send("PUT", "/fhir/Observation/secret-1", theirs).status_code == 201
    own = finding("pain-localised", True, of="p2", identifier=[known])
    del own["id"]
    headers = access(north.service, "patient/*.cruds", patient="p2")
    headers["If-None-Exist"] = "identifier=urn:secret|1"

    answer = north.service.post("/fhir/Observation", json=own, headers=headers)

    assert answer.status_code == 201


def test_a_nurse_is_no_patient(north: Hospital) -> None:
    """Who treats is not kept of anybody: a patient's token reads it where its scopes allow."""
    answer = north.get("/fhir/Practitioner/n1", "patient/Practitioner.rs", patient="p2")

    assert answer.status_code == 200


def test_decisions_are_the_patients_own(north: Hospital) -> None:
    mine: Any = {"scope": "patient/*.rs", "patient": "p2"}

    for end in ("", ".html", "/replay"):
        assert north.get(f"/decisions/{north.p1.decision}{end}", **mine).status_code == 404
        assert north.get(f"/decisions/{north.p2.decision}{end}", **mine).status_code == 200
    assert north.get("/decisions?patient=p1", **mine).status_code == 403
    assert north.get("/decisions?patient=p2", **mine).status_code == 200


def test_operations_are_the_patients_own(north: Hospital) -> None:
    mine: Any = {"scope": "patient/*.cruds", "patient": "p2"}
    said = {"resourceType": "Parameters"}
    said["parameter"] = [{"name": "outcome", "valueCode": "accepted"}]  # type: ignore[assignment]

    assert derive(north.service, "p1", access(north.service, **mine)).status_code == 403
    assert derive(north.service, "p2", access(north.service, **mine)).status_code == 200
    url = f"/fhir/CarePlan/{north.p1.plan}/$respond"
    assert north.send("POST", url, said, **mine).status_code == 404
    assert north.get("/fhir/Patient/p1/$everything", **mine).status_code == 404
    assert north.get("/fhir/QuestionnaireResponse/p1-intake/$extract", **mine).status_code == 404
    assert north.get("/fhir/Patient/p1/$validate", **mine).status_code == 404


# Tenants


def test_a_cursor_of_another_tenant_leads_into_ones_own_space(north: Hospital) -> None:
    first = north.get("/fhir/Observation?_count=1").json()
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    parts = urlsplit(following)

    answer = north.get(f"{parts.path}?{parts.query}", kid=SOUTH_KID)

    assert answer.json().get("entry", []) == []


def test_an_idempotency_key_belongs_to_its_tenant(north: Hospital) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = bundle(patient("k1"), finding("pain-localised", True, of="k1"))
    mine = north.service.post("/fhir/$derive", json=body, headers={**access(north.service), **key})
    other = {**body, "entry": body["entry"][:1]}
    theirs = north.service.post(
        "/fhir/$derive", json=other, headers={**access(north.service, kid=SOUTH_KID), **key}
    )

    assert mine.status_code == theirs.status_code == 200
    assert mine.headers["x-decision-id"] != theirs.headers["x-decision-id"]


def _call(north: Hospital, kid: str, issuer: str) -> httpx.Response:
    url = "/cds-services/clbp-patient-view"
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "context": {"userId": "Practitioner/n1", "patientId": "hooked"},
        "prefetch": {"patient": patient("hooked"), "conditions": bundle(problem("hooked"))},
    }
    base = str(north.service.base_url).rstrip("/")
    sent = token(claims(f"{base}{url}", iss=issuer), kid=kid)
    headers = {"Authorization": f"Bearer {sent}"}
    return north.service.post(url, json=body, headers=headers)


def test_hook_calls_cards_and_their_report_stay_with_their_tenant(north: Hospital) -> None:
    south = str(SOUTH_CLIENT["issuer"])
    called = _call(north, NORTH_KID, str(NORTH_CLIENT["issuer"]))
    assert called.status_code == 200, called.text
    decision = called.headers["x-decision-id"]
    base = str(north.service.base_url).rstrip("/")

    def report(kid: str, issuer: str) -> Any:
        sent = token(claims(f"{base}/cds-services-report", iss=issuer), kid=kid)
        headers = {"Authorization": f"Bearer {sent}"}
        return north.service.get("/cds-services-report", headers=headers).json()

    assert north.get(f"/decisions/{decision}").status_code == 200
    assert north.get(f"/decisions/{decision}", kid=SOUTH_KID).status_code == 404
    assert report(SOUTH_KID, south)["rules"] == []
    assert bool(called.json()["cards"]) == bool(
        report(NORTH_KID, str(NORTH_CLIENT["issuer"]))["rules"]
    )


def test_the_link_of_a_card_opens_with_an_access_token(north: Hospital) -> None:
    called = _call(north, NORTH_KID, str(NORTH_CLIENT["issuer"]))
    link = urlsplit(called.json()["extension"]["health.painplan.decision"]).path

    assert north.service.get(link).status_code == 401
    assert north.get(link, "system/CarePlan.r").status_code == 200


def test_what_is_counted_names_nobody(north: Hospital) -> None:
    told = north.service.get("/metrics").text

    for word in ("north", "south", "North EHR", CANARY, "p1-"):
        assert word not in told


# What is told before a token


@pytest.mark.parametrize("base", ["", "/fhir"])
def test_a_client_learns_where_tokens_are(north: Hospital, base: str) -> None:
    answer = north.service.get(
        f"{base}/.well-known/smart-configuration", headers={"Accept": "text/html"}
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    said = answer.json()
    assert urlsplit(said["token_endpoint"]).scheme == "https"
    assert said["grant_types_supported"] == ["client_credentials"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert set(said["token_endpoint_auth_signing_alg_values_supported"]) == {"RS384", "ES384"}
    assert {"client-confidential-asymmetric", "permission-v1", "permission-v2"} <= set(
        said["capabilities"]
    )
    assert ALL in said["scopes_supported"]


def test_the_statement_says_how_it_is_secured(north: Hospital) -> None:
    said = north.service.get("/fhir/metadata").json()["rest"][0]["security"]

    assert said["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_where_nothing_asks_for_a_token_nothing_is_told_of_any(service: httpx.Client) -> None:
    assert service.get("/.well-known/smart-configuration").status_code == 404
    assert "security" not in service.get("/fhir/metadata").json()["rest"][0]


def test_the_token_endpoint_is_the_configured_one(tmp_path: Path) -> None:
    client = {**NORTH_CLIENT, "token_endpoint": "https://login.north.example/oauth/token"}
    file = clients_file(tmp_path, client)
    with serving(tmp_path / "x.db", auth="on", clients=file) as service:
        said = service.get("/fhir/.well-known/smart-configuration").json()

    assert said["token_endpoint"] == "https://login.north.example/oauth/token"


# Hooks


def test_the_token_of_a_hook_opens_no_fhir_and_the_reverse(north: Hospital) -> None:
    base = str(north.service.base_url).rstrip("/")
    hook = {"Authorization": f"Bearer {token(claims(f'{base}/fhir'))}"}

    assert north.service.get("/fhir/Patient/p1", headers=hook).status_code == 401
    assert north.service.get("/cds-services", headers=access(north.service)).status_code == 401


NORTH_SAYS = "https://painplan.north.example"
VIEW = "/cds-services/clbp-patient-view"


def _opened(service: httpx.Client, sent: str) -> int:
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "context": {"userId": "Practitioner/n1", "patientId": "p1"},
        "prefetch": {"patient": patient("p1")},
    }
    headers = {"Authorization": f"Bearer {sent}"}
    return service.post(VIEW, json=body, headers=headers).status_code


def test_a_token_used_once_is_refused_by_another_process_too(tmp_path: Path) -> None:
    """CH-63: what was seen is in the database, not in a worker's memory."""
    file = clients_file(tmp_path, {**NORTH_CLIENT, "audience": NORTH_SAYS})
    sent = token(claims(f"{NORTH_SAYS}{VIEW}"))
    told = []
    for _ in range(2):  # the second process has never seen the token
        with serving(tmp_path / "x.db", auth="on", clients=file) as service:
            told.append(_opened(service, sent))

    assert told == [200, 401]


def test_of_several_services_on_one_database_one_takes_a_token(
    tmp_path: Path, postgresql: Server
) -> None:
    file = clients_file(tmp_path, {**NORTH_CLIENT, "audience": NORTH_SAYS})
    sent = [token(claims(f"{NORTH_SAYS}{VIEW}")) for _ in range(5)]
    kept = postgresql.fresh()
    with (
        serving(kept, auth="on", clients=file) as one,
        serving(kept, auth="on", clients=file) as two,
        ThreadPoolExecutor(2) as at_once,
    ):
        for each in sent:
            first = at_once.submit(_opened, one, each)
            second = at_once.submit(_opened, two, each)
            assert sorted((first.result(), second.result())) == [200, 401]
    postgresql.drop(kept)
