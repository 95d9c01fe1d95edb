"""The engine alone: a parsed submission to the bytes of the CarePlan and of the whole trace.

No HTTP, no validation, no database. Beside it, in the same run, the parse of the same bytes.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import orjson

from app.domain.decision import derive
from app.domain.frame import Frame, InputVersion
from app.domain.submission import Submission
from app.domain.trace import trace_of
from app.fhir.reading.record import RecordReader
from app.fhir.reading.submission import read_submission
from app.fhir.validation import Validator
from app.fhir.writing.activity import constants
from app.fhir.writing.care_plan import care_plan
from app.knowledge.library import Library
from app.main import published, questionnaires
from benchmarks.fixtures import submission

PATIENTS = 300
ROUNDS = 5
AS_OF = datetime(2026, 6, 1, 9, tzinfo=UTC)
AT = "2026-06-01T09:00:00Z"
DECISION = "5f2d9a35-3a3c-5a69-9d0f-2f0c6f1d7b11"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """CPU microseconds a patient."""

    parse: float
    derivation: float

    @property
    def ratio(self) -> float:
        """How many parses a derivation costs."""
        return self.derivation / self.parse


def measured() -> Engine:
    """Each patient once a round, the best round of each."""
    library = Library.of_release(crisis_text="", engine="benchmark")
    expertise = library.current
    content, ready = expertise.content, constants(expertise.content)
    validator = Validator.load()
    reader = RecordReader(questionnaires(published()))

    def derived(one: Submission) -> tuple[bytes, bytes]:
        record = reader.record(one.resources, content, as_of=AS_OF, complete=frozenset())
        decision = derive(
            record,
            content,
            as_of=AS_OF,
            guideline_profile="who",
            crisis_text=expertise.crisis_text,
        )
        plan = care_plan(decision, content, _frame(one), AT, ready)
        return orjson.dumps(plan), orjson.dumps(trace_of(decision, content))

    bodies = [submission(number) for number in range(PATIENTS)]
    parsed = [
        read_submission(body, query={}, validator=validator, operation="derive") for body in bodies
    ]
    gc.collect()
    gc.freeze()
    return Engine(parse=_best(orjson.loads, bodies), derivation=_best(derived, parsed))


def _frame(one: Submission) -> Frame:
    inputs = tuple(InputVersion(r.type, r.id, 1, r.sha256) for r in one.resources)
    return Frame(DECISION, one.subject, inputs, "1", "sha256:-", "benchmark")


def _best(work: Callable[[T], object], patients: Sequence[T]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for patient in patients:
            work(patient)
        best = min(best, time.process_time() - started)
    return best / len(patients) * 1e6
