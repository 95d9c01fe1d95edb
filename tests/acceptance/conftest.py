"""The whole service over HTTP on a loopback port, on a database of its own."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.main import create_app
from app.settings import Settings
from tests.databases import Kept

FHIR = {"Content-Type": "application/fhir+json"}
STARTS_WITHIN = 120.0


@pytest.fixture(scope="module")
def service(database: Kept) -> Iterator[httpx.Client]:
    """The service as an EHR on this machine meets it."""
    with serving(database) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def _services_are_collected() -> Iterator[None]:
    """A service sets what it loaded aside from the collector for good; this process goes on."""
    yield
    gc.unfreeze()
    gc.collect()


@contextmanager
def serving(database: Kept | Path, *, port: int = 0, **more: Any) -> Iterator[httpx.Client]:
    """The service with settings of a test's own."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        url = database.url if isinstance(database, Kept) else f"sqlite:///{database}"
        settings = Settings(database_url=url, public_url=address, **more)
        config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            _wait(server, thread)
            with httpx.Client(base_url=address, headers=FHIR, timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    """However slow the machine is; a service that has given up is not waited for."""
    until = time.monotonic() + STARTS_WITHIN
    while not server.started:
        assert thread.is_alive(), "the service did not start, and said why"
        assert time.monotonic() < until, "the service did not start"
        time.sleep(0.01)
