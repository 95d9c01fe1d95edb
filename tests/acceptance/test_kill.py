"""kill -9 under load: whatever was answered is there, and the chain is whole."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
STARTS_WITHIN = 30.0
CLIENTS = 6
SECONDS_OF_LOAD = 2.0
REPLAYED = 20


@contextmanager
def running(database: Kept, *options: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The service as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PAINPLAN_DATABASE_URL": database.url,
        "PAINPLAN_LOG_LEVEL": "ERROR",
    }
    command = [PAINPLAN, "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url, process
    finally:
        process.terminate()  # it ends its workers, too
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        assert process.poll() is None, "the service did not start"
        try:
            if httpx.get(f"{url}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the service was not ready in time")


def _load(url: str, client_number: int, answered: dict[str, tuple[str, bytes]]) -> None:
    """Send until the service dies; remember every answer that arrived whole."""
    with httpx.Client(base_url=url, timeout=10) as client:
        for number in range(100_000):
            id_ = f"c{client_number}-{number}"
            try:
                answer = _derive(client, id_)
            except httpx.TransportError:
                return
            if answer.status_code == httpx.codes.OK:
                answered[id_] = (answer.headers["x-decision-id"], answer.content)


def _derive(client: httpx.Client, id_: str) -> httpx.Response:
    """The same request for the same person, to the byte."""
    body = bundle(patient(id_), intake(screened(pain_localised=True), of=id_))
    return client.post(
        "/fhir/$derive",
        params={"asOf": AS_OF},
        json=body,
        headers={"Content-Type": "application/fhir+json"},
    )


def test_nothing_acknowledged_is_lost(fresh: Kept) -> None:
    database = fresh
    answered: dict[str, tuple[str, bytes]] = {}
    with running(database) as (url, process):
        threads = [
            threading.Thread(target=_load, args=(url, number, answered))
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS_OF_LOAD)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        for thread in threads:
            thread.join()
    assert len(answered) > 50

    with running(database) as (url, _), httpx.Client(base_url=url, timeout=30) as client:
        for number, (id_, (decision, content)) in enumerate(answered.items()):
            plan = json.loads(content)["entry"][0]["resource"]
            assert client.get(f"/fhir/Patient/{id_}").status_code == httpx.codes.OK
            assert client.get(f"/fhir/CarePlan/{plan['id']}").json() == plan
            assert client.get(f"/decisions/{decision}").status_code == httpx.codes.OK
            if number < REPLAYED:
                replay = client.get(f"/decisions/{decision}/replay").json()
                assert replay["identical"] is True, replay
        one = next(iter(answered))
        repeated = _derive(client, one)
        assert repeated.headers["x-decision-id"] == answered[one][0]
        assert repeated.content == answered[one][1]

    verified = subprocess.run(
        [PAINPLAN, "audit", "verify"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PAINPLAN_DATABASE_URL": database.url},
    )
    assert verified.returncode == 0, verified.stderr
    assert "intact" in verified.stdout
