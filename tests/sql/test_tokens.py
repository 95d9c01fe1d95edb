"""A single-use token is used once: across blocks, within a batch, and whatever else is written."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.history import AuditRecord, ReadSet, SeenToken, WriteSet
from app.domain.problem import Unauthenticated
from app.sql.journal import Journal
from tests.databases import Kept

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
async def journal(fresh: Kept) -> AsyncIterator[Journal]:
    journal = Journal(fresh.url)
    await journal.start()
    yield journal
    await journal.close()


def writing(id_: str, jti: str, issuer: str = "north", expires: datetime = LATER) -> WriteSet:
    audit = AuditRecord(id_, NOW, "E", "hook", "p1", "a client", "127.0.0.1", "0", id_)
    return WriteSet("default", ReadSet(), (audit,), token=SeenToken(issuer, jti, expires))


async def test_a_token_that_was_used_refuses_the_whole_set(journal: Journal, fresh: Kept) -> None:
    await journal.record(writing("a", "one"))

    with pytest.raises(Unauthenticated):
        await journal.record(writing("b", "one"))

    assert fresh.count("audit_event") == 1
    await journal.record(writing("c", "two"))


async def test_of_two_uses_at_once_one_wins(journal: Journal, fresh: Kept) -> None:
    sets = (writing(str(n), "one") for n in range(10))

    outcomes = await asyncio.gather(*map(journal.record, sets), return_exceptions=True)

    assert sum(isinstance(o, Unauthenticated) for o in outcomes) == 9
    assert fresh.count("audit_event") == 1
    assert fresh.count("seen_token") == 1


async def test_the_same_name_from_another_issuer_is_another_token(journal: Journal) -> None:
    await journal.record(writing("a", "one"))
    await journal.record(writing("b", "one", issuer="south"))


async def test_a_token_that_expired_long_ago_is_forgotten(journal: Journal, fresh: Kept) -> None:
    await journal.close()
    expired = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fresh.change(f"INSERT INTO seen_token VALUES ('north', 'old', '{expired}')")  # noqa: S608
    await journal.start()

    await journal.record(writing("a", "one"))
    await journal.record(writing("b", "two"))

    assert fresh.count("seen_token") == 2
