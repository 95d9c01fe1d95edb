"""The limit of requests: its arithmetic, two processes on one count, and what a client is told."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.api import rate
from app.api.rate import RateLimit
from tests.acceptance.access import NORTH_CLIENT, SOUTH_CLIENT, SOUTH_KID, access, clients_file
from tests.acceptance.conftest import serving

ASKED_ELSEWHERE = """
import sys; from pathlib import Path; from app.api.rate import RateLimit
limit = RateLimit(100, Path(sys.argv[1]))
print(sum(limit.asks("north").may_pass for _ in range(80)))
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_requests_may_come_at_once_and_then_one_by_one(tmp_path: Path) -> None:
    clock = Clock()
    limit = RateLimit(60, tmp_path / "rate", clock=clock)

    burst = [limit.asks("north") for _ in range(61)]
    assert [verdict.may_pass for verdict in burst] == [True] * 60 + [False]
    assert [verdict.left for verdict in burst[:3]] == [59, 58, 57]
    assert burst[-1].retry_after == 1
    clock.now += 1.01
    assert limit.asks("north").may_pass
    assert not limit.asks("north").may_pass
    clock.now += 61
    assert limit.asks("north").left == 59


def test_clients_are_counted_apart(tmp_path: Path) -> None:
    limit = RateLimit(1, tmp_path / "rate", clock=Clock())

    assert [limit.asks(one).may_pass for one in ("a", "b", "a")] == [True, True, False]


def test_more_clients_than_places_forget_the_one_who_is_paid_off_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "PLACES", 8)
    limit = RateLimit(10, tmp_path / "rate", clock=Clock())

    assert all(limit.asks(f"client {n}").may_pass for n in range(100))


def test_after_the_host_started_anew_nobody_waits_for_the_old_clock(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = 1_000_000.0
    RateLimit(1, tmp_path / "rate", clock=clock).asks("north")
    clock.now = 5.0

    assert RateLimit(1, tmp_path / "rate", clock=clock).asks("north").may_pass


def test_workers_of_a_host_share_one_count(tmp_path: Path) -> None:
    file = str(tmp_path / "rate")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ASKED_ELSEWHERE, file], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]

    passed = sum(int(process.communicate(timeout=60)[0]) for process in started)

    assert 100 <= passed <= 110  # a few are paid off meanwhile


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rate").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic"):
        RateLimit(1, tmp_path / "rate")


def test_a_client_over_its_limit_is_told_when_to_come_back(tmp_path: Path) -> None:
    file = clients_file(tmp_path, NORTH_CLIENT, SOUTH_CLIENT)
    with serving(tmp_path / "x.db", auth="on", clients=file, rate_limit=3) as service:
        north = [service.get("/fhir/Patient", headers=access(service)) for _ in range(4)]
        south = service.get("/fhir/Patient", headers=access(service, kid=SOUTH_KID))
        strangers = [service.get("/fhir/Patient") for _ in range(4)]
        probes = {service.get("/healthz").status_code for _ in range(5)}

    assert [answer.status_code for answer in north] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in north] == ["2", "1", "0", "0"]
    assert north[0].headers["ratelimit-limit"] == "3"
    assert 1 <= int(north[3].headers["retry-after"]) <= 20
    assert north[3].json()["issue"][0]["code"] == "throttled"
    assert south.status_code == 200
    assert [answer.status_code for answer in strangers] == [401, 401, 401, 429]
    assert probes == {200}


def test_without_a_limit_nothing_is_counted(service: httpx.Client) -> None:
    assert "ratelimit-limit" not in service.get("/fhir/metadata").headers
