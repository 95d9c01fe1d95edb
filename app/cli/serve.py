"""``painplan serve``: the service, and what must be so before it listens."""

import gc
import os
from importlib.util import find_spec
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from app.api.cors import origins_of
from app.cli.endings import stop
from app.knowledge import load
from app.knowledge.terminology import read_terminology, with_terminology
from app.logs import configure as configure_log
from app.main import create_app, prepare, terminology_of, trusted_of
from app.settings import Settings
from app.sql.database import is_postgresql

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (what it is told by whoever starts it)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# httptools is not there on Windows; h11 bounds a head itself.
HTTP = "app.api.head:BoundedHead" if find_spec("httptools") else "h11"
commands = typer.Typer()


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option(help="Processes; more than one needs PostgreSQL.", min=1, max=256)
    ] = 1,
) -> None:
    """Run the service."""
    os.environ.setdefault("PAINPLAN_PUBLIC_URL", _address(host, port))  # workers read it, too
    settings = Settings()
    if workers != 1 and not is_postgresql(settings.database_url):
        stop("More than one worker needs PostgreSQL (PAINPLAN_DATABASE_URL).")
    if settings.auth == "off" and host not in LOOPBACK:
        stop(
            "Authentication is off: only a loopback address is served. "
            "Set PAINPLAN_AUTH=off-insecure behind a gateway that authenticates."
        )
    configure_log(settings.log_level)  # of the process that starts the workers, too
    gc.disable()  # a start makes no garbage; the service sets what it needs when it is up
    prepare(settings.database_url)
    if workers == 1:
        _run(create_app(settings), host, port)
        return
    with_terminology(load(), read_terminology(terminology_of(settings)))
    trusted_of(settings)
    origins_of(settings.cors_origins)
    _run("app.main:create_app", host, port, workers)


def _address(host: str, port: int) -> str:
    """Where the service is reached when nothing else is said: links lead to the port it has."""
    if host in EVERYWHERE:
        host = LOOPBACK[0]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run(app: FastAPI | str, host: str, port: int, workers: int = 1) -> None:
    """Until it is told to stop; several workers build it each for itself."""
    uvicorn.run(
        app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        workers=workers,
        http=HTTP,
        log_config=None,  # its lines go where ours go (app/logs.py)
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever connects says where from, and nobody else
        timeout_graceful_shutdown=10,
    )
