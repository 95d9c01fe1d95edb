"""The journal on PostgreSQL: several writers on one chain, lines cut, values that do not fit."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from app.domain.history import (
    Committed,
    IdempotencyRecord,
    ReadSet,
    SeenToken,
    SomethingMoved,
    WriteSet,
)
from app.domain.problem import NotUnderstood, Unauthenticated, Unavailable
from app.domain.searching import SearchValue
from app.sql.journal import Journal
from app.sql.queries import History
from app.sql.verify import verify
from tests.databases import Kept, Server
from tests.sql.line import Line, a_line
from tests.sql.test_journal import TENANT, audit, version, writing
from tests.sql.test_tokens import LATER

CUT_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid != pg_backend_pid()"
)


@pytest.fixture
def kept(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    yield kept
    postgresql.drop(kept)


@asynccontextmanager
async def journal_on(url: str) -> AsyncIterator[Journal]:
    journal = Journal(url)
    await journal.start()
    try:
        yield journal
    finally:
        await journal.close()


@pytest.fixture
async def both(kept: Kept) -> AsyncIterator[tuple[Journal, Journal]]:
    """Two services on one database."""
    async with journal_on(kept.url) as one, journal_on(kept.url) as other:
        yield one, other


async def test_several_writers_make_one_chain(both: tuple[Journal, Journal], kept: Kept) -> None:
    sets = [writing(version(f"o{n}", patient=f"p{n}")) for n in range(200)]

    outcomes = await asyncio.gather(*(both[n % 2].record(s) for n, s in enumerate(sets)))

    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    assert kept.count("resource_version") == 200
    report = verify(kept.url)
    assert report.is_intact, report.faults
    assert report.entries == 200


async def test_of_two_services_that_read_the_same_one_decides_again(
    both: tuple[Journal, Journal],
) -> None:
    sets = [writing(version(name), reads=ReadSet("p1", 0)) for name in ("a", "b")]

    outcomes = await asyncio.gather(
        *(j.record(s) for j, s in zip(both, sets, strict=True)), return_exceptions=True
    )

    assert sorted(type(o).__name__ for o in outcomes) == ["Committed", "SomethingMoved"]


async def test_a_key_that_another_service_answered_is_not_answered_twice(
    both: tuple[Journal, Journal], kept: Kept
) -> None:
    promise = IdempotencyRecord("c", "derive", "key", b"d" * 32, "decision")
    sets = [
        writing(version(name, patient=name))._replace(idempotency=promise) for name in ("a", "b")
    ]

    first = await both[0].record(sets[0])
    with pytest.raises(SomethingMoved):
        await both[1].record(sets[1])

    assert isinstance(first, Committed)
    assert kept.count("resource_version") == kept.count("idempotency") == 1


async def test_a_token_counts_once_whichever_service_sees_it(
    both: tuple[Journal, Journal],
) -> None:
    token = SeenToken("north", "one", LATER)
    sets = [WriteSet(TENANT, ReadSet(), (audit(str(n)),), token=token) for n in range(10)]

    outcomes = await asyncio.gather(
        *(both[n % 2].record(s) for n, s in enumerate(sets)), return_exceptions=True
    )

    assert sum(isinstance(o, Committed) for o in outcomes) == 1
    assert sum(isinstance(o, Unauthenticated) for o in outcomes) == 9


async def test_a_line_that_was_cut_while_nothing_was_said_is_made_again(kept: Kept) -> None:
    history = History(kept.url)
    async with journal_on(kept.url) as journal:
        await journal.record(writing(version("a")))
        assert await history.read(TENANT, "Observation", "a") is not None

        await asyncio.to_thread(kept.rows, CUT_ALL)

        assert isinstance(await journal.record(writing(version("b", patient="p2"))), Committed)
        assert await history.read(TENANT, "Observation", "b") is not None
    await history.close()


@pytest.fixture
async def line(kept: Kept) -> AsyncIterator[Line]:
    async with a_line(kept.url) as line:
        yield line


async def test_a_commit_whose_answer_was_lost_is_found_by_its_block(kept: Kept, line: Line) -> None:
    async with journal_on(line.url) as journal:
        line.cuts_after, line.times = b"COMMIT", 1

        committed = await journal.record(writing(version("a")))

        assert committed.sequence == 1
        assert journal.obstacle() == ""
    assert line.times == 0
    assert (kept.count("block"), kept.count("resource_version")) == (1, 1)
    assert verify(kept.url).is_intact


@pytest.mark.parametrize("word", [b"COMMIT", b"COPY", b"BEGIN"])
async def test_what_never_reached_the_database_is_written_once(
    kept: Kept, line: Line, word: bytes
) -> None:
    async with journal_on(line.url) as journal:
        await journal.record(writing(version("before", patient="p0")))
        line.cuts_before, line.times = word, 1

        committed = await journal.record(writing(version("a")))

    assert isinstance(committed, Committed)
    assert line.times == 0
    assert (kept.count("block"), kept.count("resource_version")) == (2, 2)
    assert verify(kept.url).is_intact


@pytest.mark.parametrize("was_stored", [True, False])
async def test_where_nobody_can_know_the_answer_says_so(
    kept: Kept, line: Line, *, was_stored: bool
) -> None:
    async with journal_on(line.url) as journal:
        await journal.record(writing(version("before", patient="p0")))
        word = "cuts_after" if was_stored else "cuts_before"
        setattr(line, word, b"COMMIT")
        line.times, line.is_closed = 1, True  # and no other line is to be had

        with pytest.raises(Unavailable) as refused:
            await journal.record(writing(version("a")))
        assert "Idempotency-Key" in refused.value.problems[0].mend
        assert "lost in the commit" in journal.obstacle()

        line.is_closed = False
        assert isinstance(await journal.record(writing(version("b", patient="p2"))), Committed)
        assert journal.obstacle() == ""
    assert kept.count("block") == (3 if was_stored else 2)
    assert verify(kept.url).is_intact


async def test_without_a_database_nothing_is_stored_and_readiness_says_so(line: Line) -> None:
    async with journal_on(line.url) as journal:
        line.is_closed = True
        line.cut()

        with pytest.raises(Unavailable) as refused:
            await journal.record(writing(version("a")))

        assert "Nothing was stored" in refused.value.problems[0].mend
        assert "the database refused" in journal.obstacle()
        line.is_closed = False
        assert isinstance(await journal.record(writing(version("a"))), Committed)
    history = History(line.url)
    line.is_closed = True
    assert await history.obstacle() == "the database cannot be read"
    with pytest.raises(Unavailable):
        await history.read(TENANT, "Observation", "a")
    await history.close()


async def test_a_text_that_no_column_holds_fails_alone(kept: Kept) -> None:
    async with journal_on(kept.url) as journal:
        bad = writing(version("bad", patient="p2")._replace(status="a\0b"))
        sets = (writing(version("a")), bad, writing(version("c", patient="p3")))

        outcomes = await asyncio.gather(*map(journal.record, sets), return_exceptions=True)

    assert [type(o) for o in outcomes] == [Committed, NotUnderstood, Committed]
    assert kept.count("block") == 1


async def test_a_value_too_long_for_an_index_fails_alone(kept: Kept) -> None:
    noise = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(4000))
    async with journal_on(kept.url) as journal:
        long = writing(version("b", patient="p2")._replace(search=(SearchValue("code", noise),)))
        sets = (writing(version("a")), long, writing(version("c", patient="p3")))

        outcomes = await asyncio.gather(*map(journal.record, sets), return_exceptions=True)

        assert [type(o) for o in outcomes] == [Committed, NotUnderstood, Committed]
        history = History(kept.url)
        assert await history.read(TENANT, "Observation", "b") is None
        await history.close()
    assert verify(kept.url).is_intact
