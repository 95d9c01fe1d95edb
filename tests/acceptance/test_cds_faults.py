"""Never silent: a fault in any rule is named in the answer, and the other rules still speak."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.domain.expertise import Expertise
from app.domain.orders.knowledge import CardRule
from app.knowledge import load
from app.knowledge.library import Library
from app.main import create_app
from app.settings import Settings
from app.use_cases.review_order import ReviewOrder
from tests.acceptance.cards import CARDS
from tests.acceptance.hooks import (
    SIGN,
    TRAMADOL,
    VIEW,
    imaging,
    medicine,
    opioid_with_sedative,
    request,
    rules,
)
from tests.acceptance.wire import Json
from tests.databases import Kept

BASE = "http://127.0.0.1:8000"
RULES = [card.id for card in load().orders.cards]
ALL_OF_THEM = (imaging(), medicine(TRAMADOL))


class OneBroken:
    """A library whose content has one order rule that cannot be worked out."""

    def __init__(self, library: Library, rule: str) -> None:
        content = library.current.content
        cards = tuple(_broken(c) if c.id == rule else c for c in content.orders.cards)
        orders = replace(content.orders, cards=cards)
        self.current: Expertise = replace(library.current, content=replace(content, orders=orders))
        self._library = library

    def from_archive(self, digest: str, archive: bytes) -> Expertise:
        return self._library.from_archive(digest, archive)


def _broken(card: CardRule) -> CardRule:
    """It rests on a rule that is not there."""
    return replace(card, wordings=tuple(replace(w, rule="no-such-rule") for w in card.wordings))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(database: Kept) -> AsyncIterator[FastAPI]:
    found = create_app(Settings(database_url=database.url, log_level="ERROR"))
    async with found.router.lifespan_context(found):
        yield found


@pytest.fixture
def review_order(app: FastAPI) -> Iterator[ReviewOrder]:
    """The use case as it is joined; put back afterwards."""
    whole: ReviewOrder = app.state.review_order
    yield whole
    app.state.review_order = whole


async def answer_of(client: httpx.AsyncClient, rule: str) -> Json:
    hook = VIEW if VIEW in _hooks(rule) else SIGN
    body = request(hook, *(ALL_OF_THEM if hook == SIGN else ()))
    body["prefetch"] = opioid_with_sedative()
    answer = await client.post(f"/cds-services/clbp-{hook}", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def _hooks(rule: str) -> frozenset[str]:
    return next(card.hooks for card in load().orders.cards if card.id == rule)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("rule", RULES)
async def test_a_fault_in_a_rule_is_named_and_silences_no_other(
    app: FastAPI, review_order: ReviewOrder, rule: str
) -> None:
    app.state.review_order = replace(review_order, library=OneBroken(app.state.library, rule))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        answer = await answer_of(client, rule)
        decision = urlsplit(answer["extension"]["health.painplan.decision"]).path
        kept = (await client.get(decision)).json()

    CARDS.validate(answer)
    assert {f["rule"] for f in answer["extension"]["health.painplan.faults"]} == {rule}
    assert rule not in rules(answer)
    assert answer["cards"]
    assert rule in [r["id"] for r in kept["rules"] if r["value"] == "fault"]
