"""What we publish as a FHIR package: manifest, index, and the archive that HL7's tools load."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from app.domain.content import Content
from app.fhir.canon import CANON
from app.fhir.publishing.resource import FHIR_VERSION, PUBLISHER, Json

NAME = "health.painplan"
MANIFEST, INDEX, EXAMPLES = "package.json", ".index.json", "example"
US_CORE = ("hl7.fhir.us.core", "7.0.0")
INDEXED = ("url", "version", "kind", "type")
Files = Iterator[tuple[str, bytes]]


def manifest(content: Content) -> Json:
    """``package.json``: the version is that of the content, the date that of its release."""
    return {
        "name": NAME,
        "version": content.version,
        "title": PUBLISHER,
        "description": "Profiles, vocabulary, forms and the protocol of Painplan.",
        "type": "IG",
        "license": "Apache-2.0",
        "author": PUBLISHER,
        "canonical": CANON,
        "url": CANON,
        "date": content.released_on.replace("-", ""),
        "fhirVersions": [FHIR_VERSION],
        "dependencies": {"hl7.fhir.r4.core": FHIR_VERSION, US_CORE[0]: US_CORE[1]},
        "directories": {"lib": "package", "example": EXAMPLES},
    }


def pack(content: Content, published: Path, archive: Path) -> None:
    """The archive (.tgz) as the FHIR registry takes it; the same bytes for the same files."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, body in _files(content, published):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    archive.write_bytes(gzip.compress(plain.getvalue(), mtime=0))


def unpack(content: Content, published: Path, folder: Path) -> None:
    """The same files in a folder, as the cache of HL7's tools holds a package."""
    for name, body in _files(content, published):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)


def _files(content: Content, published: Path) -> Files:
    yield MANIFEST, _rendered(manifest(content))
    for folder, below in ((published, ""), (published / EXAMPLES, f"{EXAMPLES}/")):
        files = [f for f in sorted(folder.glob("*.json")) if f.name != MANIFEST]
        yield f"{below}{INDEX}", _rendered(_index(files))
        for file in files:
            yield f"{below}{file.name}", file.read_bytes()


def _index(files: list[Path]) -> Json:
    return {"index-version": 1, "files": [_entry(file) for file in files]}


def _entry(file: Path) -> Json:
    resource = json.loads(file.read_bytes())
    entry = {"filename": file.name, "resourceType": resource["resourceType"]}
    entry |= {"id": resource["id"]} if "id" in resource else {}
    said = {name: resource[name] for name in INDEXED if isinstance(resource.get(name), str)}
    return entry | said


def _rendered(value: Json) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
