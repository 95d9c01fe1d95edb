"""Start to the first answer, beside a bare FastAPI: ``python -m benchmarks.start``.

``painplan serve`` as it is run, on a database that is there and on none; each round starts all of
them in turn, and the median of the rounds' ratios is told. CPU is that of the process tree.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.load import server, uvicorn

ROUNDS = 7
BARE, THERE, FRESH = "bare FastAPI", "database is there", "fresh database"
AT_MOST = 2.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until the first answer, and seconds of CPU until then."""

    wall: float
    cpu: float


def started(rounds: int = ROUNDS) -> dict[str, list[Start]]:
    """Every kind of start, in turn, after one round that is not counted."""
    found: dict[str, list[Start]] = {BARE: [], THERE: [], FRESH: []}
    serve = [sys.executable, "-m", "app.cli", "serve", "--port", "{port}"]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            kinds = {
                BARE: (uvicorn("benchmarks.echo:app"), "none.db"),
                THERE: (serve, "there.db"),
                FRESH: (serve, f"{number}.db"),
            }
            for kind, (command, database) in kinds.items():
                one = _start(command, Path(folder) / database)
                if number:
                    found[kind].append(one)
    return found


def beside_bare(found: dict[str, list[Start]], kind: str, of: Callable[[Start], float]) -> float:
    """The median over the rounds of ``kind`` beside the bare start of the same round."""
    pairs = zip(found[kind], found[BARE], strict=True)
    return median(of(ours) / of(bare) for ours, bare in pairs)


def told(found: dict[str, list[Start]]) -> str:
    """A line for each start of ours."""
    bare = median(start.wall for start in found[BARE])
    lines = [f"start to the first answer of a bare FastAPI: {bare:.2f} s"]
    for kind in (THERE, FRESH):
        wall, cpu = beside_bare(found, kind, _wall), beside_bare(found, kind, _cpu)
        mark = "pass" if wall <= AT_MOST else "MISSED"
        bound = f" (at most {AT_MOST:.0f}): {mark}" if kind == THERE else ""
        lines.append(f"start, {kind}: {wall:.2f} x{bound}; CPU {cpu:.2f} x")
    return "\n".join(lines)


def _wall(start: Start) -> float:
    return start.wall


def _cpu(start: Start) -> float:
    return start.cpu


def _start(command: list[str], database: Path) -> Start:
    environment = {"PAINPLAN_DATABASE_URL": f"sqlite:///{database}", "PAINPLAN_LOG_LEVEL": "ERROR"}
    with server(command, ready="/healthz", environment=environment) as on:
        return Start(on.start_seconds, on.cpu())


if __name__ == "__main__":
    sys.stdout.write(told(started()) + "\n")
