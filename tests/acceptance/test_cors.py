"""CH-64: a page of a listed origin may call from a browser; no other page learns anything."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from app.api.cors import origins_of
from app.domain.problem import Refused
from tests.acceptance.conftest import serving
from tests.acceptance.test_trust import NORTH
from tests.databases import Kept
from tests.ehr.test_clients import toml

PAGE = "http://127.0.0.1:8092"
SERVICE = "/cds-services/clbp-order-select"
ASKS = {"Access-Control-Request-Method": "POST"}
ASKS_AS_THE_SANDBOX = {**ASKS, "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def closed(beside: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("cors")
    clients = folder / "clients.toml"
    clients.write_text(toml(NORTH), "utf-8")
    listed = f"https://EHR.example:443, {PAGE}"
    with serving(beside, auth="on", clients=str(clients), cors_origins=listed) as client:
        yield client


@pytest.mark.parametrize("origin", [PAGE, "https://ehr.example"])
@pytest.mark.parametrize("path", ["/cds-services", SERVICE, f"{SERVICE}/feedback", "/fhir/$derive"])
def test_the_preflight_of_a_listed_page_needs_no_token(
    closed: httpx.Client, origin: str, path: str
) -> None:
    answer = closed.options(path, headers={"Origin": origin, **ASKS_AS_THE_SANDBOX})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert "authorization" in allowed
    assert "content-type" in allowed
    assert "access-control-allow-credentials" not in answer.headers


def test_a_listed_page_reads_that_it_was_refused(closed: httpx.Client) -> None:
    answer = closed.post(SERVICE, headers={"Origin": PAGE}, json={})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:8093", "https://ehr.example.evil.example"],
)
def test_no_other_page_is_answered(closed: httpx.Client, origin: str) -> None:
    for method in ("OPTIONS", "POST", "GET"):
        headers = {"Origin": origin, **ASKS_AS_THE_SANDBOX}
        answer = closed.request(method, SERVICE, headers=headers)

        assert answer.status_code == 401
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    ("path", "method", "sent"),
    [
        ("/fhir/metadata", "GET", "accept"),
        ("/fhir/Patient/1", "PUT", "content-type,if-match,prefer"),
        ("/fhir/Patient", "POST", "content-type,if-none-exist"),
        ("/fhir/Patient/1", "GET", "authorization,if-none-match,if-modified-since"),
        ("/fhir/Observation/_search", "POST", "content-type"),
        ("/fhir", "POST", "content-type,idempotency-key"),
    ],
)
def test_a_listed_page_may_use_the_whole_of_fhir(
    closed: httpx.Client, path: str, method: str, sent: str
) -> None:
    """F-24: what REST needs may be sent, and what it answers with may be read."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": sent}

    preflight = closed.options(path, headers={"Origin": PAGE, **asked})
    answer = closed.request(method, path, headers={"Origin": PAGE})

    assert preflight.status_code == 200, preflight.text
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert method in preflight.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    shown = answer.headers["access-control-expose-headers"].lower()
    assert {"etag", "location", "last-modified", "allow"} <= set(shown.split(", "))


def test_without_a_list_there_is_no_page(service: httpx.Client) -> None:
    answer = service.options("/cds-services", headers={"Origin": PAGE, **ASKS_AS_THE_SANDBOX})

    assert answer.status_code in (404, 405)
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_recorded_pages_come_in(closed: httpx.Client, shared: Path) -> None:
    """Every recorded call of the reference client names this origin."""
    file = shared / "data" / "interop" / "cds-hooks-requests" / "headers.json"
    for name, call in orjson.loads(file.read_bytes()).items():
        origin = call["headers"]["origin"]
        asked = {"Access-Control-Request-Method": call["method"]}
        path = httpx.URL(call["url"]).path

        answer = closed.options(path, headers={**ASKS_AS_THE_SANDBOX, **asked, "Origin": origin})

        assert answer.headers["access-control-allow-origin"] == origin, name


@pytest.mark.parametrize(
    "text", ["*", "null", "ehr.example", "https://ehr.example/app", "https://u@e"]
)
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(Refused, match="PAINPLAN_CORS_ORIGINS"):
        origins_of(f"https://ehr.example, {text}")
