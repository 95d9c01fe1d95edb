"""The parser that `painplan serve` runs with: the head of a request is bounded, bodies are not."""

import contextlib
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
        body = await request.body()
        return Response(str(len(body)), headers={"x-told": request.headers.get("x-told", "")})

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


CHUNKED = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"


def test_what_is_sent_after_a_body_is_no_header_of_this_request_nor_of_the_next(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(CHUNKED + b"x-told: late\r\n\r\n")
        connection.sendall(CHUNKED + b"x-more: late\r\nx-told: late\r\n\r\n")
        connection.sendall(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        told = read(connection)

    assert told.count(b"HTTP/1.1 200 ") == 3
    assert b"late" not in told


@pytest.mark.parametrize("piece", [PIECE, b"y" * 8000], ids=["many headers", "one header"])
def test_what_is_sent_after_a_body_is_bounded_too(address: tuple[str, int], piece: bytes) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(CHUNKED + b"x-told: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 100 * HEAD_AT_MOST:
                connection.sendall(piece)
                sent += len(piece)
            read(connection)

    assert sent < 100 * HEAD_AT_MOST


@pytest.mark.parametrize("length", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_an_offer_of_another_protocol_is_passed_over_and_the_body_is_still_a_body(
    address: tuple[str, int], length: bytes
) -> None:
    body = b"ok" if length.endswith(b"2") else b"2\r\nok\r\n0\r\n\r\n"
    with socket.create_connection(address, timeout=60) as connection:
        head = (
            b"POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + length
        )
        connection.sendall(head + b"\r\nx-told: here\r\n\r\n")
        time.sleep(0.2)  # the body comes in a read of its own
        connection.sendall(body + head + b"\r\n\r\n" + body)  # and once more all in one
        connection.sendall(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        told = read(connection)

    assert told.count(b"HTTP/1.1 200 ") == 3
    assert told.count(b"\r\n\r\n2") == 2
    assert told.count(b"x-told: here") == 1


def test_a_body_that_looks_like_a_request_is_none(address: tuple[str, int]) -> None:
    within = b"GET /else HTTP/1.1\r\nHost: here\r\n\r\n"
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
            b"Content-Length: %d\r\n\r\n" % len(within)
        )
        time.sleep(0.2)
        connection.sendall(within)
        told = read(connection)

    assert told.count(b"HTTP/1.1 ") == 1
    assert told.endswith(b"\r\n\r\n%d" % len(within))


def test_nobody_is_connected_to_anything(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"CONNECT here:80 HTTP/1.1\r\nHost: here:80\r\n\r\n")
        told = read(connection)

    assert told.startswith(b"HTTP/1.1 400 ")
