"""HL7's element definitions beside the elements of a resource, for making faults in it."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.acceptance.wire import Json

CORE = "data/fhir/hl7.fhir.r4.core-4.0.1.tar.xz"
ABSTRACT = ("BackboneElement", "Element", "Resource")


@dataclass(frozen=True, slots=True)
class Place:
    """An element of a resource: where it stands, what it holds, what R4 says of it."""

    holder: Json
    name: str
    path: tuple[str | int, ...]
    type: str
    definition: Json

    @property
    def value(self) -> Any:
        return self.holder[self.name]

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)


@cache
def definitions(shared: Path) -> dict[str, list[Json]]:
    """The snapshot of every type of R4, by name."""
    found: dict[str, list[Json]] = {}
    with tarfile.open(shared / CORE) as archive:
        for member in archive:
            if not member.name.rpartition("/")[2].startswith("StructureDefinition-"):
                continue
            file = archive.extractfile(member)
            assert file is not None
            one = json.load(file)
            if one.get("derivation") != "constraint":
                found[one["type"]] = one["snapshot"]["element"]
    return found


def places(resource: Json, shared: Path) -> list[Place]:
    """Every element, outermost first; contained resources and narrative aside."""
    return list(_places(resource, resource["resourceType"], (), definitions(shared)))


def _places(
    node: Json, path: str, at: tuple[str | int, ...], known: dict[str, list[Json]]
) -> Iterator[Place]:
    root = path.partition(".")[0]
    for name in node:
        if name in ("resourceType", "contained", "text", "id") or name.startswith("_"):
            continue
        definition, type_ = _defined(name, path, known[root])
        if definition is None:
            continue
        yield Place(node, name, (*at, name), type_, definition)
        inner = definition["path"] if type_ in ABSTRACT else type_
        values = node[name] if isinstance(node[name], list) else [node[name]]
        for number, value in enumerate(values):
            if isinstance(value, dict) and inner.partition(".")[0] in known:
                where = (*at, name, number) if isinstance(node[name], list) else (*at, name)
                yield from _places(value, inner, where, known)


def _defined(name: str, path: str, elements: list[Json]) -> tuple[Json | None, str]:
    for element in elements:
        if element["path"] == f"{path}.{name}":
            codes = [t["code"] for t in element.get("type", ())]
            return element, codes[0] if codes else ""
        stem = element["path"].removesuffix("[x]")
        last = stem.rpartition(".")[2]
        if stem != element["path"] and stem.rpartition(".")[0] == path and name.startswith(last):
            for type_ in element["type"]:
                if name == last + type_["code"][0].upper() + type_["code"][1:]:
                    return element, type_["code"]
    return None, ""
