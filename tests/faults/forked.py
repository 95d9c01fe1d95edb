"""The service forked from a process in which its modules are loaded: a start without the imports.

A hundred starts spend most of their time on reading the same modules. What a start does with a
database, from its schema to its first answer, is done by each child as ever.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess

from tests.acceptance.test_kill import free_port, until_ready
from tests.databases import Kept

LOADED = [
    "app.cli.serve",
    "app.main",
    "uvicorn.protocols.http.auto",
    "uvicorn.loops.auto",
    "pytest",
]


@contextmanager
def forked(database: Kept) -> Iterator[tuple[str, ForkServerProcess]]:
    """``painplan serve``, for somebody who kills it."""
    port = free_port()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    process = context.Process(target=_serve, args=(database.url, port))
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        until_ready(url, process.is_alive)
        yield url, process
    finally:
        process.terminate()
        process.join(30)


def _serve(database_url: str, port: int) -> None:
    """In the child."""
    from app.cli import joined  # noqa: PLC0415  (the tests that fork have no use for it)

    os.environ |= {"PAINPLAN_DATABASE_URL": database_url, "PAINPLAN_LOG_LEVEL": "ERROR"}
    joined(["serve"])(["serve", "--port", str(port)])
