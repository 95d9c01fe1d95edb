"""A line to a PostgreSQL that can be cut: before a word reaches the server, or after its answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import make_url

PORTION = 65536


@dataclass(slots=True)
class Line:
    """Cuts each connection at the first word that is named, as often as is said."""

    url: str = ""
    cuts_before: bytes = b""
    cuts_after: bytes = b""
    times: int = 0
    is_closed: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        for writer in list(self.open):
            writer.close()


@asynccontextmanager
async def a_line(url: str) -> AsyncIterator[Line]:
    """A loopback address that leads to the database of ``url``."""
    line = Line()
    far = make_url(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if line.is_closed:
            writer.close()
            return
        far_reader, far_writer = await _reached(url)
        line.open |= {writer, far_writer}
        down = asyncio.create_task(_pumped(far_reader, writer))
        try:
            await _watched(line, reader, far_reader, far_writer, down)
        finally:
            down.cancel()
            for one in (writer, far_writer):
                line.open.discard(one)
                one.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    near = far.set(host="127.0.0.1", port=port, query={})
    line.url = near.render_as_string(hide_password=False)
    try:
        yield line
    finally:
        line.cut()
        server.close()


async def _reached(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    far = make_url(url)
    folder = far.query.get("host")
    if isinstance(folder, str) and folder.startswith("/"):
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{far.port or 5432}")
    return await asyncio.open_connection(far.host or "127.0.0.1", far.port or 5432)


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(PORTION):
            writer.write(data)
            await writer.drain()


async def _watched(
    line: Line,
    reader: asyncio.StreamReader,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
    down: "asyncio.Task[None]",
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(PORTION):
            if line.times and line.cuts_before and line.cuts_before in data:
                line.times -= 1
                return
            if line.times and line.cuts_after and line.cuts_after in data:
                line.times -= 1
                down.cancel()
                await asyncio.gather(down, return_exceptions=True)
                far_writer.write(data)
                await far_reader.read(PORTION)  # the server has done it, and nobody hears of it
                return
            far_writer.write(data)
            await far_writer.drain()
