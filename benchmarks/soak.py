"""``make soak``: 200,000 requests against one worker; memory, errors and the chain afterwards.

Ten requests of an ordinary hour in turn: plans, single observations, reads, searches, orders. Any
answer but the expected one ends the run. Memory is looked at after each twentieth of the load:
what a service leaks grows from the second half's start to its end, what it caches has been filled
by then.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson

from app.sql.verify import verify
from benchmarks.fixtures import submission
from benchmarks.hook_fixture import hook_request
from benchmarks.load import CLIENTS, Server, migrated, server, uvicorn

REQUESTS = 200_000
LOOKS = 20
GROWTH_AT_MOST = 0.03
FHIR = {"Content-Type": "application/fhir+json"}
JSON = {"Content-Type": "application/json"}


def main() -> None:
    """Load, look, verify; the exit code says whether all was kept."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "soak.db"
        environment = migrated(f"sqlite:///{database}")
        command = uvicorn("app.main:create_app", "--factory")
        with server(command, ready="/healthz", environment=environment) as on:
            seen = _load(on, requests)
        result = verify(f"sqlite:///{database}")
    middle, last = max(seen[LOOKS // 2 - 2 : LOOKS // 2 + 1]), max(seen[-3:])
    growth = last / middle - 1
    print(f"{requests} requests without an error")
    print(f"chain: {result.blocks} blocks, {result.entries} entries, {len(result.faults)} faults")
    print(
        f"memory half-way {middle:.1f} MB, at the end {last:.1f} MB: {growth:+.1%}"
        f" (at most {GROWTH_AT_MOST:+.0%}): {'pass' if growth <= GROWTH_AT_MOST else 'MISSED'}"
    )
    sys.exit(bool(result.faults) or growth > GROWTH_AT_MOST)


def _load(on: Server, requests: int) -> Sequence[float]:
    """Resident megabytes after each part of the load."""
    seen: list[float] = []
    with (
        httpx.Client(base_url=on.url, timeout=60) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        for part in range(LOOKS):
            began = time.perf_counter()
            turns = range(part * requests // LOOKS // 10, (part + 1) * requests // LOOKS // 10)
            list(pool.map(lambda turn: _turn(client, turn), turns))
            seen.append(on.megabytes())
            rate = len(turns) * 10 / (time.perf_counter() - began)
            print(f"{(part + 1) * 100 // LOOKS:4d} %  {seen[-1]:6.1f} MB  {rate:5.0f} requests/s")
            sys.stdout.flush()
    return seen


def _turn(client: httpx.Client, turn: int) -> None:
    """Ten requests about one new patient."""
    plan = _sent(client, "POST", "/fhir/$derive", submission(turn), FHIR)
    decision, location = plan.headers["x-decision-id"], plan.headers["content-location"]
    subject = _subject(plan)
    _sent(client, "POST", "/fhir/Observation", _observation(subject), FHIR)
    _sent(client, "POST", "/fhir/$derive?persist=false", submission(turn), FHIR)
    _sent(client, "POST", "/cds-services/clbp-order-sign", hook_request(turn), JSON)
    for path in (
        location,
        f"/fhir/Observation?patient={subject}&_count=20",
        f"/fhir/CarePlan?patient={subject}&_include=CarePlan:goal",
        f"/fhir/{subject}",
        f"/decisions/{decision}",
        "/cds-services",
    ):
        _sent(client, "GET", path)


def _sent(
    client: httpx.Client,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    answer = client.request(method, path, content=body, headers=headers)
    if not answer.is_success:
        sys.exit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
    return answer


def _subject(plan: httpx.Response) -> str:
    (found,) = (
        entry["resource"]["subject"]["reference"]
        for entry in orjson.loads(plan.content)["entry"]
        if entry["resource"]["resourceType"] == "CarePlan"
    )
    return str(found)


def _observation(subject: str) -> bytes:
    coded = {"system": "http://loinc.org", "code": "72514-3"}
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [coded]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-10-01",
        "valueInteger": 6,
    }
    return orjson.dumps(resource)


if __name__ == "__main__":
    main()
