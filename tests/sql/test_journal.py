"""The journal on both databases: group commit, read sets, closing, what goes wrong."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from app import metrics
from app.domain.history import (
    AuditRecord,
    Committed,
    ReadSet,
    ResourceVersion,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import Conflict, Unavailable
from app.sql.journal import Journal
from app.sql.queries import History
from app.sql.verify import verify
from tests.databases import Kept

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TENANT = "default"


@pytest.fixture
async def journal(fresh: Kept) -> AsyncIterator[Journal]:
    journal = Journal(fresh.url)
    await journal.start()
    yield journal
    await journal.close()


def version(id_: str, number: int = 1, patient: str = "p1") -> ResourceVersion:
    body = f'{{"resourceType":"Observation","id":"{id_}"}}'.encode()
    digest = hashlib.sha256(body).digest()
    return ResourceVersion("Observation", id_, number, patient, "final", digest, body)


def writing(*versions: ResourceVersion, reads: ReadSet | None = None) -> WriteSet:
    return WriteSet(TENANT, reads or ReadSet(), versions)


def audit(id_: str) -> AuditRecord:
    return AuditRecord(id_, NOW, "E", "derive", "p1", "a client", "127.0.0.1", "0", id_)


async def test_many_writes_become_few_blocks_and_none_is_lost(
    journal: Journal, fresh: Kept
) -> None:
    sets = [writing(version(f"o{n}", patient=f"p{n}")) for n in range(300)]

    committed = await asyncio.gather(*(journal.record(s) for s in sets))

    assert all(isinstance(c, Committed) for c in committed)
    assert fresh.count("block") < 30
    history = History(fresh.url)
    for number in range(300):
        assert await history.read(TENANT, "Observation", f"o{number}") is not None
    await history.close()
    report = verify(fresh.url)
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


async def test_a_set_that_fails_fails_alone(journal: Journal, fresh: Kept) -> None:
    await journal.record(WriteSet(TENANT, ReadSet(), (audit("one"),)))
    sets = [
        writing(version("before")),
        WriteSet(TENANT, ReadSet(versions=(("Observation", "before", 7),)), (version("bad"),)),
        writing(version("after")),
    ]

    outcomes = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    assert [isinstance(o, Committed) for o in outcomes] == [True, False, True]
    assert verify(fresh.url).is_intact


async def test_the_same_key_twice_in_a_batch_is_a_conflict(journal: Journal) -> None:
    sets = [WriteSet(TENANT, ReadSet(), (audit("same"),)) for _ in range(2)]

    outcomes = await asyncio.gather(*(journal.record(s) for s in sets), return_exceptions=True)

    assert isinstance(outcomes[0], Committed)
    assert isinstance(outcomes[1], Conflict)


async def test_a_set_is_all_or_nothing(journal: Journal, fresh: Kept) -> None:
    await journal.record(WriteSet(TENANT, ReadSet(), (audit("taken"),)))
    both = WriteSet(TENANT, ReadSet(), (version("half"), audit("taken")))

    with pytest.raises((Conflict, Unavailable)):
        await journal.record(both)

    history = History(fresh.url)
    assert await history.read(TENANT, "Observation", "half") is None
    await history.close()


async def test_closing_writes_what_waits_and_takes_nothing_more(fresh: Kept) -> None:
    journal = Journal(fresh.url)
    await journal.start()
    waiting = [asyncio.create_task(journal.record(writing(version(f"o{n}")))) for n in range(50)]
    await asyncio.sleep(0)

    await journal.close()

    assert all(isinstance(outcome, Committed) for outcome in await asyncio.gather(*waiting))
    with pytest.raises(Unavailable):
        await journal.record(writing(version("late")))
    assert verify(fresh.url).entries == 50


async def test_more_than_a_thousand_waiting_writes_are_turned_away(journal: Journal) -> None:
    sets = [writing(version(f"o{n}", patient=f"p{n}")) for n in range(1200)]

    tasks = [asyncio.ensure_future(journal.record(s)) for s in sets]
    await asyncio.sleep(0)  # each of them has come, and none was taken yet
    assert b"painplan_journal_waiting 1000.0" in metrics.exposition()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    refused = [o for o in outcomes if isinstance(o, Unavailable)]
    assert len(refused) == 200
    assert b"painplan_journal_waiting 0.0" in metrics.exposition()
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


async def test_a_fault_outside_the_database_is_told_to_its_batch_and_the_journal_goes_on(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(journal.store, "commit", broken)
        with pytest.raises(Unavailable, match="fault of ours"):
            await journal.record(writing(version("a")))
        assert "fault of ours" in journal.obstacle()

    assert isinstance(await journal.record(writing(version("b"))), Committed)
    assert journal.obstacle() == ""


async def test_a_key_whose_request_fails_is_let_go(journal: Journal) -> None:
    for number in range(3):
        with pytest.raises(RuntimeError):
            async with journal.hold((f"k{number}",)):
                raise RuntimeError
    assert journal._held == {}  # noqa: SLF001


async def test_a_journal_that_ends_by_itself_leaves_nobody_waiting(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(journal, "_tidy", broken)
    await journal.record(writing(version("a")))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="stopped"):
        await journal.record(writing(version("b")))
    assert "stopped" in journal.obstacle()
