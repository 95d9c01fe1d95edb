"""The journal on a real SQLite file: group commit, read sets, the lock, its guards, closing."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.history import (
    AuditRecord,
    Committed,
    ReadSet,
    ResourceVersion,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import Conflict, Unavailable
from app.sql.bodies import packed, unpacked
from app.sql.journal import Journal
from app.sql.migrate import migrate
from app.sql.queries import History
from app.sql.sqlite import Guard
from app.sql.verify import verify

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TENANT = "default"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "painplan.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
async def journal(database: Path) -> AsyncIterator[Journal]:
    journal = Journal(f"sqlite:///{database}")
    await journal.start()
    yield journal
    await journal.close()


def version(id_: str, number: int = 1, patient: str = "p1") -> ResourceVersion:
    body = f'{{"resourceType":"Observation","id":"{id_}"}}'.encode()
    digest = hashlib.sha256(body).digest()
    return ResourceVersion("Observation", id_, number, patient, "final", None, None, digest, body)


def writing(*versions: ResourceVersion, reads: ReadSet | None = None) -> WriteSet:
    return WriteSet(TENANT, reads or ReadSet(), versions)


def audit(id_: str) -> AuditRecord:
    return AuditRecord(id_, NOW, "E", "derive", "p1", "a client", "127.0.0.1", "0", id_)


def blocks(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM block").fetchone()
    return int(count)


async def test_many_writes_become_few_blocks_and_none_is_lost(
    journal: Journal, database: Path
) -> None:
    sets = [writing(version(f"o{n}", patient=f"p{n}")) for n in range(300)]

    committed = await asyncio.gather(*(journal.record(s) for s in sets))

    assert all(isinstance(c, Committed) for c in committed)
    assert blocks(database) < 30
    history = History(f"sqlite:///{database}")
    for number in range(300):
        assert await history.read(TENANT, "Observation", f"o{number}") is not None
    history.close()
    report = verify(f"sqlite:///{database}")
    assert report.is_intact
    assert report.entries == 300


async def test_a_patient_who_moved_meanwhile_is_decided_again(journal: Journal) -> None:
    first = await journal.record(writing(version("a")))

    with pytest.raises(SomethingMoved):
        await journal.record(writing(version("b"), reads=ReadSet("p1", 0)))
    await journal.record(writing(version("b"), reads=ReadSet("p1", first.sequence)))


async def test_of_two_that_read_the_same_the_first_wins_within_a_batch(
    journal: Journal,
) -> None:
    sets = [
        writing(version("a"), reads=ReadSet("p1", 0)),
        writing(version("b"), reads=ReadSet("p1", 0)),
    ]

    first, second = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    assert isinstance(first, Committed)
    assert isinstance(second, SomethingMoved)


async def test_an_expected_version_that_is_not_the_current_one_is_refused(
    journal: Journal,
) -> None:
    await journal.record(writing(version("a")))
    late = ReadSet(versions=(("Observation", "a", 0),))

    with pytest.raises(SomethingMoved):
        await journal.record(writing(version("a", 1), reads=late))


async def test_a_set_that_fails_fails_alone(journal: Journal, database: Path) -> None:
    await journal.record(WriteSet(TENANT, ReadSet(), (audit("one"),)))
    sets = [
        writing(version("before")),
        WriteSet(TENANT, ReadSet(versions=(("Observation", "before", 7),)), (version("bad"),)),
        writing(version("after")),
    ]

    outcomes = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    assert [isinstance(o, Committed) for o in outcomes] == [True, False, True]
    assert verify(f"sqlite:///{database}").is_intact


async def test_the_same_key_twice_in_a_batch_is_a_conflict(journal: Journal) -> None:
    sets = [WriteSet(TENANT, ReadSet(), (audit("same"),)) for _ in range(2)]

    outcomes = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    assert isinstance(outcomes[0], Committed)
    assert isinstance(outcomes[1], Conflict)


async def test_a_set_is_all_or_nothing(journal: Journal, database: Path) -> None:
    await journal.record(WriteSet(TENANT, ReadSet(), (audit("taken"),)))
    both = WriteSet(TENANT, ReadSet(), (version("half"), audit("taken")))

    with pytest.raises((Conflict, Unavailable)):
        await journal.record(both)

    history = History(f"sqlite:///{database}")
    assert await history.read(TENANT, "Observation", "half") is None
    history.close()


async def test_a_second_writer_is_turned_away(journal: Journal, database: Path) -> None:
    assert journal.obstacle() == ""

    with pytest.raises(Unavailable, match="Another process"):
        await Journal(f"sqlite:///{database}").start()


async def test_closing_writes_what_waits_and_takes_nothing_more(database: Path) -> None:
    journal = Journal(f"sqlite:///{database}")
    await journal.start()
    waiting = [asyncio.create_task(journal.record(writing(version(f"o{n}")))) for n in range(50)]
    await asyncio.sleep(0)

    await journal.close()

    assert all(isinstance(outcome, Committed) for outcome in await asyncio.gather(*waiting))
    with pytest.raises(Unavailable):
        await journal.record(writing(version("late")))
    assert verify(f"sqlite:///{database}").entries == 50


async def test_a_disk_that_fills_up_stops_writing_and_readiness_says_so(database: Path) -> None:
    guard = Guard(database, disk_at_least=1 << 60)
    journal = Journal(f"sqlite:///{database}", guard=guard)
    await journal.start()

    with pytest.raises(Unavailable, match="disk"):
        await journal.record(writing(version("a")))
    assert "disk" in journal.obstacle()

    await journal.close()
    assert blocks(database) == 0


async def test_more_than_a_thousand_waiting_writes_are_turned_away(journal: Journal) -> None:
    sets = [writing(version(f"o{n}", patient=f"p{n}")) for n in range(1200)]

    outcomes = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    refused = [o for o in outcomes if isinstance(o, Unavailable)]
    assert len(refused) == 200
    assert sum(isinstance(o, Committed) for o in outcomes) == 1000


async def test_a_held_key_waits_for_the_first(journal: Journal) -> None:
    order: list[str] = []

    async def one(name: str, pause: float) -> None:
        async with journal.hold(("t", "c", "derive", "k")):
            order.append(f"{name} in")
            await asyncio.sleep(pause)
            order.append(f"{name} out")

    await asyncio.gather(one("first", 0.02), one("second", 0))

    assert order == ["first in", "first out", "second in", "second out"]


@given(st.binary(max_size=5000))
def test_a_body_comes_back_as_it_went_in(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_a_big_body_comes_back_as_it_went_in() -> None:
    body = bytes(range(256)) * 20_000

    assert unpacked(packed(body)) == body


async def test_a_fault_outside_the_database_is_told_to_its_batch_and_the_journal_goes_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("app.sql.journal.write_batch", broken)
        with pytest.raises(Unavailable, match="fault of ours"):
            await journal.record(writing(version("a")))
        assert "fault of ours" in journal.obstacle()

    assert isinstance(await journal.record(writing(version("b"))), Committed)
    assert journal.obstacle() == ""


async def test_a_checkpoint_that_fails_stops_nothing_that_was_promised(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr("app.sql.journal.checkpoint", broken)
    monkeypatch.setattr("app.sql.journal.CHECKPOINT_EVERY", 0)

    for number in range(3):
        committed = await journal.record(writing(version(f"o{number}", patient=f"p{number}")))
        assert isinstance(committed, Committed)
    assert "tidying up" in journal.obstacle()


async def test_a_database_that_is_gone_is_said_and_nothing_is_promised(
    journal: Journal, database: Path
) -> None:
    await journal.record(writing(version("a")))
    _move(database, "moved.db")

    with pytest.raises(Unavailable, match="cannot be seen"):
        await journal.record(writing(version("b")))
    assert "cannot be seen" in journal.obstacle()
    _move(database.with_name("moved.db"), database.name)


def _move(file: Path, name: str) -> None:
    file.rename(file.with_name(name))


async def test_a_reader_that_holds_the_log_does_not_hold_the_service(database: Path) -> None:
    journal = Journal(f"sqlite:///{database}", guard=Guard(database, wal_at_most=200_000))
    await journal.start()
    slow = sqlite3.connect(database, isolation_level=None)
    slow.execute("BEGIN")
    slow.execute("SELECT count(*) FROM block").fetchone()

    refused = 0
    started = asyncio.get_running_loop().time()
    for number in range(60):
        try:
            await journal.record(writing(version(f"o{number}", patient=f"p{number}")))
        except Unavailable:
            refused += 1
    waited = asyncio.get_running_loop().time() - started

    assert refused
    assert "write-ahead log" in journal.obstacle()
    assert waited < 30, "no batch waits for the reader"
    slow.close()
    await asyncio.sleep(1.1)
    assert journal.obstacle() == ""
    assert isinstance(await journal.record(writing(version("after", patient="after"))), Committed)
    await journal.close()


async def test_a_key_whose_request_fails_is_let_go(journal: Journal) -> None:
    for number in range(3):
        with pytest.raises(RuntimeError):
            async with journal.hold((f"k{number}",)):
                raise RuntimeError
    assert journal._held == {}  # noqa: SLF001


async def test_a_journal_that_ends_by_itself_leaves_nobody_waiting(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(journal, "_tidy", broken)
    await journal.record(writing(version("a")))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="stopped"):
        await journal.record(writing(version("b")))
    assert "stopped" in journal.obstacle()
