"""Load on a service from outside: closed loop for cost, open loop for the tail, CPU of its tree.

CPU is user + system time of the server's whole process tree, read from the outside. In the open
loop requests start at the times of a Poisson process whatever the answers do, and the latency of
one counts from when it should have started (no coordinated omission).
"""

import asyncio
import math
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

CLIENTS = 8
STARTS_WITHIN = 60.0
LOOK_EVERY = 100
SEED = 20260601


@dataclass(frozen=True, slots=True)
class Server:
    """A service in a process of its own; ``start_seconds`` until it first answered."""

    url: str
    process: psutil.Process
    start_seconds: float

    def cpu(self) -> float:
        """Seconds of CPU of the process tree so far."""
        times = [p.cpu_times() for p in (self.process, *self.process.children(recursive=True))]
        return float(sum(t.user + t.system for t in times))

    def megabytes(self) -> float:
        """Resident memory of the process tree."""
        tree = (self.process, *self.process.children(recursive=True))
        return float(sum(p.memory_info().rss for p in tree)) / 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What a closed loop measured: CPU microseconds a request, requests a second, peak MB."""

    cpu: float
    rate: float
    megabytes: float


@contextmanager
def server(
    command: Sequence[str], *, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run ``command`` with ``{port}`` filled in, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    filled = [part.replace("{port}", str(port)) for part in command]
    began = time.perf_counter()
    running = subprocess.Popen(filled, env={**os.environ, **(environment or {})})
    try:
        _wait(f"{url}{ready}", running)
        yield Server(url, psutil.Process(running.pid), time.perf_counter() - began)
    finally:
        running.terminate()
        running.wait(30)


def uvicorn(target: str, *options: str) -> list[str]:
    """The command that serves an application with uvicorn, without its logs."""
    quiet = ["--log-level", "error", "--no-access-log", "--timeout-keep-alive", "120"]
    return [sys.executable, "-m", "uvicorn", target, *options, "--port", "{port}", *quiet]


def _wait(url: str, running: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if running.poll() is not None:
            sys.exit(f"the server ended with {running.returncode}")
        try:
            httpx.get(url, timeout=1)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    sys.exit("the server did not start")


def closed(  # noqa: PLR0913  (what is sent where, and how)
    on: Server,
    path: str,
    bodies: Sequence[bytes],
    headers: Mapping[str, str],
    warm_up: int,
    tokens: Sequence[Mapping[str, str]] = (),
) -> Cost:
    """A few clients, each sending its next request when the last was answered.

    ``tokens`` are further headers, for each body its own.
    """
    peak = 0.0
    with (
        httpx.Client(base_url=on.url, timeout=60, headers=headers) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):

        def send(one: tuple[bytes, Mapping[str, str]]) -> None:
            body, more = one
            client.post(path, content=body, headers=more).raise_for_status()

        requests = list(zip(bodies, tokens or [{}] * len(bodies), strict=True))
        list(pool.map(send, requests[:warm_up]))
        measured = requests[warm_up:]
        before, began = on.cpu(), time.perf_counter()
        for start in range(0, len(measured), LOOK_EVERY):
            list(pool.map(send, measured[start : start + LOOK_EVERY]))
            peak = max(peak, on.megabytes())
        used, spent = on.cpu() - before, time.perf_counter() - began
    return Cost(used / len(measured) * 1e6, len(measured) / spent, peak)


def open_loop(
    on: Server, path: str, bodies: Sequence[bytes], headers: Mapping[str, str], rate: float
) -> list[float]:
    """Latencies in seconds, sorted, of ``bodies`` sent at Poisson times of ``rate`` a second.

    A request that was refused or lost counts as infinitely late.
    """
    return asyncio.run(_open(on.url, path, bodies, headers, rate))


async def _open(
    url: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str], rate: float
) -> list[float]:
    chance = random.Random(SEED)
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    latencies: list[float] = []
    async with httpx.AsyncClient(
        base_url=url, timeout=60, headers=headers, limits=limits
    ) as client:

        async def send(body: bytes, due: float) -> None:
            try:
                answer = await client.post(path, content=body)
            except httpx.TransportError:
                latencies.append(math.inf)
                return
            latencies.append(time.perf_counter() - due if answer.is_success else math.inf)

        due = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                due += chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(send(body, due))
    return sorted(latencies)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
