"""The bundled HTTP client: requests made beforehand as bytes, kept-open connections, no more.

A client that costs as much as the service would measure itself. ``closed_loop`` sends the next
request of a connection when its last was answered; ``open_loop`` sends at the times of a Poisson
process whatever the answers do, and a latency counts from when its request was due, so that a
service that stalls is charged for everybody who waited (no coordinated omission).
"""

import asyncio
import gc
import math
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

CLIENTS = 8
OPENED = 64  # connections of the open loop that are there before it starts
ANSWERED_WITHIN = 60.0
SEED = 20260601
SUCCESS = range(200, 300)
LENGTH = b"\r\ncontent-length:"


class FailedError(Exception):
    """A request was not answered, or not with success."""


def message(url: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST as it goes over the wire."""
    lines = {"Host": urlsplit(url).netloc, **headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def closed_loop(url: str, messages: Sequence[bytes]) -> None:
    """Send all, eight at a time; FailedError for the first that is not answered with success."""
    with _without_pauses():
        asyncio.run(_closed(url, messages))


def open_loop(url: str, messages: Sequence[bytes], rate: float) -> list[float]:
    """Latencies in seconds, sorted; ``rate`` is requests a second.

    A request that was refused or lost counts as infinitely late.
    """
    with _without_pauses():
        return sorted(asyncio.run(_open(url, messages, rate)))


class _Connection(asyncio.Protocol):
    """One request at a time; the future of ``ask`` is the status of its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._read = bytearray()
        self._whole = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, message: bytes) -> int:
        assert self._transport is not None
        if self._transport.is_closing():
            raise FailedError("the connection was closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await asyncio.wait_for(self._answer, ANSWERED_WITHIN)

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._whole:
            self._whole = _whole(self._read)
        if not self._whole or len(self._read) < self._whole or self._answer is None:
            return
        status = int(self._read[9:12])
        self._read.clear()
        self._whole = 0
        if not self._answer.done():
            self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(FailedError(f"the connection was lost ({exc})"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _whole(read: bytearray) -> int:
    """How long the answer is in all; 0 as long as its head is not there."""
    end = read.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = bytes(read[:end]).lower() + b"\r\n"
    at = head.find(LENGTH)
    if at < 0:
        raise FailedError("an answer without a Content-Length")
    return end + 4 + int(head[at + len(LENGTH) : head.index(b"\r\n", at + 2)])


async def _closed(url: str, messages: Sequence[bytes]) -> None:
    todo = iter(messages)

    async def client(one: _Connection) -> None:
        for each in todo:
            status = await one.ask(each)
            if status not in SUCCESS:
                raise FailedError(f"answered {status}")

    async with _connections(url, CLIENTS) as ready, asyncio.TaskGroup() as group:
        for one in ready:
            group.create_task(client(one))


async def _open(url: str, messages: Sequence[bytes], rate: float) -> list[float]:
    chance = random.Random(SEED)
    latencies: list[float] = []
    async with _connections(url, OPENED) as free:

        async def send(each: bytes, due: float) -> None:
            try:
                one = free.pop() if free else await _connected(url)
                status = await one.ask(each)
            except (FailedError, OSError, TimeoutError):
                latencies.append(math.inf)
                return
            latencies.append(time.perf_counter() - due if status in SUCCESS else math.inf)
            free.append(one)

        due = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for each in messages:
                due += chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(send(each, due))
    return latencies


@asynccontextmanager
async def _connections(url: str, count: int) -> AsyncIterator[list[_Connection]]:
    ready = [await _connected(url) for _ in range(count)]
    try:
        yield ready
    finally:
        for one in ready:
            one.close()


async def _connected(url: str) -> _Connection:
    host, _, port = urlsplit(url).netloc.partition(":")
    _, one = await asyncio.get_running_loop().create_connection(_Connection, host, int(port))
    return one


@contextmanager
def _without_pauses() -> Iterator[None]:
    """The client's own collector would stand in every latency that it interrupts."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
