"""What may be asked of the outside; httpx and TLS are loaded with the first question."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NotReached(Exception):  # noqa: N818  (told as an outcome, not an error of ours)
    """No usable answer; ``why`` is a sentence without hosts, tokens or patients."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Reply(NamedTuple):
    """A whole answer; ``media`` is its type in lower case, without parameters."""

    status: int
    media: str
    body: bytes


class Outside(Protocol):
    """GET, bounded."""

    async def get(self, url: str, headers: Mapping[str, str], *, at_most: int) -> Reply:
        """The answer, whatever its status. NotReached; the caller sets the deadline."""

    async def close(self) -> None:
        """Close every connection."""


class OpenedWhenAsked:
    """The outside behind its guard (``http.py``); a service that asks nobody never loads it."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._resolve = resolve
        self._opened: Outside | None = None

    async def get(self, url: str, headers: Mapping[str, str], *, at_most: int) -> Reply:
        """As ``Outside``."""
        return await self.open().get(url, headers, at_most=at_most)

    def open(self) -> Outside:
        """Load and open it, once: some 100 ms that a call should not wait for."""
        if self._opened is None:
            from app.ehr.http import Web  # noqa: PLC0415  (see above)

            self._opened = Web(self._resolve)
        return self._opened

    async def close(self) -> None:
        """As ``Outside``."""
        if self._opened is not None:
            await self._opened.close()
