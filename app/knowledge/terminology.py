"""The deployer's own terminology: a map from clinical drugs to ingredients (PAINPLAN_TERMINOLOGY).

Real orders carry codes of clinical drugs (RxNorm SCD and SBD), which we may not ship; a deployer
builds the map once and puts it into a folder as a FHIR ConceptMap.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from app.knowledge.errors import ContentError, Fault

CLINICAL_DRUGS = "https://painplan.health/fhir/ConceptMap/clinical-drug-to-ingredient"
EQUAL = frozenset({"equal", "equivalent", "wider", "subsumes", "relatedto"})
Pair = tuple[str, str]


class _Target(msgspec.Struct):
    code: str = ""
    equivalence: str = "equivalent"


class _Element(msgspec.Struct):
    code: str = ""
    target: list[_Target] = []


class _Group(msgspec.Struct):
    source: str = ""
    target: str = ""
    element: list[_Element] = []


class _ConceptMap(msgspec.Struct):
    resource_type: str = msgspec.field(name="resourceType")
    url: str = ""
    group: list[_Group] = []


_READ = msgspec.json.Decoder(_ConceptMap)


def read_terminology(folder: Path | None) -> dict[str, str]:
    """The files of the folder by name; none where no folder is named. ContentError: no folder."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ContentError([Fault(str(folder), "PAINPLAN_TERMINOLOGY", "is no folder")])
    return {file.name: file.read_text("utf-8") for file in sorted(folder.glob("*.json"))}


def clinical_drugs(files: Mapping[str, str]) -> dict[Pair, tuple[Pair, ...]]:
    """(system, code) of a clinical drug to those of its ingredients.

    Raises ContentError when a file cannot be read, or maps a code to nothing.
    """
    found: dict[Pair, tuple[Pair, ...]] = {}
    faults: list[Fault] = []
    for name, text in files.items():
        try:
            one = _READ.decode(text)
        except msgspec.MsgspecError as error:
            faults.append(Fault(name, "file", f"is no FHIR resource that we read: {error}"))
            continue
        if one.resource_type != "ConceptMap" or one.url.partition("|")[0] != CLINICAL_DRUGS:
            faults.append(Fault(name, one.url or "file", f"is not {CLINICAL_DRUGS}"))
            continue
        for group in one.group:
            faults.extend(_faults(name, group))
            for element in group.element:
                targets = tuple(_targets(group, element))
                key = (group.source, element.code)
                found[key] = tuple(dict.fromkeys((*found.get(key, ()), *targets)))
    if faults:
        raise ContentError(faults)
    return found


def _faults(name: str, group: _Group) -> Iterator[Fault]:
    if not group.source or not group.target:
        yield Fault(name, "group", "names no source or no target system")
    for element in group.element:
        if not element.code or not list(_targets(group, element)):
            yield Fault(name, element.code or "element", "maps to no ingredient")


def _targets(group: _Group, element: _Element) -> Iterator[Pair]:
    for target in element.target:
        if target.code and target.equivalence in EQUAL:
            yield group.target, target.code
