"""Several workers and several services on one PostgreSQL are one service to whoever asks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest

from app.sql.verify import verify
from tests.acceptance.test_kill import running
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept, Server

FHIR = {"Content-Type": "application/fhir+json"}
AT_ONCE = 8


@pytest.fixture(scope="module")
def kept(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    yield kept
    postgresql.drop(kept)


@pytest.fixture(scope="module")
def addresses(kept: Kept) -> Iterator[tuple[str, str]]:
    """A service of two workers and one of one."""
    with running(kept, "--workers", "2") as (first, _), running(kept) as (second, _):
        yield first, second


def asked(addresses: tuple[str, str], times: int, **more: Any) -> list[httpx.Response]:
    """The same request to each in turn, all at once."""

    def derive(address: str) -> httpx.Response:
        # A connection of its own, so that any worker may take it.
        return httpx.post(f"{address}/fhir/$derive", timeout=60, **more)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(derive, [a for _, a in zip(range(times), cycle(addresses))]))


def about(person: str) -> dict[str, Any]:
    return bundle(patient(person), intake(screened(pain_localised=True), of=person))


def test_the_same_request_everywhere_at_once_is_decided_once(
    addresses: tuple[str, str], kept: Kept
) -> None:
    answers = asked(addresses, 24, params={"asOf": AS_OF}, json=about("same"), headers=FHIR)

    assert {a.status_code for a in answers} <= {200, 409}, [a.text for a in answers][:1]
    good = [a for a in answers if a.status_code == 200]
    assert len(good) > 12
    assert len({a.headers["x-decision-id"] for a in good}) == 1
    assert len({a.content for a in good}) == 1
    rows = kept.rows("SELECT count(*) FROM decision WHERE patient = 'same'")
    assert rows == [(1,)]


def test_a_repeated_key_gets_its_first_answer_from_any_of_them(
    addresses: tuple[str, str], kept: Kept
) -> None:
    """Without asOf each would decide at its own time, and answer with another plan."""
    headers = {**FHIR, "Idempotency-Key": "once"}

    answers = asked(addresses, 12, json=about("keyed"), headers=headers)

    good = [a for a in answers if a.status_code == 200]
    assert len(good) > 6, [a.text for a in answers if a.status_code != 200][:1]
    assert len({a.headers["x-decision-id"] for a in good}) == 1
    assert kept.rows("SELECT count(*) FROM decision WHERE patient = 'keyed'") == [(1,)]


def test_what_one_has_written_the_others_read(addresses: tuple[str, str]) -> None:
    first, second = addresses
    written = httpx.put(f"{first}/fhir/Patient/shared", json=patient("shared"), headers=FHIR)
    assert written.status_code == 201

    assert httpx.get(f"{second}/fhir/Patient/shared").json()["id"] == "shared"
    stale = httpx.put(
        f"{second}/fhir/Patient/shared",
        json=patient("shared", gender="female"),
        headers={**FHIR, "If-Match": 'W/"7"'},
    )
    assert stale.status_code == 412


def test_many_people_at_once_make_one_chain(addresses: tuple[str, str], kept: Kept) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(
                lambda n: httpx.post(
                    f"{addresses[n % 2]}/fhir/$derive",
                    params={"asOf": AS_OF},
                    json=about(f"many-{n}"),
                    headers=FHIR,
                    timeout=60,
                ),
                range(60),
            )
        )

    assert [a.status_code for a in answers] == [200] * 60
    report = verify(kept.url)
    assert report.is_intact, report.faults
    assert kept.rows("SELECT count(*) FROM decision WHERE patient LIKE 'many-%'") == [(60,)]
