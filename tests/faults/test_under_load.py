"""Faults under load: kill -9, a database that goes away, a disk or a clock that fails."""

import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.load import Load, loaded
from tests.acceptance.test_kill import running
from tests.acceptance.wire import patient
from tests.databases import Kept
from tests.faults.conftest import Place
from tests.faults.disk import CLOCK_BACK, FULL, READ_ONLY, SYNC_TAKES, WRITE_FAILS, Disk
from tests.faults.forked import forked
from tests.faults.kept import (
    IS_THOROUGH,
    Tried,
    assert_intact,
    name_of,
    settled,
    there_and_sent_again,
)

ROUNDS = 100
VERIFIED_EVERY = 10
ANSWERED = 15
AN_HOUR = 3600
# Milliseconds of a sync; with the longest, writes wait longer than they may.
SLOW = [300, 3000] if IS_THOROUGH else [300]


# tests/acceptance/test_kill.py is the short version.
@pytest.mark.faults_in_full
def test_killed_at_any_moment(fresh: Kept, tried: list[Tried]) -> None:
    """Each round looks for the answers of the one before, and is killed in its turn.

    What a kill broke in the chain stays broken, so that the whole of it is verified now and then.
    """
    moments = random.Random(7)
    answered = 0
    before = Load("")
    for number in range(ROUNDS):
        with forked(fresh) as (url, process):
            told = there_and_sent_again(url, fresh, before, f"kill -9, round {number}")
            answered += told.answered
            if number % VERIFIED_EVERY == 0:
                assert_intact(fresh)
            with loaded(url, f"r{number}-") as before:
                before.until_answered(1 + moments.randrange(ANSWERED))
                time.sleep(moments.random() / 20)
                process.kill()
                process.join(30)
                before.is_over = True
            assert process.exitcode == -signal.SIGKILL
    with running(fresh) as (url, _):
        answered += settled(url, fresh, before, "kill -9, the last round").answered
    assert answered >= ROUNDS
    tried.append(Tried(f"kill -9 under load, {ROUNDS} rounds", name_of(fresh), answered, 0))


def test_a_database_that_goes_and_comes_back(
    place: Place, tried: list[Tried], capfd: pytest.CaptureFixture[str]
) -> None:
    """The service stays up, is not ready, says so, and goes on by itself."""
    with running(place.kept, environment=place.environment) as (url, process):
        with loaded(url, "gone-") as load:
            load.until_answered(ANSWERED)
            place.take_away()
            load.until(lambda: len(load.refused) > ANSWERED)
            assert_not_ready(url)
            place.give_back()
            load.until_answered(ANSWERED)
        assert process.poll() is None
        assert_refused_in_words(load)
        assert httpx.get(f"{url}/readyz").status_code == 200
        tried.append(settled(url, place.kept, load, "the database goes and comes back"))
    assert "Traceback" not in capfd.readouterr().err


def test_a_full_disk(place: Place, tried: list[Tried]) -> None:
    takes_nothing(place, FULL, tried, "a full disk")


@pytest.mark.faults_in_full
def test_a_read_only_disk(place: Place, tried: list[Tried]) -> None:
    """A PostgreSQL that cannot write is in recovery from then on, until it is started again."""
    takes_nothing(place, READ_ONLY, tried, "a read-only disk")


def takes_nothing(place: Place, error: int, tried: list[Tried], name: str) -> None:
    """Writes are refused, and reads too, because none leaves without its row in the audit."""
    with running(place.kept, environment=place.environment) as (url, process):
        with loaded(url, f"disk{error}-") as load:
            load.until_answered(ANSWERED)
            place.disk.tell(WRITE_FAILS, error)
            # Both go on until the pages that they have are full.
            load.until(lambda: len(load.refused) > ANSWERED)
            with httpx.Client(base_url=url, timeout=60) as client:
                load.until(lambda: client.get("/fhir/Patient/somebody").status_code == 503)
            assert_not_ready(url)
            place.disk.tell(WRITE_FAILS, 0)
            if error == READ_ONLY and place.server is not None:
                place.take_away()
                place.give_back()
            load.until_answered(ANSWERED)
        assert process.poll() is None
        assert_refused_in_words(load)
        tried.append(settled(url, place.kept, load, name))


@pytest.mark.parametrize("milliseconds", SLOW)
def test_a_slow_disk(place: Place, tried: list[Tried], *, milliseconds: int) -> None:
    """It gets slow while the service runs: who writes waits or is refused, and nobody else."""
    with running(place.kept, environment=place.environment) as (url, _):
        with loaded(url, f"slow{milliseconds}-") as load:
            load.until_answered(ANSWERED)
            place.disk.tell(SYNC_TAKES, milliseconds)
            load.until_answered(1)
            with httpx.Client(base_url=url, timeout=60) as client:
                waited = [client.get("/healthz").elapsed.total_seconds() for _ in range(20)]
            load.until_answered(ANSWERED)
            place.disk.tell(SYNC_TAKES, 0)
            load.until_answered(ANSWERED)
        assert sorted(waited)[len(waited) // 2] < milliseconds / 2000
        assert_refused_in_words(load)
        tried.append(settled(url, place.kept, load, f"a sync takes {milliseconds} ms"))


@pytest.mark.faults_in_full
def test_a_clock_that_goes_back(place: Place, tmp_path: Path, tried: list[Tried]) -> None:
    """No block is older than the one before it, so no version is older than the one before."""
    clock = place.disk if place.server is None else Disk.make(tmp_path, tmp_path)
    with running(place.kept, environment=clock.environment()) as (url, _):
        with loaded(url, "clock-") as load:
            load.until_answered(ANSWERED)
            told = [_updated(url, "female")]
            clock.tell(CLOCK_BACK, AN_HOUR)
            told += [_updated(url, "male"), _updated(url, "other")]
            load.until_answered(ANSWERED)
            clock.tell(CLOCK_BACK, 0)
        assert told == sorted(told)
        assert not load.refused
        tried.append(settled(url, place.kept, load, "the clock goes back an hour"))
        times = place.kept.rows("SELECT committed_at FROM block ORDER BY sequence")
        assert times == sorted(times)
        assert len(set(times)) < len(times), "the clock did not go back"


def _updated(url: str, gender: str) -> str:
    """When this version was written, as the service tells it."""
    answer = httpx.put(
        f"{url}/fhir/Patient/clock",
        json=patient("clock", gender=gender),
        headers={"Content-Type": "application/fhir+json"},
        timeout=60,
    )
    return str(answer.raise_for_status().json()["meta"]["lastUpdated"])


def assert_not_ready(url: str) -> None:
    ready, alive = httpx.get(f"{url}/readyz"), httpx.get(f"{url}/healthz")
    assert ready.status_code == 503
    assert ready.json()["why"]
    assert ready.headers["retry-after"]
    assert alive.status_code == 200


def assert_refused_in_words(load: Load) -> None:
    """What was refused says what to do, and shows nothing of ours."""
    for told in load.refused.values():
        assert told.startswith(("503", "409")), told
        assert '"OperationOutcome"' in told
        assert "Traceback" not in told
