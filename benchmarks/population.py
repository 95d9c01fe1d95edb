"""``make population-check``: what `painplan population` does with a whole file, seen from outside.

Patients a second with one process and with two, memory along the way, and a run of two processes
that is killed half-way and goes on: its output must be that of the run of one process, to the byte.
``make population-check PEOPLE=2000`` is a short one; by default there are 100,000 patients.
"""

import hashlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil

from benchmarks.patients import patients

PEOPLE = 100_000
AS_OF = "2026-06-01T09:00:00Z"
PAINPLAN = str(Path(sys.executable).with_name("painplan"))
LOOK_EVERY = 0.02
ENDS_WITHIN = 60.0
GROWTH_AT_MOST, SCALING_AT_LEAST, RATE_AT_LEAST = 1.05, 0.9, 4000
PARTS = 3
WRITTEN = ("", ".rejects", ".summary.json", ".svg")
CHUNK = 1 << 20


class CheckFailedError(Exception):
    """The run did not do what was asked of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A state that reached the disk: when (s), patients so far, CPU (s) and MB of all processes."""

    at: float
    patients: int
    cpu: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Observed:
    """A run from its first state on, so that loading the knowledge does not count."""

    seen: Sequence[Seen] = field(repr=False)

    @property
    def rate(self) -> float:
        """Patients a second, by the clock on the wall."""
        return self._patients / (self.seen[-1].at - self.seen[0].at)

    @property
    def of_core(self) -> float:
        """Patients a second of CPU, of all processes together."""
        return self._patients / (self.seen[-1].cpu - self.seen[0].cpu)

    @property
    def memory(self) -> tuple[float, float]:
        """The most megabytes in the second third of the run and in its last."""
        third = len(self.seen) // PARTS
        middle, last = self.seen[third : 2 * third] or self.seen, self.seen[2 * third :]
        return max(s.megabytes for s in middle), max(s.megabytes for s in last)

    @property
    def growth(self) -> float:
        """Memory of the last third over that of the second."""
        middle, last = self.memory
        return last / middle

    @property
    def _patients(self) -> int:
        return self.seen[-1].patients - self.seen[0].patients


def observed(
    source: Path, target: Path, workers: int, *, resume: bool = False, kill_at: int | None = None
) -> Observed:
    """Run the command; ``kill_at`` that many patients it is killed, and its workers must end."""
    command = [PAINPLAN, "population", str(source), str(target), "--workers", str(workers)]
    command += ["--resume"] if resume else ["--as-of", AS_OF]
    seen: list[Seen] = []
    with tempfile.TemporaryFile() as told:
        running = subprocess.Popen(command, stdout=told, stderr=told)
        tree = psutil.Process(running.pid)
        others: list[psutil.Process] = []
        while running.poll() is None:
            found = _look(tree, target)
            if found is not None and (not seen or found.patients > seen[-1].patients):
                seen.append(found)
                if kill_at is not None and found.patients >= kill_at:
                    others = tree.children(recursive=True)
                    running.send_signal(signal.SIGKILL)
                    running.wait()
            time.sleep(LOOK_EVERY)
        told.seek(0)
        expected = 0 if kill_at is None else -signal.SIGKILL
        if running.returncode != expected:
            raise CheckFailedError(told.read()[-2000:].decode())
    if psutil.wait_procs(others, timeout=ENDS_WITHIN)[1]:
        raise CheckFailedError("workers of a killed run are still there")
    return Observed(seen)


def _look(tree: psutil.Process, target: Path) -> Seen | None:
    try:
        state = orjson.loads(target.with_name(target.name + ".progress").read_bytes())
        processes = (tree, *tree.children(recursive=True))
        times = [p.cpu_times() for p in processes]
        memory = sum(p.memory_info().rss for p in processes) / 1e6
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    cpu = float(sum(t.user + t.system for t in times))
    return Seen(time.perf_counter(), state["tally"]["patients"], cpu, float(memory))


def write_people(path: Path, count: int) -> Path:
    """Made-up patients as NDJSON."""
    with path.open("wb") as file:
        for line in patients(count):
            file.write(line + b"\n")
    return path


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def main() -> None:
    """Everything once; the exit code says whether what must be so is so."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else PEOPLE
    with tempfile.TemporaryDirectory(prefix="painplan-population-") as folder:
        source = write_people(Path(folder) / "people.ndjson", count)
        _say(f"{count} patients, {source.stat().st_size / 1e6:.0f} MB")
        whole, halves = Path(folder) / "whole.ndjson", Path(folder) / "halves.ndjson"
        one = observed(source, whole, 1)
        _tell("one process", one)
        two = observed(source, halves, 2, kill_at=count // 2)
        _tell(f"two processes, killed at {two.seen[-1].patients} patients", two)
        rest = observed(source, halves, 2, resume=True)
        _tell("the same, gone on with", rest)
        is_same = all(
            _digest(whole.with_name(whole.name + end))
            == _digest(halves.with_name(halves.name + end))
            for end in WRITTEN
        )
    added = two.rate / one.rate - 1
    _say(f"output, rejects, summary and chart of both runs are the same: {_mark(is_same)}")
    _say(f"memory flat (at most {GROWTH_AT_MOST:.0%}): {_mark(one.growth <= GROWTH_AT_MOST)}")
    _say(f"the second process adds {added:.2f} of the first: {_mark(added >= SCALING_AT_LEAST)}")
    _say(f"{RATE_AT_LEAST} patients a second of a core: {_mark(one.of_core >= RATE_AT_LEAST)}")
    sys.exit(not is_same or one.growth > GROWTH_AT_MOST)


def _tell(name: str, run: Observed) -> None:
    middle, last = run.memory
    _say(
        f"{name}: {run.rate:.0f} patients/s, {run.of_core:.0f} a second of CPU;"
        f" {middle:.0f} MB in the second third, {last:.0f} MB in the last"
    )


def _mark(is_kept: bool) -> str:  # noqa: FBT001  (a word for a comparison)
    return "pass" if is_kept else "MISSED"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
