"""A folder of Bulk Data files, one a type, joined by patient into one Bundle a line."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from app.domain.problem import Problem, Refused
from app.fhir.reading.received import SUBJECT
from app.population.deciding import Rejected
from app.population.files import Files, must_differ, must_lie_elsewhere, new

FIRST = "Patient"
FETCHED = 10_000
# The logical id of the patient that a resource is about, whatever form the reference has.
ABOUT = r"""
    coalesce(
        json_extract_string(json, '$.subject.reference'),
        json_extract_string(json, '$.patient.reference')
    )
"""
ID = r"(?:^|/)Patient/([A-Za-z0-9.-]{1,64})(?:/_history/[0-9]+)?$"
# By file and number of the object there.
_Left = defaultdict[int, dict[int, Rejected]]


@dataclass(frozen=True, slots=True)
class Joined:
    """The Bundles as a file, and lines of rejects for what belongs to none of them."""

    lines: Path
    rejects: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    type: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Row:
    """An object of a file by its number; no patient or no text: it is part of no Bundle."""

    patient: str
    file: int
    number: int
    text: str


def joined(folder: Path, files: Files, *, again: bool) -> Joined:
    """The Bundles beside the decisions; those of an earlier run are used again when going on.

    Refused where DuckDB is not installed, or no file ``Patient.ndjson`` or ``*.Patient.ndjson``
    is there. The order is that of the patients' ids, so the same files give the same lines. What
    is no JSON, or should name a patient and does not, is rejected; what is about nobody (a
    Practitioner, a Location) is left out.
    """
    sources = _files(folder)
    must_lie_elsewhere(folder, files)
    must_differ((source.path for source in sources), files.all())
    if files.bundles.exists() and not again:
        return Joined(files.bundles)
    beside = new(files.bundles)
    left: _Left = defaultdict(dict)
    try:
        with beside.open("wb") as out:
            for patient, rows in groupby(_rows(sources, beside), key=lambda row: row.patient):
                if patient:
                    out.write(_bundle(rows) + b"\n")
                else:
                    _leave(rows, sources, left)
        beside.replace(files.bundles)
    finally:
        beside.unlink(missing_ok=True)
    return Joined(files.bundles, tuple(_rejects(sources, left)))


def _files(folder: Path) -> list[_File]:
    """Patients first; a type may be in several files (``1.Patient.ndjson``)."""
    found = [_File(_type_of(path), path) for path in sorted(folder.glob("*.ndjson"))]
    found.sort(key=lambda file: (file.type != FIRST, file.type, file.path.name))
    if not found or found[0].type != FIRST:
        raise Refused(
            Problem(
                f"{folder} holds no Patient.ndjson.",
                mend="Give the folder of a Bulk Data export, one NDJSON file a type.",
                code="not-found",
            )
        )
    return found


def _type_of(path: Path) -> str:
    """``Observation`` of ``Observation.ndjson``, ``1.Observation.ndjson``, ``Observation.1...``."""
    return next((part for part in path.stem.split(".") if part[:1].isupper()), path.stem)


def _bundle(rows: Iterator[_Row]) -> bytes:
    entries = b",".join(b'{"resource":' + row.text.encode() + b"}" for row in rows)
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}"


def _rows(files: Sequence[_File], beside: Path) -> Iterator[_Row]:
    """The text of each resource as it stands in its file, patient by patient."""
    if find_spec("duckdb") is None:
        raise Refused(
            Problem(
                "A folder of files is joined by DuckDB, which is not installed.",
                mend="Install it with: pip install 'painplan[population]'.",
                code="not-supported",
            )
        )
    import duckdb  # noqa: PLC0415  (an extra: the service runs without it)

    parts: list[str] = []
    for place, file in enumerate(files):
        whose = "json_extract_string(json, '$.id')" if file.type == FIRST else _ABOUT_ID
        parts.append(
            f"SELECT coalesce({whose}, '') AS patient, {place} AS file, "  # noqa: S608
            "row_number() OVER () AS number, coalesce(json::VARCHAR, '') AS text "
            f"FROM read_ndjson_objects(${place + 1}, ignore_errors = true)"
        )
    query = f"{' UNION ALL '.join(parts)} ORDER BY patient, file, number"
    try:
        with duckdb.connect(config={"temp_directory": f"{beside}.tmp"}) as connection:
            found = connection.execute(query, [str(file.path) for file in files])
            while rows := found.fetchmany(FETCHED):
                yield from (_Row(*row) for row in rows)
    except duckdb.Error as error:  # a file that cannot be read, a disk that is full
        raise Refused(Problem(f"The files could not be joined: {error}")) from None


def _leave(rows: Iterable[_Row], files: Sequence[_File], left: _Left) -> None:
    """Why each of them is in no Bundle; its text is not held."""
    for row in rows:
        why = _why(row, files[row.file].type)
        if why is not None:
            left[row.file][row.number] = Rejected("", (why,))


def _why(row: _Row, type_: str) -> Problem | None:
    if not row.text:
        return Problem("The line is not JSON.")
    if type_ == FIRST:
        return Problem("It has no id.", where=f"{FIRST}.id")
    if type_ in SUBJECT:
        return Problem("It names no patient.", where=f"{type_}.{SUBJECT[type_]}")
    return None


def _rejects(files: Sequence[_File], left: _Left) -> Iterator[bytes]:
    """Told by file and line, for these lines are in no Bundle that could be named."""
    for place, by_number in sorted(left.items()):
        path = files[place].path
        for line, rejected in _by_line(path, by_number):
            yield rejected.told(file=path.name, line=line)


def _by_line(path: Path, by_number: Mapping[int, Rejected]) -> Iterator[tuple[int, Rejected]]:
    """An object's number counts no blank lines, the line of an editor does."""
    number = 0
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            number += bool(text.strip())
            if text.strip() and number in by_number:
                yield line, by_number[number]


_ABOUT_ID = f"regexp_extract({ABOUT.strip()}, '{ID}', 1)"
