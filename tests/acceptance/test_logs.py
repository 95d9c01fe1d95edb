"""Every line of the log is JSON and names no patient, whoever wrote it and however it was begun."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.logs import configure
from tests.acceptance.test_kill import free_port, until_ready

NAME = "Canary-4711"
BIN = Path(sys.executable).parent
SERVE = (str(BIN / "painplan"), "serve")
BARE = (str(BIN / "uvicorn"), "app.main:create_app", "--factory")
HEAD = b"POST /fhir/$derive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"


@contextmanager
def logging_to(file: Path, command: Sequence[str]) -> Iterator[str]:
    """A service whose standard output and error go to the file."""
    port = free_port()
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": f"sqlite:///{file.parent}/x.db"}
    with file.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            until_ready(url, lambda: process.poll() is None)
            yield url
        finally:
            process.terminate()
            process.wait(60)


def send(url: str, data: bytes) -> None:
    """And go away."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(data)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", [SERVE, BARE], ids=["painplan", "uvicorn"])
def test_a_service_logs_json_and_no_address_that_names_a_patient(
    command: Sequence[str], tmp_path: Path
) -> None:
    file = tmp_path / "log"
    with logging_to(file, command) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.get("/fhir/Patient", params={"name": NAME}).raise_for_status()
        send(url, f"{NAME}\r\n\r\n".encode())  # no HTTP at all
        send(url, HEAD + f'Content-Length: 999\r\n\r\n{{"id": "{NAME}'.encode())
        client.get("/fhir/Patient", params={"name": NAME}).raise_for_status()
        counted = client.get("/metrics").text

    told = file.read_text("utf-8")
    assert NAME not in told
    events = [line["event"] for line in lines(told)]
    assert "Invalid HTTP request received." in events
    assert events.count("request") >= 3
    assert "fault" not in events, "a client that goes away is no fault of ours"
    assert 'status="500"' not in counted


def test_what_a_library_logs_is_told_without_the_words_of_an_exception(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("INFO")
    try:
        int(NAME)
    except ValueError:
        logging.getLogger("asyncio").exception("Task: %s", NAME)
    logging.getLogger("a.library").warning("is slow")

    fault, slow, *_ = (line for line in lines(capfd.readouterr().err) if "logger" in line)
    assert (fault["event"], fault["kind"], fault["logger"]) == ("fault", "ValueError", "asyncio")
    assert NAME not in json.dumps(fault)
    assert (slow["event"], slow["level"]) == ("is slow", "warning")
