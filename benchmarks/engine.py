"""What the derivation of one patient costs, beside one parse of the request it came in.

From the parsed Bundle to the bytes of every output (the CarePlan first) and of the trace; parsing,
validation at the border and storage are not in it. Both are measured in one run, the best of many.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from app.domain.decision import derive
from app.domain.frame import Frame
from app.domain.trace import trace_of
from app.fhir.reading.received import received
from app.fhir.reading.record import RecordReader
from app.fhir.writing import ResourceWriter
from app.knowledge import load

AT_MOST = 12.0
ROUNDS, CALLS = 20, 10
AS_OF = datetime(2026, 6, 1, 9, tzinfo=UTC)


def engine_seconds(body: bytes) -> tuple[float, float]:
    """CPU seconds of one derivation, and of one ``orjson.loads`` of the same request."""
    content, reader, writer = load(), RecordReader(), ResourceWriter()
    frame = Frame("00000000-0000-0000-0000-000000000000", "bench-0", (), "1", "sha256:0", "0")
    came = [
        received(b"", e["resource"], full_url=e["fullUrl"], references={})
        for e in orjson.loads(body)["entry"]
    ]

    def decide() -> None:
        record = reader.record(came, content, as_of=AS_OF, complete=frozenset())
        decision = derive(
            record, content, as_of=AS_OF, guideline_profile="who", crisis_text="Call for help."
        )
        orjson.dumps(trace_of(decision, content))
        writer.write(decision, content, frame)

    def parse() -> None:
        orjson.loads(body)

    return _best(decide), _best(parse)


def _best(call: Callable[[], None]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(CALLS):
            call()
        rounds.append((time.process_time() - start) / CALLS)
    return min(rounds)
