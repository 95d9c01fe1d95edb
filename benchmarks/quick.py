"""``make bench-quick``: CPU of a durable derivation beside a bare echo of the same bytes.

CPU is user + system time of the server process, read from the outside; the load comes from this
process over loopback. A ratio within one run is stable on a noisy machine, a figure alone is not.
Then starts, on a fresh database and on one that is there (``benchmarks/start.py``), and the engine
alone beside the parse of its input (``benchmarks/engine.py``).
"""

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from app.sql.sqlite import sync_seconds
from benchmarks.engine import measured
from benchmarks.fixtures import submission
from benchmarks.start import started
from benchmarks.start import told as starts_told

WARM_UP = 200
REQUESTS = 2000
CLIENTS = 8
RATIO_AT_MOST = 15.0
ENGINE_AT_MOST = 12.0
MEGABYTES_AT_MOST = 150.0
HEADERS = {"Content-Type": "application/fhir+json"}


def main() -> None:
    """Print the figures and whether they are within their bounds."""
    with tempfile.TemporaryDirectory() as folder:
        sync = sync_seconds(Path(folder))
        bodies = [submission(number) for number in range(WARM_UP + REQUESTS)]
        with _server("benchmarks.echo:app", [], folder) as (url, process):
            echo, _ = _measure(f"{url}/echo", bodies, process)
        factory = ["--factory"]
        with _server("app.main:create_app", factory, folder) as (url, process):
            derivation, memory = _measure(f"{url}/fhir/$derive", bodies, process)
    ratio = derivation / echo
    print(
        f"box: {os.cpu_count()} cores, {platform.platform()}, CPython {platform.python_version()}"
    )
    print(f"fsync of 8 KB: {sync * 1e6:.0f} us; request {len(bodies[0])} bytes")
    print(f"bare FastAPI echo: {echo:.0f} us CPU a request")
    print(
        f"durable derivation: {derivation:.0f} us CPU a request = {ratio:.1f} x echo "
        f"(at most {RATIO_AT_MOST:.0f}): {_mark(ratio <= RATIO_AT_MOST)}"
    )
    print(
        f"resident memory under load: {memory:.0f} MB "
        f"(at most {MEGABYTES_AT_MOST:.0f}): {_mark(memory <= MEGABYTES_AT_MOST)}"
    )
    print(starts_told(started()))
    engine = measured()
    print(
        f"engine alone, dict to CarePlan and trace: {engine.derivation:.0f} us CPU"
        f" = {engine.ratio:.1f} x orjson.loads of the input, {engine.parse:.0f} us"
        f" (at most {ENGINE_AT_MOST:.0f}): {_mark(engine.ratio <= ENGINE_AT_MOST)}"
    )


def _mark(is_within: bool) -> str:  # noqa: FBT001  (a word for a comparison)
    return "pass" if is_within else "MISSED"


@contextmanager
def _server(target: str, options: list[str], folder: str) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PAINPLAN_DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "PAINPLAN_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "uvicorn", target, *options, "--port", str(port)]
    command += ["--log-level", "error", "--no-access-log"]
    running = subprocess.Popen(command, env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}", psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(30)


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/healthz", timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the server did not start")


def _measure(url: str, bodies: list[bytes], process: psutil.Process) -> tuple[float, float]:
    """CPU microseconds a request and peak resident megabytes."""
    peak = 0.0
    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(CLIENTS) as pool:

        def send(body: bytes) -> None:
            client.post(url, content=body, headers=HEADERS).raise_for_status()

        list(pool.map(send, bodies[:WARM_UP]))
        before = _cpu(process)
        for start in range(WARM_UP, len(bodies), 100):
            list(pool.map(send, bodies[start : start + 100]))
            peak = max(peak, process.memory_info().rss / 1e6)
        used = _cpu(process) - before
    return used / REQUESTS * 1e6, peak


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
