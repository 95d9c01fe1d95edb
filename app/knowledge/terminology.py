"""The deployer's own terminology (PAINPLAN_TERMINOLOGY): what real orders carry and we do not ship.

A ConceptMap from clinical drugs (RxNorm SCD and SBD) to ingredients, and ValueSets of codes that
name a kind of order (CPT numbers of lumbar imaging), each known by its canonical URL.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from app.domain.content import Content
from app.knowledge.errors import ContentError, Fault

CLINICAL_DRUGS = "https://painplan.health/fhir/ConceptMap/clinical-drug-to-ingredient"
VALUE_SETS = "https://painplan.health/fhir/ValueSet/"
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


class _Code(msgspec.Struct):
    """A code with its system where it stands in an expansion; a display is never read."""

    code: str = ""
    system: str = ""
    contains: list["_Code"] = []


class _Include(msgspec.Struct):
    system: str = ""
    concept: list[_Code] = []


class _Compose(msgspec.Struct):
    include: list[_Include] = []


class _Expansion(msgspec.Struct):
    contains: list[_Code] = []


class _Resource(msgspec.Struct):
    """A ConceptMap or a ValueSet: of either what we read."""

    resource_type: str = msgspec.field(name="resourceType")
    url: str = ""
    group: list[_Group] = []
    compose: _Compose = msgspec.field(default_factory=_Compose)
    expansion: _Expansion = msgspec.field(default_factory=_Expansion)


_READ = msgspec.json.Decoder(_Resource)


def read_terminology(folder: Path | None) -> dict[str, str]:
    """The files of the folder by name; none where no folder is named. ContentError: no folder."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ContentError([Fault(str(folder), "PAINPLAN_TERMINOLOGY", "is no folder")])
    return {file.name: file.read_text("utf-8") for file in sorted(folder.glob("*.json"))}


def with_terminology(content: Content, files: Mapping[str, str]) -> Content:
    """The content with what the files add to it.

    Raises ContentError with every file that cannot be read, is none that we know by its URL, maps
    a code to nothing or lists none.
    """
    drugs: dict[Pair, tuple[Pair, ...]] = {}
    codes: dict[Pair, tuple[str, ...]] = dict(content.orders.codes)
    kinds = {f"{VALUE_SETS}{name}": kind for kind, name in content.orders.value_sets.items()}
    faults: list[Fault] = []
    for name, text in files.items():
        try:
            one = _READ.decode(text)
        except msgspec.MsgspecError as error:
            faults.append(Fault(name, "file", f"is no FHIR resource that we read: {error}"))
            continue
        url = one.url.partition("|")[0]
        match one.resource_type:
            case "ConceptMap" if url == CLINICAL_DRUGS:
                faults.extend(_add_drugs(name, one, drugs))
            case "ValueSet" if url in kinds:
                faults.extend(_add_codes(name, one, kinds[url], content, codes))
            case _:
                known = ", ".join(sorted(kinds))
                fault = f"is neither the map {CLINICAL_DRUGS} nor one of the value sets {known}"
                faults.append(Fault(name, one.url or "file", fault))
    if faults:
        raise ContentError(faults)
    return replace(content, clinical_drugs=drugs, orders=replace(content.orders, codes=codes))


def _add_drugs(name: str, one: _Resource, drugs: dict[Pair, tuple[Pair, ...]]) -> Iterator[Fault]:
    for group in one.group:
        yield from _faults(name, group)
        for element in group.element:
            targets = tuple(_targets(group, element))
            key = (group.source, element.code)
            drugs[key] = tuple(dict.fromkeys((*drugs.get(key, ()), *targets)))


def _add_codes(
    name: str, one: _Resource, kind: str, content: Content, codes: dict[Pair, tuple[str, ...]]
) -> Iterator[Fault]:
    """A code of a part (lumbar MR) names the whole (lumbar imaging), too."""
    whole = content.orders.parts.get(kind)
    found = list(_listed(one))
    if not found:
        yield Fault(name, one.url, "lists no code: a filter or another value set is not followed")
    for pair in found:
        if not all(pair):
            yield Fault(name, pair[1] or "code", "has no code or no system")
        kinds = (kind,) if whole is None else (whole, kind)
        codes[pair] = tuple(dict.fromkeys((*codes.get(pair, ()), *kinds)))


def _listed(one: _Resource) -> Iterator[Pair]:
    for include in one.compose.include:
        yield from ((include.system, concept.code) for concept in include.concept)
    pending = list(one.expansion.contains)
    while pending:
        code = pending.pop(0)
        pending.extend(code.contains)
        if code.code:
            yield code.system, code.code


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
