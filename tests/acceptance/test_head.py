"""The parser that `painplan serve` runs with: the head of a request is bounded, bodies are not."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from app.api.head import HEAD_AT_MOST

PIECE = b"x-more: " + b"y" * 8000 + b"\r\n"


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    app = FastAPI()

    @app.post("/")
    async def echo(request: Request) -> Response:
        return Response(str(len(await request.body())))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http="app.api.head:BoundedHead", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        until = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < until, "it did not start"
            time.sleep(0.01)
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


def post(length: int) -> bytes:
    return (
        f"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n".encode()
        + b"z" * length
    )


def read(connection: socket.socket) -> bytes:
    """Until the other side has nothing more to say."""
    told = b""
    while piece := connection.recv(65536):
        told += piece
    return told


def test_a_head_that_never_ends_is_refused_and_the_connection_closed(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n")
        sent = 0
        try:
            while sent < 100 * HEAD_AT_MOST:
                connection.sendall(PIECE)
                sent += len(PIECE)
            told = read(connection)
        except ConnectionError:
            told = b""

    assert sent < 100 * HEAD_AT_MOST
    assert not told or told.startswith(b"HTTP/1.1 400 ")


def test_an_answer_says_why_a_head_was_refused(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n")
        time.sleep(0.2)  # a read of its own
        connection.sendall(b"x-more: " + b"y" * (HEAD_AT_MOST - 8))  # just as long as is allowed
        time.sleep(0.2)
        connection.sendall(b"y")
        told = read(connection)

    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"too long" in told


def test_long_bodies_and_long_conversations_are_no_long_heads(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(
            post(20 * HEAD_AT_MOST) + post(3 * HEAD_AT_MOST) + b"POST / HTTP/1.1\r\n"
        )
        time.sleep(0.2)  # the third head goes on in a read of its own
        connection.sendall(b"Host: here\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        told = read(connection)

    assert told.count(b"HTTP/1.1 200 ") == 3
    assert told.count(b"\r\n\r\n") == 3
    for length in (20 * HEAD_AT_MOST, 3 * HEAD_AT_MOST, 2):
        assert f"\r\n\r\n{length}".encode() in told


def test_a_word_that_is_no_method_is_refused_in_words_and_the_next_one_served(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"BREW / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
        told = read(connection)
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(post(3).replace(b"Host: here", b"Host: here\r\nConnection: close"))
        served = read(connection)

    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"Invalid HTTP request" in told
    assert served.startswith(b"HTTP/1.1 200 ")
