"""HL7's own examples of the types that clients write: taken, and given back byte for byte."""

import json
import tarfile
from pathlib import Path

import httpx
import msgspec
import pytest

from app.api.types import WRITABLE

EXAMPLES = "data/fhir/hl7.fhir.r4.examples-4.0.1-subset.tar.xz"
# A body of 25 cm is valid R4 and no adult: outside the range that our content knows (422).
NEWBORN = "Observation/body-length"
TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, bytes]:
    """By reference, as they are published."""
    found: dict[str, bytes] = {}
    with tarfile.open(shared / EXAMPLES) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None:
                continue
            body = file.read()
            resource = json.loads(body)
            if resource["resourceType"] in WRITABLE and "id" in resource:
                found[f"{resource['resourceType']}/{resource['id']}"] = body
    return found


def elements(body: bytes) -> dict[str, bytes]:
    """Each element of the resource in its own bytes, our meta aside."""
    return {name: bytes(raw) for name, raw in TOP.decode(body).items() if name != "meta"}


def test_they_come_back_as_they_were(service: httpx.Client, examples: dict[str, bytes]) -> None:
    refused: dict[str, str] = {}
    met: set[str] = set()
    for reference, body in examples.items():
        put = service.put(f"/fhir/{reference}", content=body)
        if put.status_code == 422:
            refused[reference] = put.text  # valid R4, and outside a range that our content knows
            continue
        assert put.status_code == 201, (reference, put.text)
        met.add(reference.partition("/")[0])
        kept = service.get(f"/fhir/{reference}").content
        assert elements(kept) == elements(body), reference
        found = service.get(
            f"/fhir/{reference.partition('/')[0]}", params={"_id": put.json()["id"]}
        )
        assert elements(msgspec.json.decode(found.content, type=Searched).entry[0].resource) == (
            elements(body)
        )

    print(f"{len(examples) - len(refused)} of {len(examples)} examples of {len(met)} types")
    assert met == {reference.partition("/")[0] for reference in examples}
    assert refused.keys() == {NEWBORN}


class Entry(msgspec.Struct):
    resource: msgspec.Raw


class Searched(msgspec.Struct):
    entry: list[Entry]
