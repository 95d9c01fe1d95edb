"""kill -9 under load: whatever was answered is there, and the chain is whole."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.acceptance.load import NOBODY, derive, loaded
from tests.databases import Kept

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
STARTS_WITHIN = 120.0
# So many that several are under way at the kill, on a machine of any speed.
ANSWERED = 60
REPLAYED = 20


@contextmanager
def running(
    database: Kept, *options: str, environment: Mapping[str, str | None] | None = None
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The service as a process of its own; what is None in ``environment`` is not set.

    Each has another port, and all that share a history one address, as behind a proxy.
    """
    port = free_port()
    wanted: dict[str, str | None] = {
        **os.environ,
        "PAINPLAN_DATABASE_URL": database.url,
        "PAINPLAN_LOG_LEVEL": "ERROR",
        "PAINPLAN_PUBLIC_URL": "http://127.0.0.1:8000",
        **(environment or {}),
    }
    all_of_it = {name: value for name, value in wanted.items() if value is not None}
    command = [PAINPLAN, "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=all_of_it)
    url = f"http://127.0.0.1:{port}"
    try:
        until_ready(url, lambda: process.poll() is None)
        yield url, process
    finally:
        process.terminate()  # it ends its workers, too
        process.wait(30)


def free_port() -> int:
    """Of this machine, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_ready(url: str, is_running: Callable[[], bool]) -> None:
    """Wait for the first start that succeeds, however slow the machine is."""
    until = time.monotonic() + STARTS_WITHIN
    with httpx.Client(base_url=url, verify=NOBODY) as client:
        while time.monotonic() < until:
            assert is_running(), "the service did not start"
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").is_success:
                    return
            time.sleep(0.02)
    raise AssertionError("the service was not ready in time")


def test_nothing_acknowledged_is_lost(fresh: Kept) -> None:
    database = fresh
    with running(database) as (url, process), loaded(url) as load:
        load.until_answered(ANSWERED)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        load.is_over = True
    answered = load.answered

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
        repeated = derive(client, one)
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
