"""``painplan derive``: one submission from a file, nothing stored."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from app.api.answers import derivation
from app.cli.arguments import as_of_option, read_file
from app.fhir.reading.submission import read_bare
from app.fhir.validation import Validator
from app.main import derive_once
from app.printing import print_plan

COMMAND_LINE = "http://127.0.0.1:8000/fhir"
commands = typer.Typer()


@commands.command()
def derive(
    file: Annotated[str, typer.Argument(help="A Bundle, Parameters or a resource; - for stdin.")],
    as_of: Annotated[str, typer.Option(help="The instant of evaluation.")] = "",
    profile: Annotated[
        Literal["who", "uk", "us"] | None, typer.Option(help="Whose guideline counts.")
    ] = None,
    patient: Annotated[str, typer.Option(help="Id of the Patient, where none comes.")] = "",
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan for a person.")] = False,
) -> None:
    """Derive from a file: the $derive Bundle on stdout; nothing is stored."""
    body = sys.stdin.buffer.read() if file == "-" else read_file(Path(file))
    submission = read_bare(body, patient=patient or None, validator=Validator.load())
    at = as_of_option(as_of) if as_of else submission.as_of or datetime.now(UTC)
    answer = asyncio.run(derive_once(submission, as_of=at, profile=profile))
    for warning in answer.warnings:
        sys.stderr.write(f"{warning.where}: {warning.what}\n")
    bundle = derivation(answer, COMMAND_LINE)
    if plan:
        print_plan(bundle, Console())
    else:
        sys.stdout.buffer.write(bundle + b"\n")
