"""``painplan audit``: the history and its proof."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.cli.arguments import read_file, require_database
from app.fhir.writing.audit_event import audit_event
from app.main import SEARCH, now
from app.settings import Settings
from app.sql.anchoring import anchor_history
from app.sql.anchors import read_anchors, told
from app.sql.audit_export import exported
from app.sql.reindex import differences
from app.sql.signing import public_key, unsigned
from app.sql.verify import verify

CLOSED_PIPE = 141  # as a shell tells of a program that SIGPIPE ended
audit = typer.Typer(no_args_is_help=True, help="The history and its proof.")
commands = typer.Typer()
commands.add_typer(audit, name="audit")


@audit.command("verify")
def audit_verify(
    *,
    derived: Annotated[
        bool, typer.Option("--derived", help="Also compare the search values with the bodies.")
    ] = False,
    anchors: Annotated[
        Path | None, typer.Option(help="A file of anchors that were kept elsewhere.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Only anchors signed by this Ed25519 key count (PEM).")
    ] = None,
) -> None:
    """Recompute every hash of the history; says where one fails."""
    url = Settings().database_url
    kept = read_anchors(read_file(anchors)) if anchors is not None else []
    report = verify(url, _progress, kept)
    for fault in unsigned(kept, None if key is None else public_key(key)):
        report.fault(fault)
    if derived and report.is_intact:
        for difference in differences(url, SEARCH):
            report.fault(difference)
    for fault in report.faults:
        sys.stderr.write(f"{fault}\n")
    state = "intact" if report.is_intact else "NOT intact"
    held = f", held against {len(kept)} anchors" if kept else ""
    sys.stdout.write(f"{report.blocks} blocks, {report.entries} entries{held}: {state}.\n")
    if not report.is_intact:
        raise typer.Exit(1)


@audit.command("export")
def audit_export(
    after: Annotated[str, typer.Option(help="The id of the last AuditEvent that you have.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose audit; the default is the only one.")] = "",
) -> None:
    """Every AuditEvent as NDJSON on stdout, oldest first; --after goes on where a run ended.

    The run itself leaves a row before its first line.
    """
    settings = Settings()
    url = settings.database_url
    require_database(url)
    asyncio.run(_export(url, tenant or settings.tenant, after, settings.public_url))


@audit.command("anchor")
def audit_anchor() -> None:
    """Print the newest block and the tree head over all of them, to be kept elsewhere."""
    settings = Settings()
    anchor = anchor_history(settings.database_url, settings.anchor_key_file)
    sys.stdout.buffer.write(told(anchor) + b"\n")


async def _export(url: str, tenant: str, after: str, public_url: str) -> None:
    """Line by line: what is cut off ends in the middle of a line, which is no event yet."""
    async with contextlib.aclosing(exported(url, tenant, after, now)) as events:
        try:
            async for kept in events:
                line = audit_event(kept.record, kept.committed_at, public_url)
                sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            _nobody_listens()


def _nobody_listens() -> NoReturn:
    """``| head`` has what it wanted: what is still buffered goes nowhere when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(CLOSED_PIPE)


def _progress(entries: int) -> None:
    sys.stderr.write(f"{entries} entries\n")
