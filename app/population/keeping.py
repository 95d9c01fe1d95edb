"""How far a run has come, kept beside its output, so that a killed run can go on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

import orjson

from app.domain.problem import Problem, Refused
from app.population.files import Files, new
from app.population.tally import Tally


@dataclass(frozen=True, slots=True)
class Told:
    """What a run depends on; it goes on only where all of it is the same."""

    input: str
    as_of: str
    guideline_profile: str
    knowledge: str
    with_resources: bool


@dataclass(slots=True)
class Progress:
    """Bytes of the input that are done, lines so far, and how long output and rejects were then."""

    told: Told
    read: int = 0
    lines: int = 0
    written: int = 0
    rejects: int = 0
    tally: Tally = field(default_factory=Tally)


def fingerprint(path: Path) -> str:
    """Of every byte: two lines that changed places between two runs are noticed.

    It costs two seconds for 100,000 patients, whose decisions take minutes.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def keep(progress: Progress, path: Path) -> None:
    """Write it in one step: there is the old state or the new one, never half of one."""
    told = progress.told
    kept = {
        "input": told.input,
        "asOf": told.as_of,
        "guidelineProfile": told.guideline_profile,
        "knowledge": told.knowledge,
        "withResources": told.with_resources,
        "read": progress.read,
        "lines": progress.lines,
        "written": progress.written,
        "rejects": progress.rejects,
        "tally": progress.tally.as_json(),
    }
    beside = new(path)
    with beside.open("wb") as file:
        file.write(orjson.dumps(kept))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def kept(path: Path) -> Progress:
    """Where the run before stopped; Refused when there is nothing to go on from."""
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise Refused(
            Problem(
                f"There is no {path.name} to go on from.",
                mend="Start without --resume.",
                code="not-found",
            )
        ) from None
    told = Told(
        input=found["input"],
        as_of=found["asOf"],
        guideline_profile=found["guidelineProfile"],
        knowledge=found["knowledge"],
        with_resources=found["withResources"],
    )
    return Progress(
        told=told,
        read=found["read"],
        lines=found["lines"],
        written=found["written"],
        rejects=found["rejects"],
        tally=Tally.of_json(found["tally"]),
    )


def stopped_at(files: Files) -> datetime:
    """The instant of evaluation of a run that was stopped."""
    return datetime.fromisoformat(kept(files.state).told.as_of)


def must_agree(kept: Told, wanted: Mapping[str, object]) -> None:
    """Refused names what is not as it was: half a file by other rules would be no result."""
    other = [name for name, value in wanted.items() if getattr(kept, name) != value]
    if other:
        raise Refused(
            Problem(
                f"This run cannot go on: {', '.join(other)} differs from the one that was stopped.",
                mend="Give what it was given, or start without --resume.",
                code="conflict",
            )
        )


def must_reach(path: Path, length: int) -> None:
    """Refused where less is there than was written: what is missing would be filled with zeros."""
    there = path.stat().st_size if path.exists() else 0
    if there < length:
        raise Refused(
            Problem(
                f"This run cannot go on: {path.name} holds {there} bytes of the {length} that were"
                " written.",
                mend="Put back what was written, or start without --resume.",
                code="conflict",
            )
        )
