"""A service in a process of its own under load: what a request costs it, how fast, how much memory.

CPU is user + system time of the server's whole process tree, read from the outside, so that the
client and a database beside it do not count. ``wrk`` sends where it is installed, else the
bundled client (``benchmarks/client.py``).
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from benchmarks import wrk
from benchmarks.client import CLIENTS, closed_loop, message

__all__ = ["CLIENTS", "Block", "Load", "Server", "migrated", "server", "uvicorn"]
STARTS_WITHIN = 60.0
LOOK_EVERY = 0.005
MICRO = 1e6


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
class Block:
    """One block of requests: CPU microseconds a request, requests a second, peak memory in MB."""

    cpu: float
    rate: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent where; ``tokens`` are an Authorization for each body, or none."""

    path: str
    bodies: Sequence[bytes]
    headers: Mapping[str, str]
    tokens: Sequence[str] = field(default=(), repr=False)

    def part(self, start: int, end: int) -> "Load":
        """Some of it."""
        return Load(self.path, self.bodies[start:end], self.headers, self.tokens[start:end])

    def sent(self, on: Server) -> Block:
        """Send it once, eight at a time; FailedError where anything else than success came."""
        peak = 0.0

        def look() -> None:
            nonlocal peak
            peak = max(peak, on.megabytes())

        before = on.cpu()
        spent = self._by_wrk(on, look) if wrk.is_installed() else self._by_ours(on)
        used = on.cpu() - before
        look()
        count = len(self.bodies)
        return Block(used / count * MICRO, count / spent, peak)

    def messages(self, url: str) -> list[bytes]:
        """Every request as the bundled client sends it."""
        tokens = [{"Authorization": t} for t in self.tokens] or [{}] * len(self.bodies)
        return [
            message(url, self.path, body, {**self.headers, **token})
            for body, token in zip(self.bodies, tokens, strict=True)
        ]

    def _by_wrk(self, on: Server, look: Callable[[], None]) -> float:
        return wrk.send(on.url + self.path, self.bodies, self.headers, self.tokens, look)

    def _by_ours(self, on: Server) -> float:
        messages = self.messages(on.url)
        began = time.perf_counter()
        closed_loop(on.url, messages)
        return time.perf_counter() - began


@contextmanager
def server(
    command: Sequence[str], *, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run ``command`` with ``{port}`` filled in, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    filled = [part.replace("{port}", str(port)) for part in command]
    began = time.perf_counter()
    running = subprocess.Popen(
        filled,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,  # for a banner; what goes wrong is told on standard error
    )
    try:
        _wait(port, ready, running)
        spent = time.perf_counter() - began
        yield Server(f"http://127.0.0.1:{port}", psutil.Process(running.pid), spent)
    finally:
        running.terminate()
        running.wait(30)


def uvicorn(target: str, *options: str) -> list[str]:
    """The command that serves an application with uvicorn, without its logs."""
    quiet = ["--log-level", "error", "--no-access-log", "--timeout-keep-alive", "120"]
    return [sys.executable, "-m", "uvicorn", target, *options, "--port", "{port}", *quiet]


def migrated(url: str) -> dict[str, str]:
    """The settings of a service on a database that is there: a migration is paid for once."""
    settings = {"PAINPLAN_DATABASE_URL": url, "PAINPLAN_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "app.cli", "migrate"]
    subprocess.run(command, env={**os.environ, **settings}, check=True)
    return settings


def _wait(port: int, path: str, running: "subprocess.Popen[bytes]") -> None:
    """Until anything is answered below 500."""
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if running.poll() is not None:
            sys.exit(f"the server ended with {running.returncode}")
        if _answers(port, path):
            return
        time.sleep(LOOK_EVERY)
    sys.exit("the server did not start")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()
