"""A single-use token is used once: across blocks, within a batch, and whatever else is written."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.domain.history import AuditRecord, ReadSet, SeenToken, WriteSet
from app.domain.problem import Unauthenticated
from app.sql.journal import Journal
from app.sql.migrate import migrate

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=5)


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


def writing(id_: str, jti: str, issuer: str = "north", expires: datetime = LATER) -> WriteSet:
    audit = AuditRecord(id_, NOW, "E", "hook", "p1", "a client", "127.0.0.1", "0", id_)
    return WriteSet("default", ReadSet(), (audit,), token=SeenToken(issuer, jti, expires))


def rows(database: Path, table: str) -> int:
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(count)


async def test_a_token_that_was_used_refuses_the_whole_set(
    journal: Journal, database: Path
) -> None:
    await journal.record(writing("a", "one"))

    with pytest.raises(Unauthenticated):
        await journal.record(writing("b", "one"))

    assert rows(database, "audit_event") == 1
    await journal.record(writing("c", "two"))


async def test_of_two_uses_at_once_one_wins(journal: Journal, database: Path) -> None:
    sets = (writing(str(n), "one") for n in range(10))

    outcomes = await asyncio.gather(*map(journal.record, sets), return_exceptions=True)

    assert sum(isinstance(o, Unauthenticated) for o in outcomes) == 9
    assert rows(database, "audit_event") == 1
    assert rows(database, "seen_token") == 1


async def test_the_same_name_from_another_issuer_is_another_token(journal: Journal) -> None:
    await journal.record(writing("a", "one"))
    await journal.record(writing("b", "one", issuer="south"))


async def test_a_token_that_expired_long_ago_is_forgotten(journal: Journal, database: Path) -> None:
    await journal.close()
    with sqlite3.connect(database) as connection:
        values = ("north", "old", (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        connection.execute("INSERT INTO seen_token VALUES (?, ?, ?)", values)
    await journal.start()

    await journal.record(writing("a", "one"))
    await journal.record(writing("b", "two"))

    assert rows(database, "seen_token") == 2
