"""After a run with everything: no token anywhere, and nothing of a patient in the log."""

import uuid
from pathlib import Path

import pytest

from tests.acceptance.access import CANARY, NORTH_CLIENT, access, clients_file, derive
from tests.acceptance.conftest import serving
from tests.acceptance.hooks import problem
from tests.acceptance.wire import Json, bundle, patient
from tests.databases import Kept
from tests.ehr.signing import claims, token

BORN, EHR_TOKEN = "1931-07-23", "ehr-access-token-4711"
VIEW = "/cds-services/clbp-patient-view"


def call() -> Json:
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": "https://nowhere.example/fhir",
        "fhirAuthorization": {
            "access_token": EHR_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "painplan",
        },
        "context": {"userId": "Practitioner/n1", "patientId": "p1"},
        "prefetch": {
            "patient": patient(birthDate=BORN, name=[{"family": CANARY}]),
            "conditions": bundle(problem()),
        },
    }


def test_no_token_is_kept_or_logged_and_no_patient_is_logged(
    fresh: Kept, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = clients_file(tmp_path, NORTH_CLIENT)
    used = []
    with serving(fresh, auth="on", clients=file, log_level="DEBUG") as service:
        headers = access(service)
        used.append(headers["Authorization"])
        assert derive(service, "p1", headers).status_code == 200
        born = patient("p9", birthDate=BORN, name=[{"family": CANARY}])
        assert service.put("/fhir/Patient/p9", json=born, headers=headers).status_code == 201
        found = service.get(f"/fhir/Patient?birthdate={BORN}", headers=headers)
        assert found.json()["total"] == 1
        wrong = {**born, "gender": f"{CANARY}"}
        assert service.put("/fhir/Patient/p9", json=wrong, headers=headers).status_code == 400
        late = access(service, exp=1, iat=0)["Authorization"]
        used.append(late)
        assert service.get("/fhir/Patient/p9", headers={"Authorization": late}).status_code == 401
        hook = token(claims(f"{str(service.base_url).rstrip('/')}{VIEW}"))
        used.append(f"Bearer {hook}")
        called = service.post(VIEW, json=call(), headers={"Authorization": used[-1]})
        assert called.status_code == 200, called.text
    caught = capfd.readouterr()
    logged = caught.out + caught.err
    history = b"\n".join(fresh.everything())

    assert "request" in logged
    assert CANARY.encode() in history, "nothing would be found here"
    for secret in (CANARY, BORN):
        assert secret not in logged
    for bearer in used:
        for part in bearer.removeprefix("Bearer ").split("."):
            assert part not in logged
            assert part.encode() not in history
    assert EHR_TOKEN not in logged
    assert EHR_TOKEN.encode() not in history


def test_every_answer_says_what_a_browser_must_not_do(tmp_path: Path) -> None:
    with serving(tmp_path / "x.db") as service:
        plan = derive(service, "p1", {})
        page = f"/decisions/{plan.headers['x-decision-id']}.html"
        urls = ("/fhir/metadata", "/fhir/Patient/p1", "/docs", "/redoc", "/nowhere", page)
        answers = [service.get(url) for url in urls]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in answer.headers["cache-control"] or answer.url.path == "/fhir/metadata"
    assert "script-src" not in answers[-1].headers["content-security-policy"]
