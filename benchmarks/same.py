"""Whether two checkouts decide and write the same about many patients, to the byte.

``python -m benchmarks.same 300 > FILE`` in each, then ``diff`` of the files: a line a case, its
name and a digest of all that was decided and written. Vignettes, made-up patients of the impact
report, lines of ``benchmarks.patients`` through reading and writing, the orders of the vignettes.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import orjson

from app.domain.decision import derive
from app.domain.facts import Record
from app.domain.frame import Frame, InputVersion
from app.domain.questions import questions
from app.domain.trace import before_of, trace_of
from app.fhir.writing.writer import ResourceWriter
from app.impact.population import AS_OF, material, population
from app.population.deciding import Decider, How
from benchmarks.patients import patients
from tests.domain.orders import test_vignettes as orders
from tests.patients import knowledge
from tests.vignettes import test_whole_patients as whole

DECISION = "5f2d9a35-3a3c-5a69-9d0f-2f0c6f1d7b11"
INPUTS = (InputVersion("Observation", "o", 1, b"x" * 32),)
CONTENT = knowledge()
LATER = timedelta(weeks=9)


def main(size: int) -> None:
    """Print a line a case; ``size`` made-up patients and as many lines."""
    for name, digest in cases(size):
        print(name, digest)


def cases(size: int) -> Iterator[tuple[str, str]]:
    """Name and digest of each case."""
    writer = ResourceWriter()
    told = [(name, whole.patient_of(name).record()) for name in whole.NAMES]
    for name, record in (*told, *population(material(CONTENT, CONTENT), size)):
        yield from _about(name, record, writer)
    decider = Decider(How(AS_OF, "who", with_resources=True))
    for number, line in enumerate(patients(size)):
        yield f"line-{number}", _digest(repr(decider.decide(line)).encode())
    for file in orders.FILES:
        yield f"orders-{file.stem}", _digest(repr(orders.review_of(orders.told(file))).encode())


def _about(name: str, record: Record, writer: ResourceWriter) -> Iterator[tuple[str, str]]:
    """As told, by another profile with the facts shuffled, and later with the plan before."""
    trace, digest = _decided(record, writer, "who", later=False)
    yield name, digest
    facts = list(record.facts)
    Random(name).shuffle(facts)
    shuffled = replace(record, facts=tuple(facts))
    yield f"{name} shuffled, uk", _decided(shuffled, writer, "uk", later=False)[1]
    newer = tuple(f._replace(at=f.at + LATER) if n % 2 else f for n, f in enumerate(record.facts))
    after = replace(record, facts=newer)
    yield f"{name} later", _decided(after, writer, "who", later=True, trace=trace)[1]


def _decided(
    record: Record, writer: ResourceWriter, profile: str, *, later: bool, trace: bytes = b""
) -> tuple[bytes, str]:
    decision = derive(
        record,
        CONTENT,
        as_of=AS_OF + LATER if later else AS_OF,
        guideline_profile=profile,
        crisis_text="Call <now> & here.",
        before=before_of("before", orjson.loads(trace)) if later else None,
    )
    frame = Frame(DECISION, "p", INPUTS, "1", "sha256:-", "same")
    made = orjson.dumps(trace_of(decision, CONTENT))
    asked = questions(CONTENT, decision.worlds, decision.plan.considered)
    told = repr((decision.stakes, decision.unlocks, asked, tuple(decision.worlds.values)))
    written = repr(
        [(w.type, w.id, w.status, w.body) for w in writer.write(decision, CONTENT, frame)]
    )
    return made, _digest(made, told.encode(), written.encode())


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:20]


if __name__ == "__main__":
    main(int(sys.argv[1]))
