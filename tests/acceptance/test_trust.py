"""With PAINPLAN_AUTH=on nobody comes in unproven, on any route; what is refused tells nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from app.domain.problem import Refused
from app.main import create_app
from app.settings import Settings
from tests.acceptance.conftest import serving
from tests.databases import Kept
from tests.ehr.signing import ISSUER, claims, jwk, token
from tests.ehr.test_clients import toml

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
SMART = {"/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"}
OPEN = {"/metrics", "/healthz", "/readyz", "/fhir/metadata", *SMART}
NORTH = {"name": "North EHR", "issuer": ISSUER, "jwks": {"keys": [jwk()]}}
NOBODY = "/cds-services/no-such-service"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trust") / "clients.toml"
    file.write_text(toml(NORTH), "utf-8")
    return file


@pytest.fixture(scope="module")
def closed(beside: Kept, clients: Path) -> Iterator[httpx.Client]:
    with serving(beside, auth="on", clients=str(clients)) as client:
        yield client


def url(client: httpx.Client, path: str) -> str:
    return f"{str(client.base_url).rstrip('/')}{path}"


def bearer(client: httpx.Client, path: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(claims(url(client, path)))}"}


@cache
def _routes() -> list[tuple[str, str]]:
    return sorted(
        (method, route.path.replace("{", "").replace("}", ""))
        for route in create_app().routes
        if isinstance(route, Route)
        for method in route.methods or ()
    )


@pytest.mark.parametrize("bad", ["", "Bearer", "Bearer a.b.c", "Basic dTpw", "a token"])
def test_no_route_is_open_without_a_token(closed: httpx.Client, bad: str) -> None:
    """CH-57: but the process, its readiness, and what it can do."""
    for method, path in [*_routes(), ("GET", "/"), ("POST", "/nowhere"), ("GET", "//fhir")]:
        headers = {"Authorization": bad} if bad else {}
        answer = closed.request(method, path, headers=headers)

        assert (answer.status_code == 401) is (path not in OPEN), (method, path)


@pytest.mark.parametrize("path", ["/fhir/Patient/p1", "/decisions", "/docs", "/fhir/$derive"])
def test_the_token_of_a_hook_opens_no_other_route(closed: httpx.Client, path: str) -> None:
    answer = closed.get(path, headers=bearer(closed, path))

    assert answer.status_code == 401


def test_a_proven_client_comes_in(closed: httpx.Client) -> None:
    """It finds that there is no such service, which nobody else learns."""
    assert closed.get(NOBODY).status_code == 401
    assert closed.get(NOBODY, headers=bearer(closed, NOBODY)).status_code in (404, 405)


def test_every_refusal_is_the_same(closed: httpx.Client) -> None:
    """CH-63: 401 without details, as an OperationOutcome."""
    here = url(closed, NOBODY)
    bad = [
        token(claims(here, iss="https://evil.example")),
        token(claims(url(closed, "/cds-services"))),
        token(claims(here, exp=1, iat=0)),
        token(claims(here, tenant="south")),
        token(claims(here), kid="unknown"),
        token(claims(here), jku="https://evil.example/jwks.json"),
        "a.b.c",
    ]
    answers = [closed.post(NOBODY, headers={"Authorization": f"Bearer {one}"}) for one in bad]
    answers.append(closed.post(NOBODY))

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    issue = answers[0].json()["issue"]
    assert [one["code"] for one in issue] == ["login"]


def test_two_tokens_are_no_token(closed: httpx.Client) -> None:
    good = bearer(closed, NOBODY)["Authorization"]

    answer = closed.get(NOBODY, headers=[("Authorization", good), ("Authorization", good)])

    assert answer.status_code == 401


def test_the_host_header_is_no_audience(closed: httpx.Client) -> None:
    """CH-60: the configured address counts, whatever the request says of itself."""
    sent = token(claims(f"https://evil.example{NOBODY}"))
    headers = {
        "Authorization": f"Bearer {sent}",
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }

    assert closed.get(NOBODY, headers=headers).status_code == 401


def test_from_another_machine_the_token_counts_and_not_the_host(closed: httpx.Client) -> None:
    headers = {**bearer(closed, NOBODY), "Host": "painplan.example", "X-Forwarded-For": "10.0.0.1"}

    assert closed.get(NOBODY, headers=headers).status_code in (404, 405)


def test_the_log_says_why_and_nothing_of_the_token(
    closed: httpx.Client, beside: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    """CH-63: never logged, never kept."""
    here = url(closed, NOBODY)
    good, late = token(claims(here)), token(claims(here, exp=1, iat=0))

    for sent in (good, late):
        closed.post(NOBODY, headers={"Authorization": f"Bearer {sent}"})

    said = capfd.readouterr().err
    history = b"".join(beside.everything())
    assert "it has expired" in said
    for part in (*good.split("."), *late.split(".")):
        assert part not in said
        assert part.encode() not in history


def test_with_authentication_off_a_token_is_not_looked_at(service: httpx.Client) -> None:
    """The reference client always sends one."""
    headers = {"Authorization": "Bearer a.b.c"}

    assert service.get(NOBODY, headers=headers).status_code in (404, 405)


def test_authentication_without_clients_does_not_start(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/x.db", auth="on")

    with pytest.raises(Refused, match="PAINPLAN_CLIENTS"):
        create_app(settings)


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("PAINPLAN_CLIENTS", "clients.toml", "client 'North EHR': jwks_url: "),
        ("PAINPLAN_FHIR_SERVERS", "ehr.example", "PAINPLAN_FHIR_SERVERS: 'ehr.example'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, setting: str, value: str, named: str
) -> None:
    (tmp_path / "clients.toml").write_text(toml({**NORTH, "jwks_url": "http://a"}), "utf-8")

    done = subprocess.run(
        [PAINPLAN, "serve", "--port", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, setting: value, "PAINPLAN_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"},
    )

    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
