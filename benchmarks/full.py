"""``make bench``: floors, peers and product side by side in one run, the table of performance.md.

CPU is that of the server's process tree; ratios are what counts on a noisy machine. Results go to
``benchmarks/results/`` as JSON and to ``docs/performance.md`` as a table.
"""

import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from app.population.deciding import How
from app.population.running import Job, run
from app.sql.sqlite import sync_seconds
from app.sql.verify import verify
from benchmarks.engine import Engine, measured
from benchmarks.fixtures import submission
from benchmarks.hook_fixture import hook_request
from benchmarks.load import Cost, Server, closed, open_loop, quantile, server, uvicorn
from benchmarks.patients import patients
from benchmarks.signed import Signer

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = ROOT / "docs" / "performance.md"
HEALTHCHAIN = ROOT / "build" / "healthchain" / "bin" / "python"
FHIR = {"Content-Type": "application/fhir+json"}
JSON = {"Content-Type": "application/json"}
WARM_UP, REQUESTS, SLOW_REQUESTS = 100, 1500, 120
PEOPLE = 1500
RATE, OPEN_REQUESTS = 300.0, 3000
QUICK = 8
HOOK = "/cds-services/clbp-order-sign"
SIGNED = ("RS384", "ES384")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: what, how much, the bound, and whether it is kept."""

    work: str
    figure: str
    bound: str
    is_kept: bool | None


@dataclass(slots=True)
class Run:
    """What was measured, by name."""

    costs: dict[str, Cost]
    starts: dict[str, float]
    engine: Engine
    parse: float
    tail: list[float]
    population: dict[int, float]
    verified: float
    stored: float
    lines: list[Line]


def main() -> None:
    """Measure everything, print the table, write it down."""
    scale = QUICK if "--quick" in sys.argv else 1
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(Path(folder), scale)
    found.lines = list(_lines(found))
    text = _table(found)
    sys.stdout.write(text)
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    (RESULTS / f"{stamp}.json").write_text(_json(found), encoding="utf-8")
    if scale == 1:
        DOCUMENT.write_text(_document(text), encoding="utf-8")


def _measured(folder: Path, scale: int) -> Run:
    bodies = [submission(number) for number in range(WARM_UP + REQUESTS // scale)]
    hooks = [hook_request(number) for number in range(WARM_UP + REQUESTS // scale)]
    few = WARM_UP // 5 + SLOW_REQUESTS // min(scale, 4)
    costs: dict[str, Cost] = {}
    starts: dict[str, float] = {}

    def load(
        name: str, command: Sequence[str], path: str, what: Sequence[bytes], warm_up: int = WARM_UP
    ) -> None:
        headers = FHIR if path.startswith("/fhir") else JSON
        with server(command, ready="/healthz", environment=_environment(folder, name)) as on:
            starts.setdefault(name, on.start_seconds)
            costs[name] = closed(on, path, what, headers, warm_up)

    load("raw ASGI echo", uvicorn("benchmarks.raw:app"), "/echo", bodies)
    load("bare FastAPI echo", uvicorn("benchmarks.echo:app"), "/echo", bodies)
    load("peer derivation", uvicorn("benchmarks.peer:app"), "/derive", bodies[:few], WARM_UP // 5)
    ours = uvicorn("app.main:create_app", "--factory")
    _migrate(folder, "derivation")
    load("derivation", ours, "/fhir/$derive", bodies)
    load("derivation, not kept", ours, "/fhir/$derive?persist=false", bodies)
    load("hook", ours, HOOK, hooks)
    for alg in SIGNED:
        costs[f"hook, {alg} token"] = _signed(alg, ours, hooks, folder)
    if HEALTHCHAIN.exists():
        command = [str(HEALTHCHAIN), "-m", "uvicorn", "--app-dir", "benchmarks/healthchain"]
        command += ["service:app", "--port", "{port}", "--log-level", "error", "--no-access-log"]
        load("HealthChain hook", command, "/cds/cds-services/bench", hooks[:few], WARM_UP // 5)
    with server(ours, ready="/healthz", environment=_environment(folder, "tail")) as on:
        tail = _tail(on, bodies, scale)
    database = folder / "derivation.db"
    return Run(
        costs=costs,
        starts=starts,
        engine=measured(),
        parse=_parse(bodies),
        tail=tail,
        population=_population(folder, PEOPLE // scale),
        verified=_verified(database),
        stored=_stored(database),
        lines=[],
    )


def _migrate(folder: Path, name: str) -> None:
    """The ordinary start is on a database that is there: a migration is paid for once."""
    environment = {**os.environ, **_environment(folder, name)}
    subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, check=True)


def _environment(folder: Path, name: str) -> dict[str, str]:
    plain = name.replace(",", "").replace(" ", "-")
    return {
        "PAINPLAN_DATABASE_URL": f"sqlite:///{folder}/{plain}.db",
        "PAINPLAN_LOG_LEVEL": "ERROR",
        "PEER_DATABASE": f"sqlite+aiosqlite:///{folder}/peer.db",
    }


def _signed(alg: str, command: Sequence[str], hooks: Sequence[bytes], folder: Path) -> Cost:
    """The hook again with authentication on, each call with a token of its own."""
    signer = Signer(alg)
    environment = {**_environment(folder, f"hook-{alg}"), **signer.settings(folder)}
    with server(command, ready="/healthz", environment=environment) as on:
        return closed(on, HOOK, hooks, JSON, WARM_UP, signer.headers(HOOK, len(hooks)))


def _tail(on: Server, bodies: Sequence[bytes], scale: int) -> list[float]:
    closed(on, "/fhir/$derive", bodies[:WARM_UP], FHIR, WARM_UP // 2)
    many = [submission(10_000 + number) for number in range(OPEN_REQUESTS // scale)]
    return open_loop(on, "/fhir/$derive", many, FHIR, RATE)


def _parse(bodies: Sequence[bytes]) -> float:
    return _best(lambda: [orjson.loads(body) for body in bodies]) / len(bodies) * 1e6


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def _population(folder: Path, people: int) -> dict[int, float]:
    """Patients a second, with one process and with two."""
    source = folder / "people.ndjson"
    source.write_bytes(b"".join(line + b"\n" for line in patients(people)))
    how = How(datetime(2026, 6, 1, 9, tzinfo=UTC), "who")
    rates = {}
    for workers in (1, 2):
        began = time.perf_counter()
        run(Job(source, folder / f"out-{workers}.ndjson", how, workers))
        rates[workers] = people / (time.perf_counter() - began)
    return rates


def _verified(database: Path) -> float:
    """Entries a second of ``audit verify``."""
    began = time.process_time()
    report = verify(f"sqlite:///{database}", lambda _: None)
    return report.entries / (time.process_time() - began)


def _stored(database: Path) -> float:
    """Bytes of the file for each decision."""
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM decision").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database.stat().st_size / float(count)


def _lines(found: Run) -> Iterator[Line]:
    cost = {name: one.cpu for name, one in found.costs.items()}
    echo, derivation = cost["bare FastAPI echo"], cost["derivation"]
    yield _at_most("derivation / bare FastAPI echo", derivation / echo, 15, "x")
    yield _at_least("peer / derivation", cost["peer derivation"] / derivation, 15, "x")
    yield _at_most("derivation, CPU a request", derivation, 1200, "us")
    yield _at_most("derivation with persist=false", cost["derivation, not kept"], 700, "us")
    yield _at_most("engine alone", found.engine.derivation, 250, "us")
    yield _at_most("engine alone / parse of its input", found.engine.ratio, 12, "x")
    yield _at_most("hook, 63 KB, 40 resources, stored", cost["hook"] / 1000, 1.5, "ms")
    if "HealthChain hook" in cost:
        ratio = cost["HealthChain hook"] / cost["hook"]
        yield _at_least("HealthChain (stores nothing) / hook", ratio, 10, "x")
    p99 = quantile(found.tail, 0.99) * 1000
    yield _at_most(f"p99 at {RATE:.0f} requests/s, open loop", p99, 10, "ms")
    yield _at_least("population, patients a second on one core", found.population[1], 4000, "/s")
    scaling = found.population[2] / found.population[1] - 1
    yield _at_least("population, what the second process adds", scaling, 0.9, "x")
    starts = found.starts
    ratio = starts["derivation"] / starts["bare FastAPI echo"]
    yield _at_most("start on a database that is there / of a bare FastAPI", ratio, 2, "x")
    yield _at_most("resident memory under load", found.costs["derivation"].megabytes, 150, "MB")
    yield _at_most("storage of a derivation, every index", found.stored / 1000, 16, "KB")
    yield _at_least("audit verify, entries a second", found.verified, 20_000, "/s")


def _at_most(work: str, value: float, bound: float, unit: str) -> Line:
    return Line(work, f"{value:.4g} {unit}", f"at most {bound:g} {unit}", value <= bound)


def _at_least(work: str, value: float, bound: float, unit: str) -> Line:
    return Line(work, f"{value:.4g} {unit}", f"at least {bound:g} {unit}", value >= bound)


def _table(found: Run) -> str:
    sync = sync_seconds(Path(tempfile.gettempdir()))
    box = f"{os.cpu_count()} cores, {platform.platform()}, CPython {platform.python_version()}"
    rows = ["| work | measured | bound | |", "|---|---|---|---|"]
    rows += [
        f"| {line.work} | {line.figure} | {line.bound} | {'pass' if line.is_kept else 'MISSED'} |"
        for line in found.lines
    ]
    costs = ["| side by side | CPU a request (us) | requests/s | MB |", "|---|---|---|---|"]
    costs += [
        f"| {name} | {one.cpu:.0f} | {one.rate:.0f} | {one.megabytes:.0f} |"
        for name, one in found.costs.items()
    ]
    costs.append(f"| orjson.loads of the request | {found.parse:.1f} | | |")
    head = f"Box: {box}. fsync of 8 KB: {sync * 1e6:.0f} us. Commit: {_commit()}. Auth off."
    return "\n".join([head, "", *rows, "", *costs, ""])


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  (whichever git there is)
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _json(found: Run) -> str:
    told = {
        "lines": [asdict(line) for line in found.lines],
        "costs": {name: asdict(one) for name, one in found.costs.items()},
        "starts": found.starts,
        "engine": asdict(found.engine),
        "parse": found.parse,
        "tail": {str(q): quantile(found.tail, q) for q in (0.5, 0.9, 0.99, 0.999)},
        "population": found.population,
        "verified": found.verified,
        "stored": found.stored,
    }
    return json.dumps(told, indent=2) + "\n"


ABOUT = (
    "Written by `make bench`, all in one run on one machine. The machine is shared, so a figure"
    " alone says little and a ratio more; the bounds are those of the design. What was tried to"
    " reach them is told in [decision 10](decisions/0010-what-a-derivation-costs.md)."
)
PEERS = (
    "The peer is a service as it is usually built: FastAPI with `fhir.resources` bodies,"
    " SQLAlchemy's asynchronous ORM, JSON columns, one commit a request, the same derivation"
    " inside. HealthChain answers one card from prefetch that it reads through its models and"
    " stores nothing. The open loop sends at the times of a Poisson process whatever the answers"
    " do; a latency counts from when its request should have begun."
)


def _document(table: str) -> str:
    return f"# What it costs\n\n{ABOUT}\n\n{table}\n{PEERS}\n"


if __name__ == "__main__":
    main()
