"""CH-61, CH-62 and key rotation: the set is fetched from its one address, and not at will."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from app.ehr.http import Web
from app.ehr.jwk import SigningKey
from app.ehr.keys import ASKED_AGAIN_AFTER, FRESH_FOR, KEPT_FOR, SET_AT_MOST, FetchedKeys
from tests.ehr.hospital import Hospital, Write, hospital, http
from tests.ehr.signing import jwk

JWKS = "/fhir/jwks"


class Time:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def ehr() -> AsyncIterator[Hospital]:
    async with hospital() as found:
        yield found


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def keys(ehr: Hospital, time: Time) -> AsyncIterator[FetchedKeys]:
    web = Web()
    found = FetchedKeys(f"{ehr.base}/jwks", web, monotonic=time)
    yield found
    await found.close()
    await web.close()


def publish(ehr: Hospital, *kids: str) -> None:
    ehr.says(JWKS, {"keys": [jwk(kid=kid) for kid in kids]}, media="application/json")


def kid(key: SigningKey | None) -> str | None:
    return key.kid if key else None


async def test_the_set_is_fetched_once_and_kept(ehr: Hospital, keys: FetchedKeys) -> None:
    publish(ehr, "a", "b")

    found = [kid(await keys.find(one)) for one in ("a", "b", "a")]

    assert found == ["a", "b", "a"]
    assert len(ehr.asked) == 1


async def test_a_new_key_counts_at_once(ehr: Hospital, keys: FetchedKeys, time: Time) -> None:
    """Rotation: an unknown kid has the set fetched again."""
    publish(ehr, "old")
    await keys.find("old")
    publish(ehr, "old", "new")
    time.now += ASKED_AGAIN_AFTER

    assert kid(await keys.find("new")) == "new"
    assert len(ehr.asked) == 2


async def test_invented_kids_do_not_make_us_ask_at_will(
    ehr: Hospital, keys: FetchedKeys, time: Time
) -> None:
    publish(ehr, "a")
    await keys.find("a")

    for number in range(50):
        assert await keys.find(f"invented-{number}") is None
    assert len(ehr.asked) == 1

    time.now += ASKED_AGAIN_AFTER
    for number in range(50):
        assert await keys.find(f"invented-{number}") is None
    assert len(ehr.asked) == 2
    assert kid(await keys.find("a")) == "a"


async def test_a_crowd_at_the_start_makes_one_fetch(ehr: Hospital, keys: FetchedKeys) -> None:
    publish(ehr, "a")

    found = await asyncio.gather(*(keys.find("a") for _ in range(20)))

    assert [kid(one) for one in found] == ["a"] * 20
    assert len(ehr.asked) == 1


async def test_a_withdrawn_key_is_forgotten(ehr: Hospital, keys: FetchedKeys, time: Time) -> None:
    publish(ehr, "stolen", "other")
    await keys.find("stolen")
    publish(ehr, "other")
    time.now += FRESH_FOR + 1
    await keys.find("stolen")  # has the set fetched again, without waiting for it
    await asyncio.sleep(0.3)

    assert await keys.find("stolen") is None
    assert kid(await keys.find("other")) == "other"


async def test_while_their_server_is_away_keys_count_for_an_hour(
    ehr: Hospital, keys: FetchedKeys, time: Time
) -> None:
    publish(ehr, "a")
    await keys.find("a")
    ehr.answers[JWKS] = http(b"", status=503)

    time.now += KEPT_FOR - 1
    assert kid(await keys.find("a")) == "a"
    time.now += ASKED_AGAIN_AFTER
    assert await keys.find("a") is None


@pytest.mark.parametrize(
    "rubbish",
    [
        http(b"", status=302, location="/fhir/other"),
        http(b"", status=404),
        http(b"rubbish"),
        http(b'{"keys":{}}'),
        http(b'{"keys":[5]}'),
        http(b"[" * 5000),
        http(b" " * (SET_AT_MOST + 1)),
        http(json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}).encode()),
        http(json.dumps({"keys": [jwk(kid="a"), jwk(kid="a")]}).encode()),
    ],
    ids=range(9),
)
async def test_what_is_no_key_set_gives_no_key(
    ehr: Hospital, keys: FetchedKeys, rubbish: bytes
) -> None:
    """CH-59 too: a symmetric key in a published set is passed over."""
    publish(ehr, "a")
    ehr.answers["/fhir/other"] = ehr.answers[JWKS]
    ehr.answers[JWKS] = rubbish

    assert await keys.find("a") is None
    assert ehr.targets() == [JWKS]


async def test_a_slow_key_server_is_not_waited_for_long(
    ehr: Hospital, keys: FetchedKeys, time: Time
) -> None:
    async def slow(write: Write) -> None:
        await asyncio.sleep(1.3)
        await write(http(json.dumps({"keys": [jwk(kid="a")]}).encode()))

    ehr.answers[JWKS] = slow
    started = asyncio.get_running_loop().time()

    assert await keys.find("a") is None
    assert asyncio.get_running_loop().time() - started < 1.25

    await asyncio.sleep(0.5)  # the answer still arrives, and counts for the next token
    time.now += 1
    assert kid(await keys.find("a")) == "a"


async def test_a_key_beside_others_that_we_cannot_use_is_found(
    ehr: Hospital, keys: FetchedKeys
) -> None:
    others = [{"kty": "OKP"}, jwk(kid="e", use="enc"), {"kty": "oct", "kid": "s", "k": "AAAA"}]
    ehr.says(JWKS, {"keys": [*others, jwk(kid="a")]})

    assert kid(await keys.find("a")) == "a"
    assert await keys.find("e") is None
    assert await keys.find("s") is None
