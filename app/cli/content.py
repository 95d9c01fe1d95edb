"""The clinical content: checked, published, written as a book, compared with another version."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console

from app.book import drift as book_drift
from app.book import pages
from app.book import write as write_book
from app.cli.arguments import read_file
from app.domain.content import Content
from app.domain.facts import Record
from app.domain.submission import Submission
from app.examples import example_files
from app.fhir.publishing import EXAMPLES as EXAMPLES_OF_OURS
from app.fhir.publishing import drift, drift_of_files, pack, write, write_files
from app.fhir.reading.record import RecordReader
from app.fhir.reading.submission import read_bare
from app.fhir.validation import Validator
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
from app.knowledge.files import read_folder
from app.main import ROOT, published, questionnaires

CASES = ROOT / "tests" / "knowledge" / "cases"
EXAMPLES, VIGNETTES = ROOT / "examples", ROOT / "tests" / "vignettes"
commands = typer.Typer()


@commands.command("check-content")
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


@commands.command()
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


@commands.command()
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


@commands.command()
def impact(
    old: Annotated[str, typer.Argument(help="A content folder, or a revision as rev:HEAD~1.")],
    new: Annotated[str, typer.Argument(help="A content folder, or a revision as rev:HEAD~1.")],
    patients: Annotated[int, typer.Option(help="How many made-up patients.", min=0)] = 500,
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


def _as_told(record: Record, _: Content) -> Record:
    """A made-up patient is the same for every content."""
    return record


def _examples(folder: Path) -> list[Patient]:
    """Patients as FHIR, each read with the content that decides about it."""
    validator = Validator.load()
    reader = RecordReader(questionnaires(published()))
    told = {
        file.stem: read_bare(read_file(file), patient=None, validator=validator)
        for file in sorted(folder.glob("*.json"))
    }
    return [(name, partial(_read_with, submission, reader)) for name, submission in told.items()]


def _read_with(submission: Submission, reader: RecordReader, content: Content) -> Record:
    resources, complete = submission.resources, submission.complete
    return reader.record(resources, content, as_of=POPULATION_AS_OF, complete=complete)
