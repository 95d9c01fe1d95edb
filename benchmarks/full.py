"""``make bench``: floors, peers and product side by side in one run, the table of performance.md.

Results go to ``benchmarks/results/`` as JSON and, as a table, into ``docs/performance.md``.
``python -m benchmarks.full --quick`` takes a few minutes and writes no document.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.sql.verify import verify
from benchmarks.box import Box
from benchmarks.cases import (
    DERIVATION,
    DERIVATION_PG,
    DERIVE,
    FHIR,
    OURS,
    Case,
    Databases,
    cases,
)
from benchmarks.client import open_loop
from benchmarks.engine import Engine, measured
from benchmarks.fixtures import submission
from benchmarks.load import Load, server, uvicorn
from benchmarks.population import PAINPLAN, Observed, observed, write_people
from benchmarks.postgres import postgres
from benchmarks.report import BARE, written
from benchmarks.rounds import Rounds, in_turns
from benchmarks.stored import Database, Stored

TURNS = 240.0  # seconds for the closed loops
RATE, OPEN_REQUESTS, WARM_UP = 300.0, 4500, 200
PEOPLE, STARTS = 3000, 5
QUICK = 8
SERVE = [PAINPLAN, "serve", "--port", "{port}"]
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
FACTORY, COMMAND = "uvicorn app.main:create_app", "painplan serve"
PARSED = 200


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until the first answer, by the clock on the wall and of CPU."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured; by the name of a case, of a database or of a way to start."""

    rounds: Rounds
    engine: Engine
    parse: float
    tails: Mapping[str, Sequence[float]]
    population: Mapping[int, Observed]
    starts: Mapping[str, Start]
    stored: Mapping[str, Stored]
    verified: float


def main() -> None:
    """Measure everything, print the table, write it down."""
    share = QUICK if "--quick" in sys.argv else 1
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="painplan-bench-") as folder, postgres() as running:
        at = Databases(Path(folder), running)
        box = Box.here(Path(folder), at)
        results = _results(at, share)
    text = written(results, box, time.perf_counter() - began, is_whole=share == 1)
    sys.stdout.write(text)


def _results(at: Databases, share: int) -> Results:
    todo = list(cases(at))
    before = _databases(todo, at)
    _say("start")
    starts = _starts(at, max(2, STARTS // share))
    _say("closed loops, in turns")
    rounds = in_turns(todo, seconds=TURNS / share, share=min(share, 2))
    _say("open loop")
    tails = {
        SQLITE: _tail(at.sqlite("tail"), share),
        POSTGRESQL: _tail(at.postgresql("tail"), share),
    }
    _say("engine, audit verify, storage")
    engine, parse = measured(), _parse()
    verified = _verified(at.file("derivation"))
    stored = {name: database.stored() for name, database in before.items()}
    _say("population")
    source = write_people(at.folder / "people.ndjson", max(500, PEOPLE // share))
    population = {n: observed(source, at.folder / f"out-{n}.ndjson", n) for n in (1, 2)}
    return Results(rounds, engine, parse, tails, population, starts, stored, verified)


def _databases(todo: Sequence[Case], at: Databases) -> dict[str, Database]:
    """Those of the stored derivations, before anything is derived."""
    urls = {case.name: case.environment.get("PAINPLAN_DATABASE_URL", "") for case in todo}
    return {
        SQLITE: Database.of_file(Path(urls[DERIVATION].removeprefix("sqlite:///"))),
        POSTGRESQL: Database.of_postgres(lambda sql: at.postgres.ask(urls[DERIVATION_PG], sql)),
    }


def _starts(at: Databases, times: int) -> dict[str, Start]:
    """The quickest of some starts of each, in turns, on a database that is there."""
    environment = at.sqlite("start")
    commands = {BARE: uvicorn("benchmarks.echo:app"), FACTORY: OURS, COMMAND: SERVE}
    found: dict[str, list[Start]] = {name: [] for name in commands}
    for _ in range(times + 1):  # the first reads from the disk what the others find in memory
        for name, command in commands.items():
            with server(command, ready="/healthz", environment=environment) as on:
                found[name].append(Start(on.start_seconds, on.cpu()))
    return {
        name: Start(min(s.wall for s in seen[1:]), min(s.cpu for s in seen[1:]))
        for name, seen in found.items()
    }


def _tail(environment: Mapping[str, str], share: int) -> Sequence[float]:
    """Latencies of derivations of new patients, sorted."""
    count = OPEN_REQUESTS // share
    bodies = [submission(number) for number in range(WARM_UP + count)]
    load = Load(DERIVE, bodies, FHIR)
    with server(OURS, ready="/healthz", environment=environment) as on:
        load.part(0, WARM_UP).sent(on)
        return open_loop(on.url, load.part(WARM_UP, WARM_UP + count).messages(on.url), RATE)


def _parse() -> float:
    """CPU microseconds of ``orjson.loads`` of a derivation's request."""
    bodies = [submission(number) for number in range(PARSED)]
    return _best(lambda: [orjson.loads(body) for body in bodies]) / PARSED * 1e6


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def _verified(database: Path) -> float:
    """Entries that ``audit verify`` recomputes in a second of CPU."""
    began = time.process_time()
    report = verify(f"sqlite:///{database}", lambda _: None)
    if not report.is_intact:
        sys.exit(f"the chain does not verify: {report.faults[0]}")
    return report.entries / (time.process_time() - began)


def _say(what: str) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    sys.stderr.write(f"{what} (load {os.getloadavg()[0]:.1f}, {used:.0f} s of our own CPU)\n")


if __name__ == "__main__":
    main()
