"""Two hospitals with access tokens of their own, and who is kept of whom."""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.wire import AS_OF, Json, bundle, finding, intake, patient, screened
from tests.ehr.signing import ISSUER, KID, jwk, token
from tests.ehr.test_clients import toml

SOUTH, SOUTH_KID = "https://ehr.south.example", "south-1"
WEST, WEST_KID = "https://ehr.west.example", "west-1"
ALL = "system/*.cruds"
CANARY = "Quetzalcoatlus"
NORTH_CLIENT = {
    "name": "North EHR",
    "tenant": "north",
    "issuer": ISSUER,
    "jwks": {"keys": [jwk()]},
    "scopes": [ALL],
}
SOUTH_CLIENT = {
    "name": "South EHR",
    "tenant": "south",
    "issuer": SOUTH,
    "jwks": {"keys": [jwk(kid=SOUTH_KID)]},
    "scopes": [ALL],
}


WEST_CLIENT = {
    "name": "West EHR",
    "tenant": "west",
    "issuer": WEST,
    "jwks": {"keys": [jwk(kid=WEST_KID)]},
    "scopes": [ALL],
}
ISSUERS = {KID: ISSUER, SOUTH_KID: SOUTH, WEST_KID: WEST}


def clients_file(folder: Path, *clients: Json) -> str:
    """PAINPLAN_CLIENTS with these."""
    file = folder / "clients.toml"
    file.write_text(toml(*clients), "utf-8")
    return str(file)


def access(service: httpx.Client, scope: Any = ALL, *, kid: str = KID, **more: Any) -> Json:
    """The header of an access token for FHIR; None leaves a claim out."""
    now = int(time.time())
    base = str(service.base_url).rstrip("/")
    said = {
        "iss": ISSUERS[kid],
        "aud": f"{base}/fhir",
        "sub": "backend",
        "client_id": "backend",
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
        "scope": scope,
        **more,
    }
    claims = {name: value for name, value in said.items() if value is not None}
    return {"Authorization": f"Bearer {token(claims, kid=kid, typ='at+jwt')}"}


@dataclass(frozen=True)
class Kept:
    """What is kept of one patient."""

    patient: str
    plan: str
    decision: str


def derive(service: httpx.Client, of: str, headers: Json, **query: str) -> httpx.Response:
    """A plan for a patient whose name is a canary."""
    person = patient(of, name=[{"family": f"{CANARY}-{of}"}])
    note = [{"text": f"{CANARY}-{of}"}]
    seen = finding("pain-localised", True, of=of, note=note)
    body = bundle(person, intake(screened(), of=of), seen)
    return service.post(
        "/fhir/$derive", params={"asOf": AS_OF, **query}, json=body, headers=headers
    )


def kept(service: httpx.Client, of: str, headers: Json) -> Kept:
    """The patient with a plan."""
    answer = derive(service, of, headers)
    assert answer.status_code == 200, answer.text
    plan = answer.json()["entry"][0]["resource"]["id"]
    return Kept(of, plan, answer.headers["x-decision-id"])
