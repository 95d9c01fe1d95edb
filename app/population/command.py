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
from app.population.joining import joined
from app.population.printing import print_tally
from app.population.running import Job, run, stopped_at
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
    lines = joined(source, target, again=not resume) if source.is_dir() else source
    job = Job(lines, target, How(datetime.now(UTC), profile), workers, resume=resume)
    at = as_of or (stopped_at(job) if resume else datetime.now(UTC))
    how = How(at.astimezone(UTC), profile, with_resources)
    with _bar(console) as bar:
        task = bar.add_task("deciding", total=lines.stat().st_size, rate="")

        def told(done: int, patients: int) -> None:
            spent = bar.tasks[task].elapsed
            rate = f"{patients / spent:.0f} patients/s" if spent else ""
            bar.update(task, completed=done, rate=rate)

        tally = run(
            Job(
                lines,
                target,
                how,
                workers,
                resume=resume,
                told=told,
                finish=partial(_summed_up, target),
            )
        )
    if lines is not source:
        lines.unlink()
    print_tally(tally, console)
    return tally


def _summed_up(target: Path, tally: Tally) -> None:
    """The numbers and the drawing beside the decisions."""
    _beside(target, ".summary.json").write_bytes(
        orjson.dumps(tally.as_json(), option=orjson.OPT_INDENT_2) + b"\n"
    )
    _beside(target, ".svg").write_text(chart(tally), encoding="utf-8")


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


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(target.name + ending)
