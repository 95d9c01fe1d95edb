"""``painplan population``: a file of patients, decided about as the service would."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from app.cli.arguments import as_of_option
from app.cli.endings import stop
from app.population import population as run_population
from app.settings import Settings

commands = typer.Typer()


@commands.command("population")
def population_command(  # noqa: PLR0913  (the options of a command)
    source: Annotated[
        Path, typer.Argument(help="NDJSON, one Bundle a line, or a folder with one file a type.")
    ],
    target: Annotated[Path, typer.Argument(help="The file to write, one decision a line.")],
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=256)] = 1,
    as_of: Annotated[str, typer.Option(help="The instant of evaluation; now by default.")] = "",
    profile: Annotated[
        Literal["who", "uk", "us"] | None, typer.Option(help="Whose guideline counts.")
    ] = None,
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    resources: Annotated[
        bool, typer.Option("--resources", help="Add every derived resource to its line.")
    ] = False,
) -> None:
    """Decide about every patient of a file as the service would; nothing is stored."""
    at = as_of_option(as_of) if as_of else None
    try:
        run_population(
            source,
            target,
            workers=workers,
            resume=resume,
            as_of=at,
            profile=profile or Settings().guideline_profile,
            with_resources=resources,
            console=Console(stderr=True),
        )
    except OSError as error:  # a file that is not there, or a disk that is full
        stop(f"{error.filename or target}: {error.strerror}")
