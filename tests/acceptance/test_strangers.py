"""Refusals before anybody is known: counted by address and minute, never one row each."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from app.api.strangers import ADDRESSES_AT_MOST, ELSEWHERE, Strangers
from app.domain.history import AuditRecord, Committed, WriteSet
from app.domain.problem import Problem, Unavailable
from tests.acceptance.conftest import serving
from tests.databases import Kept, a_file

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class Book:
    """A journal that can be full."""

    def __init__(self) -> None:
        self.rows: list[AuditRecord] = []
        self.is_full = False

    async def record(self, write_set: WriteSet) -> Committed:
        if self.is_full:
            raise Unavailable(Problem("full"))
        self.rows += [entry for entry in write_set.entries if isinstance(entry, AuditRecord)]
        return Committed(1, NOON)

    def hold(self, key: tuple[str, ...]) -> asyncio.Lock:
        raise NotImplementedError(key)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_an_address_has_one_row_a_minute_with_its_count() -> None:
    book, clock = Book(), Clock()
    strangers = Strangers(book, clock, "default")
    for _ in range(5):
        strangers.refused("192.0.2.1", 401)
    strangers.refused("192.0.2.2", 403)
    clock.now += timedelta(minutes=1)
    strangers.refused("192.0.2.1", 401)

    asyncio.run(strangers.close())

    told = [(row.recorded, row.origin, row.status, row.count) for row in book.rows]
    later = NOON + timedelta(minutes=1)
    assert told == [
        (NOON, "192.0.2.1", 401, 5),
        (NOON, "192.0.2.2", 403, 1),
        (later, "192.0.2.1", 401, 1),
    ]
    assert {row.patient for row in book.rows} == {None}


def test_a_flood_of_addresses_is_counted_in_one_row() -> None:
    book = Book()
    strangers = Strangers(book, Clock(), "default")
    for number in range(ADDRESSES_AT_MOST + 50):
        strangers.refused(f"198.51.100.{number}", 401)

    asyncio.run(strangers.close())

    assert len(book.rows) == ADDRESSES_AT_MOST + 1
    assert [row.count for row in book.rows if row.origin == ELSEWHERE] == [50]


def test_what_cannot_be_written_is_written_later() -> None:
    book = Book()
    strangers = Strangers(book, Clock(), "default")
    strangers.refused("192.0.2.1", 401)
    book.is_full = True
    asyncio.run(strangers.close())
    assert not book.rows

    book.is_full = False
    asyncio.run(strangers.close())
    asyncio.run(strangers.close())

    assert [row.count for row in book.rows] == [1]


def test_a_closed_door_is_told_when_the_service_stops(tmp_path: Path) -> None:
    kept: Kept = a_file(tmp_path / "painplan.db")
    with serving(kept) as client:
        for _ in range(3):
            refused = client.get("/fhir/Patient/x", headers={"Host": "elsewhere.example"})
            assert refused.status_code == 403
        with httpx.Client(base_url=client.base_url) as other:
            assert other.get("/healthz").status_code == 200

    rows = kept.rows("SELECT what, patient, origin, outcome, status, count FROM audit_event")

    assert rows == [("", None, "127.0.0.1", "4", 403, 3)]
