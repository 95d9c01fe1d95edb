"""The database: its schema, its search values, what hooks showed, what is emptied."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from app.api.hook_routes import report_body
from app.cli.arguments import require_database
from app.main import SEARCH, now, prepare
from app.printing import print_alerts
from app.settings import Settings
from app.sql.erasure import erase, retain
from app.sql.migrate import migrate as migrate_database
from app.sql.prepare import alone
from app.sql.queries import History
from app.sql.reindex import reindex
from app.use_cases.report_alerts import AlertReport, ReportAlerts

commands = typer.Typer()


@commands.command()
def migrate() -> None:
    """Bring the database of PAINPLAN_DATABASE_URL to the newest schema."""
    url = Settings().database_url
    with alone(url):
        migrate_database(url)


@commands.command()
def alerts(
    tenant: Annotated[str, typer.Option(help="Whose alerts; the default is the only one.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """How often each rule of a hook was shown, accepted and overridden, by month."""
    settings = Settings()
    url = settings.database_url
    require_database(url)
    report = report_body(asyncio.run(_alerts(url, tenant or settings.tenant)))
    if as_json:
        sys.stdout.buffer.write(report + b"\n")
    else:
        print_alerts(report, Console())


@commands.command("reindex")
def reindex_command() -> None:
    """Make the search values of every stored version again, from their bodies."""
    url = Settings().database_url
    with alone(url):
        migrate_database(url)
        done = reindex(url, SEARCH, _versions)
    sys.stdout.write(f"{done} versions: their search values are made again.\n")


@commands.command("erase")
def erase_command(
    patient: Annotated[str, typer.Argument(help="The id of the Patient, without Patient/.")],
    tenant: Annotated[str, typer.Option(help="Whose patient; the default is the only one.")] = "",
) -> None:
    """Empty all that is kept of a patient; the history still verifies (docs/erasure.md)."""
    settings = Settings()
    url = settings.database_url
    require_database(url)
    prepare(url)
    plain = patient.removeprefix("Patient/")
    erased = erase(url, tenant or settings.tenant, plain, now)
    sys.stdout.write(f"{erased.entries} rows emptied, erasure {erased.id}.\n")


@commands.command("retain")
def retain_command(
    months: Annotated[int, typer.Option(help="What is older is emptied.", min=1, max=1200)],
) -> None:
    """Empty facts of hooks and searches in the audit that are older (docs/erasure.md)."""
    url = Settings().database_url
    require_database(url)
    prepare(url)
    sys.stdout.write(f"{retain(url, months, now)} rows emptied.\n")


async def _alerts(url: str, tenant: str) -> AlertReport:
    history = History(url)
    try:
        return await ReportAlerts(history)(tenant)
    finally:
        await history.close()


def _versions(done: int) -> None:
    sys.stderr.write(f"{done} versions\n")
