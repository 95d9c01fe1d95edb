"""The keys of those who call us: given in the file, or fetched from the one configured address."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from app.ehr.jwk import SigningKey, signing_keys
from app.ehr.outside import NotReached, Outside, Reply

FRESH_FOR = 600.0  # seconds until the set is fetched again
KEPT_FOR = 3600.0  # seconds a set counts while its server does not answer
ASKED_AGAIN_AFTER = 10.0  # seconds between two fetches, whatever kid somebody names
WAITED_FOR = 1.0  # seconds that a request waits for a kid it does not know
FETCH_WITHIN = 5.0  # seconds
SET_AT_MOST = 256 * 1024  # bytes
OK = 200
ACCEPT = {"Accept": "application/jwk-set+json, application/json"}
log = logging.getLogger(__name__)


class Keys(Protocol):
    """The keys of one issuer."""

    async def find(self, kid: str) -> SigningKey | None:
        """The key of this id, None when the issuer has none."""
        ...


class PinnedKeys:
    """The keys written into the file of clients."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self._keys = {key.kid: key for key in keys}

    async def find(self, kid: str) -> SigningKey | None:
        """The key of this id."""
        return self._keys.get(kid)


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


_READ = msgspec.json.Decoder(_Set)


class FetchedKeys:
    """A published set (JWKS), cached; an unknown kid has it fetched again, but not at will.

    A key that the issuer withdrew is refused from the first token after the next fetch.
    """

    def __init__(
        self, url: str, web: Outside, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._web = web
        self._monotonic = monotonic
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> SigningKey | None:
        """The key of this id, as far as the set can be had in time."""
        now = self._monotonic()
        if now - self._fetched_at > KEPT_FOR:
            self._keys = {}
        known = self._keys.get(kid)
        if known is not None and now - self._fetched_at <= FRESH_FOR:
            return known
        fetch = self._fetch_again(now)
        if known is None and fetch is not None:
            await asyncio.wait({fetch}, timeout=WAITED_FOR)
            return self._keys.get(kid)
        return known

    def warm(self) -> None:
        """Begin to fetch, so that the first caller need not wait."""
        self._fetch_again(self._monotonic())

    async def close(self) -> None:
        """Stop fetching."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)

    def _fetch_again(self, now: float) -> asyncio.Task[None] | None:
        """The fetch that runs, a new one, or None when there was one a moment ago."""
        if self._fetch is not None and not self._fetch.done():
            return self._fetch
        if now - self._asked_at < ASKED_AGAIN_AFTER:
            return None
        self._asked_at = now
        self._fetch = asyncio.get_running_loop().create_task(self._fetched())
        return self._fetch

    async def _fetched(self) -> None:
        try:
            async with asyncio.timeout(FETCH_WITHIN):
                reply = await self._web.get(self._url, ACCEPT, at_most=SET_AT_MOST)
            keys = signing_keys(_jwks(reply))
        except NotReached as error:
            self._say(error.why)
        except TimeoutError:
            self._say("it did not answer in time")
        else:
            self._keys = keys
            self._fetched_at = self._monotonic()

    def _say(self, why: str) -> None:
        log.warning("keys not fetched", extra={"url": self._url, "why": why})


def _jwks(reply: Reply) -> list[dict[str, Any]]:
    if reply.status != OK:
        raise NotReached(f"it answered with status {reply.status}")
    try:
        return _READ.decode(reply.body).keys
    except (msgspec.DecodeError, RecursionError):
        raise NotReached("its answer is no key set") from None
