"""CH-64 as a browser sees it: a page of another origin calls discovery, each hook and feedback.

Needs Chromium, which ``.ci/run`` brings.
"""

import json
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import serving
from tests.acceptance.hooks import SELECT, SIGN, VIEW, imaging, request
from tests.ehr.signing import ISSUER, claims, jwk, token
from tests.ehr.test_clients import toml

CHROMIUM = Path("/usr/bin/chromium")
SERVICES = {VIEW: "clbp-patient-view", SELECT: "clbp-order-select", SIGN: "clbp-order-sign"}
# Calls one after the other, as the reference client does, and writes down what it could read.
PAGE = """<!doctype html><pre id="seen"></pre><script>
(async () => {
  const seen = [];
  for (const one of CALLS) {
    try {
      const answer = await fetch(one.url, one);
      seen.push({status: answer.status, body: await answer.text(),
                 id: answer.headers.get("x-request-id")});
    } catch (error) {
      seen.push({status: 0, body: String(error), id: null});
    }
  }
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"""
Seen = list[dict[str, Any]]


class _Page(BaseHTTPRequestHandler):
    html = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.html)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is theirs)
        """Quiet."""


@contextmanager
def page() -> Iterator[tuple[str, type[_Page]]]:
    """A web site of another origin: its origin, and where to put the page."""
    handler = type("Site", (_Page,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, type[_Page]]]:
    with page() as found:
        yield found


@pytest.fixture(scope="module")
def hooked(
    site: tuple[str, type[_Page]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The service, closed, and open to the pages of the one site."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium ({CHROMIUM})")
    folder = tmp_path_factory.mktemp("browser")
    clients = folder / "clients.toml"
    clients.write_text(toml({"name": "EHR", "issuer": ISSUER, "jwks": {"keys": [jwk()]}}), "utf-8")
    with serving(
        folder / "painplan.db", auth="on", clients=str(clients), cors_origins=site[0]
    ) as client:
        yield client


def browse(where: tuple[str, type[_Page]], calls: list[dict[str, Any]], profile: Path) -> Seen:
    """What a page at that origin could read of the answers."""
    origin, handler = where
    handler.html = PAGE.replace("CALLS", json.dumps(calls)).encode()
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--disable-gpu",
            *sandbox,
            f"--user-data-dir={profile}",
            "--virtual-time-budget=30000",
            "--dump-dom",
            f"{origin}/",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    found = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:]
    seen: Seen = json.loads(unescape(found[1]))
    return seen


def calls_to(service: httpx.Client) -> list[dict[str, Any]]:
    """Discovery, the three hooks, and feedback, each with a token of its own."""
    said = {
        "card": str(uuid.uuid4()),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-23T21:17:14.955Z",
        "overrideReason": {"userComment": "Not now."},
    }
    bodies = [
        ("/cds-services", None),
        *(
            (f"/cds-services/{SERVICES[hook]}", request(hook, *drafts))
            for hook, drafts in ((VIEW, ()), (SELECT, (imaging(),)), (SIGN, (imaging(),)))
        ),
        (f"/cds-services/{SERVICES[SIGN]}/feedback", {"feedback": [said]}),
    ]
    return [_call(f"{str(service.base_url).rstrip('/')}{path}", body) for path, body in bodies]


def _call(url: str, body: object) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token(claims(url))}"}
    if body is None:
        return {"url": url, "method": "GET", "headers": headers}
    headers["Content-Type"] = "application/json"
    return {"url": url, "method": "POST", "headers": headers, "body": json.dumps(body)}


def test_a_page_of_a_listed_origin_calls_everything(
    hooked: httpx.Client, site: tuple[str, type[_Page]], tmp_path: Path
) -> None:
    seen = browse(site, calls_to(hooked), tmp_path)

    assert [one["status"] for one in seen] == [200] * 5, seen
    assert len(json.loads(seen[0]["body"])["services"]) == 3
    assert all("cards" in json.loads(one["body"]) for one in seen[1:4])
    assert all(one["id"] for one in seen)


def test_such_a_page_can_read_that_it_was_refused(
    hooked: httpx.Client, site: tuple[str, type[_Page]], tmp_path: Path
) -> None:
    refused = {**calls_to(hooked)[1], "headers": {"Content-Type": "application/json"}}

    (seen,) = browse(site, [refused], tmp_path)

    assert seen["status"] == 401
    assert "OperationOutcome" in seen["body"]


def test_a_page_of_another_origin_reads_nothing(hooked: httpx.Client, tmp_path: Path) -> None:
    with page() as other:
        seen = browse(other, calls_to(hooked), tmp_path)

    assert [one["status"] for one in seen] == [0] * 5
