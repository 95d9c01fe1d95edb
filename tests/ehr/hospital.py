"""A real HTTP server on loopback that answers as a test says, well or badly."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

Json = dict[str, Any]
Write = Callable[[bytes], Awaitable[None]]
Handler = Callable[[Write], Awaitable[None]]
FHIR = "application/fhir+json"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]


@dataclass
class Hospital:
    """``answers`` by target (path with query); what is not there is 404."""

    base: str = ""
    answers: dict[str, bytes | Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def says(self, target: str, document: Any, **more: Any) -> None:
        """JSON for a target."""
        self.answers[target] = http(json.dumps(document).encode(), **more)

    def targets(self) -> list[str]:
        """What was asked for, in order."""
        return [one.target for one in self.asked]


class Names:
    """A name server under our control: one answer after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del port
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def http(body: bytes, *, status: int = 200, media: str = FHIR, **headers: str) -> bytes:
    """A whole HTTP/1.1 answer; ``location=...`` and the like become headers."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def hospital(
    host: str = "127.0.0.1", tls: SSLContext | None = None, port: int = 0
) -> AsyncIterator[Hospital]:
    """A server; its ``base`` is where it listens, with ``/fhir``."""
    found = Hospital()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            while await _one(reader, write, found):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    number = server.sockets[0].getsockname()[1]
    found.base = f"{'https' if tls else 'http'}://{host}:{number}/fhir"
    try:
        yield found
    finally:
        server.close()


async def _one(reader: asyncio.StreamReader, write: Write, found: Hospital) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.partition(": ") for line in head[1:] if line)
    found.asked.append(Asked(method, target, {name.lower(): value for name, _, value in pairs}))
    answer = found.answers.get(target, http(b"{}", status=404))
    if isinstance(answer, bytes):
        await write(answer)
        return True
    await answer(write)
    return False


def searchset(*resources: Json, following: str | None = None, **more: Any) -> Json:
    """A page of a search."""
    link = [{"relation": "next", "url": following}] if following else []
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": "http://ehr/self"}, *link],
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in resources],
        **more,
    }


def condition(id_: str = "c1", of: str = "p1") -> Json:
    """A diagnosis of somebody."""
    return {"resourceType": "Condition", "id": id_, "subject": {"reference": f"Patient/{of}"}}
