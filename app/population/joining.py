"""A folder of Bulk Data files, one a type, joined by patient into one Bundle a line."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from app.domain.problem import Problem, Refused

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


def joined(folder: Path, target: Path, *, again: bool) -> Path:
    """The Bundles as a file beside ``target``; an earlier one is used again when going on.

    Refused where DuckDB is not installed, or no file ``Patient.ndjson`` or ``*.Patient.ndjson``
    is there. The order is that of the patients' ids, so the same files give the same lines.
    """
    path = target.with_name(target.name + ".bundles")
    if path.exists() and not again:
        return path
    files = _files(folder)
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as out:
        for bundle in _bundles(files, beside):
            out.write(bundle + b"\n")
    beside.replace(path)
    return path


def _files(folder: Path) -> list[tuple[str, Path]]:
    """(type, file), patients first; a type may be in several files (``1.Patient.ndjson``)."""
    found = [(_type_of(path), path) for path in sorted(folder.glob("*.ndjson"))]
    found.sort(key=lambda pair: (pair[0] != FIRST, pair[0], pair[1].name))
    if not found or found[0][0] != FIRST:
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


def _bundles(files: Iterable[tuple[str, Path]], beside: Path) -> Iterator[bytes]:
    for _, rows in groupby(_rows(files, beside), key=lambda row: row[0]):
        entries = b",".join(b'{"resource":' + text.encode() + b"}" for _, text in rows)
        yield b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}"


def _rows(files: Iterable[tuple[str, Path]], beside: Path) -> Iterator[tuple[str, str]]:
    """(patient, text of a resource as it stands in its file), patient by patient."""
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
    for place, (type_, _) in enumerate(files):
        whose = "json_extract_string(json, '$.id')" if type_ == FIRST else _ABOUT_ID
        parts.append(
            f"SELECT {whose} AS patient, {place} AS place, row_number() OVER () AS number, "  # noqa: S608
            f"json::VARCHAR AS text FROM read_ndjson_objects(${place + 1})"
        )
    query = f"{' UNION ALL '.join(parts)} ORDER BY patient, place, number"
    with duckdb.connect(config={"temp_directory": f"{beside}.tmp"}) as connection:
        found = connection.execute(query, [str(path) for _, path in files])
        while rows := found.fetchmany(FETCHED):
            for patient, _, _, text in rows:
                yield patient or "", text


_ABOUT_ID = f"regexp_extract({ABOUT.strip()}, '{ID}', 1)"
