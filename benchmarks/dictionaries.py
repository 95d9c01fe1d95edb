"""Trains the dictionaries by which bodies are compressed, and says what they save.

``python -m benchmarks.dictionaries 3`` writes ``resources-3.zdict`` and ``decisions-3.zdict`` to
``app/sql/dictionaries``; whoever wants them used names them in ``app/sql/bodies.py``. Older files
stay: what was written with them must be readable for ever. ``python -m benchmarks.dictionaries``
compares what is used with the first dictionary, both in turn.

The samples are what the service stores of the shipped examples and of synthetic patients
(``benchmarks/patients.py``), and what it says about the vignettes (``tests/vignettes``). The same
content and the same zstd give the same bytes. Neither the fixture of the benchmark nor anybody's
record is among the samples.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import orjson
import zstandard

from app.domain.frame import Frame, InputVersion
from app.domain.history import DecisionRecord, Entry, ResourceVersion
from app.domain.trace import trace_of
from app.fhir.reading.submission import read_submission
from app.fhir.validation import Validator
from app.fhir.writing import ResourceWriter
from app.main import ROOT, alone
from app.settings import Settings
from app.sql.bodies import DECISIONS, FOLDER, LEVEL, RESOURCES, packed
from app.use_cases.calling import Caller
from app.use_cases.derive_care_plan import Ask
from app.use_cases.nothing import LastWrite
from benchmarks.fixtures import submission
from benchmarks.patients import patients
from tests.patients import knowledge
from tests.vignettes.test_whole_patients import NAMES, decide

SIZE = 112 * 1024
# Long segments: what we write repeats whole sentences and whole codings (chosen on synthetic
# patients that were no samples; 200 instead of 2,000 costs them 39 % more bytes).
SEGMENT, MATCH = 2000, 8
TRAINED, HELD_OUT, FIXTURES = 300, 50, 50
ROUNDS = 5
FIRST = "v1"
AS_OF = datetime(2026, 6, 1, 9, tzinfo=UTC)
DECISION = "5f2d9a35-3a3c-5a69-9d0f-2f0c6f1d7b11"
CALLER = Caller(
    tenant="default", client="training", request_id="-", origin="", guideline_profile="who"
)


@dataclass(slots=True)
class Samples:
    """What is compressed by each of the two dictionaries, uncompressed."""

    resources: list[bytes] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list)
    columns: list[bytes] = field(default_factory=list)
    """The other columns of decisions."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Sort what a derivation stores."""
        for entry in entries:
            if isinstance(entry, ResourceVersion):
                self.resources.append(entry.body)
            elif isinstance(entry, DecisionRecord):
                self.traces.append(entry.trace)
                self.columns += [entry.parameters, entry.inputs, entry.outputs]

    def add_vignettes(self) -> None:
        """What the service says about each; they are told in facts, so nothing came in."""
        writer, content = ResourceWriter(), knowledge()
        inputs = (InputVersion("QuestionnaireResponse", "q1", 1, b"-"),)
        frame = Frame(DECISION, "p1", inputs, content.version, "sha256:-", "1.0.0")
        for name in NAMES:
            decision = decide(name)
            self.resources += [o.body for o in writer.write(decision, content, frame)]
            self.traces.append(orjson.dumps(trace_of(decision, content)))


def main() -> None:
    """Train under the number that is given, or compare."""
    if len(sys.argv) > 1:
        train(int(sys.argv[1]), FOLDER)
        return
    compare("benchmarks/fixtures.py", map(submission, range(FIXTURES)))
    compare(
        "synthetic patients that were no samples",
        islice(patients(TRAINED + HELD_OUT), TRAINED, None),
    )


def train(number: int, folder: Path) -> None:
    """Write the two files; what is there is never replaced."""
    resources, decisions = (folder / f"{n}-{number}.zdict" for n in ("resources", "decisions"))
    if resources.exists() or decisions.exists():
        sys.exit(
            f"There are dictionaries {number} in {folder}, and bodies need them: take another."
        )
    samples = stored(_trained_on())
    samples.add_vignettes()
    resources.write_bytes(trained(samples.resources))
    decisions.write_bytes(trained([*samples.traces, *samples.columns]))


def trained(samples: Sequence[bytes]) -> bytes:
    """A dictionary whose id follows from its content."""
    taken: list[bytes | bytearray | memoryview] = list(samples)
    return zstandard.train_dictionary(SIZE, taken, k=SEGMENT, d=MATCH, level=LEVEL).as_bytes()


def _trained_on() -> Iterator[bytes]:
    for file in sorted((ROOT / "examples").glob("*.json")):
        yield file.read_bytes()
    yield from patients(TRAINED)


def stored(bodies: Iterable[bytes]) -> Samples:
    """What the service would store of each on an empty database."""
    return asyncio.run(_stored(bodies))


async def _stored(bodies: Iterable[bytes]) -> Samples:
    validator, kept, samples = Validator.load(), LastWrite(), Samples()
    derive = alone(Settings.model_construct(), kept)
    for body in bodies:
        read = read_submission(body, query={}, validator=validator, operation="derive")
        asked = Ask(read._replace(as_of=AS_OF), "derive", request_digest=b"")
        await derive(asked, CALLER)
        samples.add(kept.entries)
    return samples


def compare(name: str, bodies: Iterable[bytes]) -> None:
    """Print bytes and CPU of one derivation by the first dictionary and by what is used."""
    samples = stored(bodies)
    count = len(samples.traces)
    print(f"{name}: {count} derivations, each")
    for what, of, used in (
        ("resources", samples.resources, RESOURCES),
        ("trace", samples.traces, DECISIONS),
        ("other columns", samples.columns, DECISIONS),
    ):
        plain = sum(map(len, of)) / count
        before, after = (partial(_packed, of, dictionary) for dictionary in (FIRST, used))
        (old, new), (slow, fast) = (before(), after()), _in_turn(before, after)
        print(
            f"  {what}: {plain:.0f} bytes; {old / count:.0f} before, {new / count:.0f} after; "
            f"{slow / count * 1e6:.0f} us before, {fast / count * 1e6:.0f} us after"
        )


def _packed(bodies: Sequence[bytes], dictionary: str) -> int:
    return sum(len(packed(body, dictionary)) for body in bodies)


def _in_turn(*works: Callable[[], object]) -> list[float]:
    """CPU seconds of each, the best of a few rounds."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for n, work in enumerate(works):
            started = time.process_time()
            work()
            best[n] = min(best[n], time.process_time() - started)
    return best


if __name__ == "__main__":
    main()
