"""``painplan population``: the run for a person at a terminal, with its summary."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.population.chart import chart
from app.population.deciding import How
from app.population.files import Files, must_differ
from app.population.joining import Joined, joined
from app.population.keeping import stopped_at
from app.population.printing import print_tally
from app.population.running import Job, run
from app.population.tally import Tally


def population(  # noqa: PLR0913  (the options of a command)
    source: Path,
    target: Path,
    *,
    workers: int,
    resume: bool,
    as_of: datetime | None,
    profile: str,
    with_resources: bool,
    console: Console,
) -> Tally:
    """Decide about every line, print the tables, write ``.summary.json`` and ``.svg`` beside."""
    files = Files(target)
    at = stopped_at(files) if resume else datetime.now(UTC)
    found = _lines(source, files, again=not resume)
    with _bar(console) as bar:
        task = bar.add_task("deciding", total=found.lines.stat().st_size, rate="")

        def told(done: int, patients: int) -> None:
            spent = bar.tasks[task].elapsed
            rate = f"{patients / spent:.0f} patients/s" if spent else ""
            bar.update(task, completed=done, rate=rate)

        tally = run(
            Job(
                found.lines,
                target,
                How((as_of or at).astimezone(UTC), profile, with_resources),
                workers,
                resume=resume,
                rejected=found.rejects,
                told=told,
                finish=partial(_summed_up, files),
            )
        )
    files.bundles.unlink(missing_ok=True)
    print_tally(tally, console)
    return tally


def _lines(source: Path, files: Files, *, again: bool) -> Joined:
    if source.is_dir():
        return joined(source, files, again=again)
    must_differ([source], files.all())
    return Joined(source)


def _summed_up(files: Files, tally: Tally) -> None:
    """The numbers and the drawing beside the decisions."""
    files.summary.write_bytes(orjson.dumps(tally.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    files.drawing.write_text(chart(tally), encoding="utf-8")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
