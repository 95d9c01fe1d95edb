"""The command line of contract §8: serve, derive, check-content, book, impact, audit, and more."""

import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import orjson
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from app.api.answers import derivation
from app.api.cors import origins_of
from app.api.hook_routes import report_body
from app.book import drift as book_drift
from app.book import pages
from app.book import write as write_book
from app.domain.content import Content
from app.domain.facts import Record
from app.domain.problem import Problem, Refusal, Refused
from app.domain.submission import Submission
from app.examples import example_files
from app.fhir.publishing import EXAMPLES as EXAMPLES_OF_OURS
from app.fhir.publishing import drift, drift_of_files, pack, write, write_files
from app.fhir.reading.record import RecordReader
from app.fhir.reading.submission import read_bare
from app.fhir.reading.times import instant
from app.fhir.validation import Validator
from app.fhir.writing.audit_event import audit_event
from app.impact import AS_OF as POPULATION_AS_OF
from app.impact import (
    Patient,
    as_json,
    material,
    population,
    print_impact,
    told_patients,
    version,
)
from app.impact import impact as find_impact
from app.knowledge import load
from app.knowledge.check import check_content
from app.knowledge.errors import ContentError
from app.knowledge.files import read_folder
from app.knowledge.terminology import read_terminology, with_terminology
from app.main import (
    ROOT,
    SEARCH,
    derive_once,
    now,
    prepare,
    published,
    questionnaires,
    terminology_of,
    trusted_of,
)
from app.population import population as run_population
from app.printing import print_alerts, print_plan
from app.settings import Settings
from app.sql.anchoring import anchor_history
from app.sql.anchors import read_anchors, told
from app.sql.audit_export import exported
from app.sql.database import is_postgresql
from app.sql.erasure import erase, retain
from app.sql.migrate import migrate as migrate_database
from app.sql.prepare import alone
from app.sql.queries import History
from app.sql.reindex import differences, reindex
from app.sql.signing import public_key, unsigned
from app.sql.sqlite import path_of
from app.sql.verify import verify
from app.use_cases.report_alerts import AlertReport, ReportAlerts

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# httptools is not there on Windows; h11 bounds a head itself.
HTTP = "app.api.head:BoundedHead" if find_spec("httptools") else "h11"
CLOSED_PIPE = 141  # as a shell tells of a program that SIGPIPE ended
CASES = ROOT / "tests" / "knowledge" / "cases"
EXAMPLES, VIGNETTES = ROOT / "examples", ROOT / "tests" / "vignettes"
COMMAND_LINE = "http://127.0.0.1:8000/fhir"
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit = typer.Typer(no_args_is_help=True, help="The history and its proof.")
app.add_typer(audit, name="audit")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[
        int, typer.Option(help="Processes; more than one needs PostgreSQL.", min=1, max=256)
    ] = 1,
) -> None:
    """Run the service."""
    settings = Settings()
    if workers != 1 and not is_postgresql(settings.database_url):
        _stop("More than one worker needs PostgreSQL (PAINPLAN_DATABASE_URL).")
    if settings.auth == "off" and host not in LOOPBACK:
        _stop(
            "Authentication is off: only a loopback address is served. "
            "Set PAINPLAN_AUTH=off-insecure behind a gateway that authenticates."
        )
    with_terminology(load(), read_terminology(terminology_of(settings)))
    trusted_of(settings)
    origins_of(settings.cors_origins)
    prepare(settings.database_url)
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=HTTP,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


@app.command()
def migrate() -> None:
    """Bring the database of PAINPLAN_DATABASE_URL to the newest schema."""
    url = Settings().database_url
    with alone(url):
        migrate_database(url)


@app.command()
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
    body = sys.stdin.buffer.read() if file == "-" else _read(Path(file))
    submission = read_bare(body, patient=patient or None, validator=Validator.load())
    at = _as_of(as_of) if as_of else submission.as_of or datetime.now(UTC)
    answer = asyncio.run(derive_once(submission, as_of=at, profile=profile))
    for warning in answer.warnings:
        sys.stderr.write(f"{warning.where}: {warning.what}\n")
    bundle = derivation(answer, COMMAND_LINE)
    if plan:
        print_plan(bundle, Console())
    else:
        sys.stdout.buffer.write(bundle + b"\n")


@app.command()
def alerts(
    tenant: Annotated[str, typer.Option(help="Whose alerts; the default is the only one.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """How often each rule of a hook was shown, accepted and overridden, by month."""
    settings = Settings()
    url = settings.database_url
    _require_database(url)
    report = report_body(asyncio.run(_alerts(url, tenant or settings.tenant)))
    if as_json:
        sys.stdout.buffer.write(report + b"\n")
    else:
        print_alerts(report, Console())


@app.command("check-content")
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A content folder; ours by default.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="The folder of case files; ours by default, where it is.")
    ] = None,
) -> None:
    """Check the clinical content as the service does at start, and every rule for its cases."""
    faults = check_content(folder, cases or (CASES if CASES.is_dir() else None))
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if faults:
        raise typer.Exit(1)
    sys.stdout.write("The content is sound.\n")


@app.command()
def profiles(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether it is up to date.")
    ] = False,
    archive: Annotated[
        Path | None, typer.Option(help="Also pack the folder as a FHIR package (.tgz).")
    ] = None,
) -> None:
    """Write fhir_profiles/ with its examples from content and code, or check it; or pack it."""
    folder = ROOT / "fhir_profiles"
    content = load()
    if not check:
        write(content, folder)
        # The service reads the folder, so the examples come after it; the guide lists them.
        write_files(example_files(), folder / EXAMPLES_OF_OURS)
        write(content, folder)
        if archive is not None:
            pack(content, folder, archive)
        return
    found = drift(content, folder)
    if not found:
        found = drift_of_files(example_files(), folder / EXAMPLES_OF_OURS)
    for name in found:
        sys.stderr.write(f"{name}\n")
    if found:
        raise typer.Exit(1)


@app.command()
def book(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = ROOT / "docs" / "book",
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether it is up to date.")
    ] = False,
) -> None:
    """Write all clinical content as a book: one HTML page, and Markdown; or check the book."""
    wanted = pages(read_folder(), CASES)
    if not check:
        write_book(out, wanted)
        return
    found = book_drift(out, wanted)
    for name in found:
        sys.stderr.write(f"{name}\n")
    if found:
        raise typer.Exit(1)


@app.command()
def impact(
    old: Annotated[str, typer.Argument(help="A content folder, or a revision as rev:HEAD~1.")],
    new: Annotated[str, typer.Argument(help="A content folder, or a revision as rev:HEAD~1.")],
    patients: Annotated[int, typer.Option(help="How many made-up patients.")] = 500,
    profile: Annotated[
        Literal["who", "uk", "us"], typer.Option(help="Whose guideline counts.")
    ] = "who",
    *,
    json: Annotated[bool, typer.Option("--json", help="For a program, every patient.")] = False,
) -> None:
    """Run the same patients through two content versions: whose plan changes, by which rule."""
    before, after = version(old, ROOT), version(new, ROOT)
    made_up = population(material(before, after), patients)
    people: list[Patient] = [(name, partial(_as_told, record)) for name, record in made_up]
    people += [*told_patients(VIGNETTES), *_examples(EXAMPLES), *_examples(VIGNETTES)]
    found = find_impact(before, after, people, profile)
    if json:
        sys.stdout.buffer.write(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        print_impact(found, Console())


@app.command("population")
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
    run_population(
        source,
        target,
        workers=workers,
        resume=resume,
        as_of=_as_of(as_of) if as_of else None,
        profile=profile or Settings().guideline_profile,
        with_resources=resources,
        console=Console(stderr=True),
    )


@app.command("reindex")
def reindex_command() -> None:
    """Make the search values of every stored version again, from their bodies."""
    url = Settings().database_url
    with alone(url):
        migrate_database(url)
        done = reindex(url, SEARCH, _versions)
    sys.stdout.write(f"{done} versions: their search values are made again.\n")


@app.command("erase")
def erase_command(
    patient: Annotated[str, typer.Argument(help="The id of the Patient, without Patient/.")],
    tenant: Annotated[str, typer.Option(help="Whose patient; the default is the only one.")] = "",
) -> None:
    """Empty all that is kept of a patient; the history still verifies (docs/erasure.md)."""
    settings = Settings()
    url = settings.database_url
    _require_database(url)
    prepare(url)
    plain = patient.removeprefix("Patient/")
    erased = erase(url, tenant or settings.tenant, plain, now)
    sys.stdout.write(f"{erased.entries} rows emptied, erasure {erased.id}.\n")


@app.command("retain")
def retain_command(
    months: Annotated[int, typer.Option(help="What is older is emptied.", min=1, max=1200)],
) -> None:
    """Empty facts of hooks and searches in the audit that are older (docs/erasure.md)."""
    url = Settings().database_url
    _require_database(url)
    prepare(url)
    sys.stdout.write(f"{retain(url, months, now)} rows emptied.\n")


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
    kept = read_anchors(_read(anchors)) if anchors is not None else []
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
    _require_database(url)
    asyncio.run(_export(url, tenant or settings.tenant, after, settings.public_url))


@audit.command("anchor")
def audit_anchor() -> None:
    """Print the newest block and the tree head over all of them, to be kept elsewhere."""
    settings = Settings()
    anchor = anchor_history(settings.database_url, settings.anchor_key_file)
    sys.stdout.buffer.write(told(anchor) + b"\n")


def main() -> None:
    """The console script: whatever is refused is told in words, never as a stack trace."""
    try:
        app()
    except Refusal as refusal:
        _refuse(refusal)
    except ContentError as error:
        _stop(str(error))
    except ValidationError as error:
        faults = "; ".join(
            f"PAINPLAN_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()
        )
        _stop(f"The settings are not valid. {faults}")


def _require_database(url: str) -> None:
    if not is_postgresql(url) and not path_of(url).is_file():
        _stop("There is no database (PAINPLAN_DATABASE_URL).")


async def _alerts(url: str, tenant: str) -> AlertReport:
    history = History(url)
    try:
        return await ReportAlerts(history)(tenant)
    finally:
        await history.close()


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


def _as_told(record: Record, _: Content) -> Record:
    """A made-up patient is the same for every content."""
    return record


def _examples(folder: Path) -> list[Patient]:
    """Patients as FHIR, each read with the content that decides about it."""
    validator = Validator.load()
    reader = RecordReader(questionnaires(published()))
    return [
        (
            file.stem,
            partial(_read_with, read_bare(_read(file), patient=None, validator=validator), reader),
        )
        for file in sorted(folder.glob("*.json"))
    ]


def _read_with(submission: Submission, reader: RecordReader, content: Content) -> Record:
    resources, complete = submission.resources, submission.complete
    return reader.record(resources, content, as_of=POPULATION_AS_OF, complete=complete)


def _versions(done: int) -> None:
    sys.stderr.write(f"{done} versions\n")


def _progress(entries: int) -> None:
    sys.stderr.write(f"{entries} entries\n")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _stop(f"{path}: {error.strerror}")


def _as_of(text: str) -> datetime:
    moment = instant(text)
    if moment is None:
        raise Refused(Problem(f"--as-of {text!r} is no date or dateTime.", code="value"))
    return moment


def _refuse(refusal: Refusal) -> NoReturn:
    for problem in refusal.problems:
        place = f"{problem.where}: " if problem.where else ""
        sys.stderr.write(f"{place}{problem.what} {problem.mend}".rstrip() + "\n")
    sys.exit(1)


def _stop(why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
