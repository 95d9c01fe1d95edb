"""What is counted for Prometheus (contract §6): never a patient, never an id; a leaf.

A label takes one of few values that we choose: a route's name, a rule, a mechanism. With several
workers set ``PROMETHEUS_MULTIPROC_DIR`` to an empty folder, as prometheus-client says.
"""

import os
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

MEDIA_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
SETS = (1, 2, 4, 8, 16, 32, 64)

_REQUESTS = Counter(
    "painplan_requests", "Requests answered.", ("route", "method", "status"), registry=REGISTRY
)
_REQUEST_SECONDS = Histogram(
    "painplan_request_seconds",
    "Time until the last byte of an answer.",
    ("route",),
    buckets=SECONDS,
)
_DECISIONS = Counter(
    "painplan_decisions", "Derivations by what they conclude.", ("mechanism", "gate")
)
_CARDS = Counter("painplan_cards", "Cards shown.", ("rule", "indicator"))
_SETS = Histogram("painplan_journal_sets", "Write sets in a batch.", buckets=SETS)
_COMMIT_SECONDS = Histogram(
    "painplan_journal_commit_seconds", "Time of a batch, its commit included.", buckets=SECONDS
)
_WAITING = Gauge("painplan_journal_waiting", "Write sets that wait.", multiprocess_mode="livesum")
_EHR = Counter("painplan_ehr_calls", "Queries for an EHR by how they ended.", ("outcome",))


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """A request; ``route`` is the name of what answered, never the path."""
    _REQUESTS.labels(route, method, str(status)).inc()
    _REQUEST_SECONDS.labels(route).observe(seconds)


def decided(mechanism: str, gate: str) -> None:
    """A derivation that was made, kept or not."""
    _DECISIONS.labels(mechanism, gate).inc()


def shown(rule: str, indicator: str) -> None:
    """A card that left."""
    _CARDS.labels(rule, indicator).inc()


def committed(sets: int, seconds: float) -> None:
    """A batch of write sets that reached the disk."""
    _SETS.observe(sets)
    _COMMIT_SECONDS.observe(seconds)


def waiting(sets: int) -> None:
    """How many write sets wait now."""
    _WAITING.set(sets)


def asked(outcome: str) -> None:
    """A query for an EHR: ``all``, ``some``, ``failed`` or ``not``."""
    _EHR.labels(outcome).inc()


def exposition() -> bytes:
    """All of it in Prometheus' text format; of every worker where they share a folder."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    _bury_the_dead(Path(os.environ[FOLDER]))
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # it has no types
    return generate_latest(together)


def _bury_the_dead(folder: Path) -> None:
    """Nothing waits in a worker that was killed, but its file would say so for ever."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not _lives(process):
            multiprocess.mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]  # it has no types


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True
