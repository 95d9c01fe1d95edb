"""The journal on a SQLite file: the one writer, the limits of disk and log, a file that is gone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.domain.history import Committed
from app.domain.problem import Unavailable
from app.sql.journal import Journal
from app.sql.migrate import migrate
from app.sql.sqlite import Guard
from app.sql.sqlite_store import SQLiteStore
from tests.databases import a_file
from tests.sql.test_journal import version, writing


@pytest.fixture
async def journal(file: Path) -> AsyncIterator[Journal]:
    journal = Journal(f"sqlite:///{file}")
    await journal.start()
    yield journal
    await journal.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "painplan.db"
    migrate(f"sqlite:///{file}")
    return file


def watched(file: Path, **guard: int) -> Journal:
    """On a file whose limits are those of a test."""
    store = SQLiteStore(file, guard=Guard(file, **guard))
    return Journal(f"sqlite:///{file}", store=store)


async def test_a_second_writer_is_turned_away(journal: Journal, file: Path) -> None:
    assert journal.obstacle() == ""

    with pytest.raises(Unavailable, match="Another process"):
        await Journal(f"sqlite:///{file}").start()


async def test_a_disk_that_fills_up_stops_writing_and_readiness_says_so(file: Path) -> None:
    journal = watched(file, disk_at_least=1 << 60)
    await journal.start()

    with pytest.raises(Unavailable, match="disk"):
        await journal.record(writing(version("a")))
    assert "disk" in journal.obstacle()

    await journal.close()
    assert a_file(file).count("block") == 0


async def test_a_checkpoint_that_fails_stops_nothing_that_was_promised(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr("app.sql.sqlite_store.checkpoint", broken)
    monkeypatch.setattr("app.sql.sqlite_store.CHECKPOINT_EVERY", 0)

    for number in range(3):
        committed = await journal.record(writing(version(f"o{number}", patient=f"p{number}")))
        assert isinstance(committed, Committed)
    assert "tidying up" in journal.obstacle()


async def test_a_database_that_is_gone_is_said_and_nothing_is_promised(
    journal: Journal, file: Path
) -> None:
    await journal.record(writing(version("a")))
    _move(file, "moved.db")

    with pytest.raises(Unavailable, match="cannot be seen"):
        await journal.record(writing(version("b")))
    assert "cannot be seen" in journal.obstacle()
    _move(file.with_name("moved.db"), file.name)


def _move(file: Path, name: str) -> None:
    file.rename(file.with_name(name))


async def test_a_reader_that_holds_the_log_does_not_hold_the_service(file: Path) -> None:
    journal = watched(file, wal_at_most=200_000)
    await journal.start()
    slow = sqlite3.connect(file, isolation_level=None)
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
