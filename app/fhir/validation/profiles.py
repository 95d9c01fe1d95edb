"""Our own profiles as JSON Schemas: what a differential asks beyond R4, made when first asked for.

A profile is read where it is published, so that what is checked cannot differ from what is said.
Each part of a schema has the element's id and bounds as its title, to tell which one was not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from app.domain.problem import Problem
from app.fhir.validation.constraints import SCHEMAS
from app.fhir.validation.faults import FOUND_AT_MOST, faults
from app.fhir.validation.wording import fhirpath

Node = dict[str, Any]
ERROR = "error"
RELATIVE_OR_OTHER = r"^(?:#|[A-Za-z][A-Za-z0-9+.\-]*:|(?:{types})/)"


@dataclass(slots=True)
class Profiles:
    """The profiles that are published, by canonical; ``codes`` are the value sets' by system."""

    definitions: Mapping[str, Node]
    codes: Mapping[str, Mapping[str, frozenset[str]]]
    compiled: dict[str, Draft202012Validator] = field(default_factory=dict)

    def type_of(self, canonical: str) -> str | None:
        """The type that a profile of ours constrains; None for what is none of ours."""
        definition = self._definition(canonical)
        return None if definition is None else str(definition["type"])

    def by_type(self) -> dict[str, list[str]]:
        """The canonicals of those that constrain each type."""
        found: dict[str, list[str]] = {}
        for url, definition in sorted(self.definitions.items()):
            found.setdefault(definition["type"], []).append(url)
        return found

    def problems(self, resource: Node, canonical: str, at: str) -> tuple[Problem, ...]:
        """What the profile asks and the resource, valid R4, does not keep."""
        url = canonical.partition("|")[0]
        schema = self.schema(url)
        if url not in self.compiled:
            self.compiled[url] = Draft202012Validator(schema)
        found = islice(faults(self.compiled[url], resource), FOUND_AT_MOST)
        return tuple(dict.fromkeys(_problem(error, schema, at) for error in found))

    def schema(self, canonical: str) -> Node:
        """The schema of one profile; KeyError for what is none of ours."""
        definition = self.definitions[canonical]
        elements = definition["differential"]["element"]
        return _Differential(self, {e["id"]: e for e in elements}).object(definition["type"])

    def _definition(self, canonical: str) -> Node | None:
        url, _, version = canonical.partition("|")
        found = self.definitions.get(url)
        return None if found is None or version not in ("", found["version"]) else found


@dataclass(frozen=True, slots=True)
class _Differential:
    """The elements of one profile by id."""

    profiles: Profiles
    elements: Mapping[str, Node]

    def object(self, id_: str) -> Node:
        """What is asked of the object that an id stands for."""
        parts = [SCHEMAS[key] for key in self._constraints(id_)]
        names: dict[str, None] = {}
        for other in self.elements:
            if other.startswith(f"{id_}."):
                names[other[len(id_) + 1 :].partition(".")[0].partition(":")[0]] = None
        for name in names:
            parts.extend(self._member(f"{id_}.{name}", name))
        return {"allOf": parts} if parts else {}

    def _constraints(self, id_: str) -> list[str]:
        constraints = self.elements.get(id_, {}).get("constraint", ())
        return [c["key"] for c in constraints if c["severity"] == ERROR]

    def _member(self, id_: str, name: str) -> list[Node]:
        element = self.elements.get(id_, {})
        if name.endswith("[x]"):
            return self._choice(element, id_, name.removesuffix("[x]"))
        title = f"{id_}{_bounds(element)}"
        parts: list[Node] = []
        if element.get("max") == "0":
            return [{"title": title, "properties": {name: False, f"_{name}": False}}]
        least = element.get("min", 0)
        if least:
            parts.append({"title": title, "required": [name]})
            counted = {"title": title, "minItems": least}  # says nothing of what is no list
            parts.append({"properties": {name: counted}})
        value = self._value(element, id_)
        if value:
            parts.append({"properties": {name: _each(value)}})
        slices = [i for i in self.elements if i.startswith(f"{id_}:") and "." not in i[len(id_) :]]
        parts.extend({"properties": {name: s}} for i in slices for s in self._slice(i))
        return parts

    def _choice(self, element: Node, id_: str, stem: str) -> list[Node]:
        title = f"{id_}{_bounds(element)}"
        if element.get("max") == "0":
            return [{"title": title, "patternProperties": {f"^_?{stem}[A-Z]": False}}]
        parts: list[Node] = []
        if element.get("min", 0):
            none = {"propertyNames": {"not": {"pattern": f"^_?{stem}[A-Z]"}}}
            parts.append({"title": title, "not": none})
        if "type" in element:
            spelled = [t["code"][0].upper() + t["code"][1:] for t in element["type"]]
            allowed = "|".join(spelled)
            other = f"^_?{stem}(?!(?:{allowed})$)[A-Z]"
            told = f"{id_} is {' or '.join(spelled)}"
            parts.append({"title": told, "patternProperties": {other: False}})
        value = self._value(element, id_)
        if value:
            parts.append({"patternProperties": {f"^{stem}[A-Z]": value}})
        return parts

    def _value(self, element: Node, id_: str) -> Node:
        """What is asked of one value: fixed, pattern, binding, targets, and what is below it."""
        parts = [self.object(id_)]
        wanted = _wanted(element)
        if wanted is not None and "sliceName" not in element:
            parts.append({"title": f"{id_} is {_shown(wanted)}", **_holding(wanted)})
        codes = self.profiles.codes.get(element.get("binding", {}).get("valueSet", ""))
        if codes:
            told = f"{id_} is from {element['binding']['valueSet']}"
            parts.append({"title": told, **_coded(codes)})
        parts.append(self._of_type(element, id_))
        kept = [part for part in parts if part]
        return {"allOf": kept} if kept else {}

    def _of_type(self, element: Node, id_: str) -> Node:
        """Which types a reference may name, and which profile an extension keeps."""
        types = element.get("type", ())
        targets = [p for t in types if t["code"] == "Reference" for p in t.get("targetProfile", ())]
        if targets:
            named = [self.profiles.type_of(t) or t.rpartition("/")[2] for t in targets]
            pattern = RELATIVE_OR_OTHER.format(types="|".join(named))
            title = f"{id_} refers to {' or '.join(named)}"
            return {"title": title, "properties": {"reference": {"pattern": pattern}}}
        kept = [p for t in types if t["code"] == "Extension" for p in t.get("profile", ())]
        return self.profiles.schema(kept[0]) if kept else {}

    def _slice(self, id_: str) -> list[Node]:
        """How many members are of the slice, and what is asked of each of them."""
        element = self.elements[id_]
        matcher = self._matcher(element, id_)
        title = f"{id_}{_bounds(element)}"
        counted: Node = {"contains": matcher, "minContains": element.get("min", 0)}
        if element.get("max", "*") != "*":
            counted["maxContains"] = int(element["max"])
        parts = [{"title": title, **counted}]
        asked = self._value(element, id_)
        if asked:
            parts.append({"items": {"if": matcher, "then": asked}})
        return parts

    def _matcher(self, element: Node, id_: str) -> Node:
        """By its pattern, by what is fixed right below it, or by the url of its extension."""
        parts = []
        wanted = _wanted(element)
        if wanted is not None:
            parts.append(_holding(wanted))
        kept = (p for t in element.get("type", ()) for p in t.get("profile", ()))
        parts.extend(_holding({"url": profile}) for profile in kept)
        for other, child in self.elements.items():
            parent, _, name = other.rpartition(".")
            fixed = _wanted(child)
            if parent == id_ and fixed is not None:
                parts.append({"required": [name], "properties": {name: _holding(fixed)}})
        return {"allOf": parts}


def _bounds(element: Node) -> str:
    """As far as the profile says them; what it leaves out is R4's."""
    least, most = element.get("min"), element.get("max")
    if least is not None and most is not None:
        return f" ({least}..{most})"
    return f" (at least {least})" if least is not None else f" (at most {most or '*'})"


def _each(schema: Node) -> Node:
    """Of the value, or of each of a list."""
    return {"if": {"type": "array"}, "then": {"items": schema}, "else": schema}


def _wanted(element: Node) -> Any:
    return next((v for k, v in element.items() if k.startswith(("fixed", "pattern"))), None)


def _shown(wanted: Any) -> str:
    if isinstance(wanted, dict):
        inner = wanted.get("coding", [wanted])[0]
        return f"{inner.get('system', '')}|{inner.get('code', '')}"
    return str(wanted)


def _holding(wanted: Any) -> Node:
    """A value that holds at least this."""
    match wanted:
        case dict():
            members = {name: _holding(value) for name, value in wanted.items()}
            return {"type": "object", "required": sorted(wanted), "properties": members}
        case list():
            return {"type": "array", "allOf": [{"contains": _holding(one)} for one in wanted]}
        case _:
            return {"const": wanted}


def _coded(codes: Mapping[str, frozenset[str]]) -> Node:
    """A code, a Coding or a CodeableConcept of a value set."""
    coding = {
        "anyOf": [
            {
                "required": ["code", "system"],
                "properties": {"system": {"const": system}, "code": {"enum": sorted(found)}},
            }
            for system, found in sorted(codes.items())
        ]
    }
    concept = {"required": ["coding"], "properties": {"coding": {"contains": coding}}}
    every = sorted(frozenset().union(*codes.values()))
    return {
        "if": {"type": "string"},
        "then": {"enum": every},
        "else": {"anyOf": [{"type": "object", **coding}, {"type": "object", **concept}]},
    }


def _problem(error: ValidationError, schema: Node, at: str) -> Problem:
    """The innermost title on the way to what failed says which rule it is."""
    told = ""
    node: Any = schema
    for step in error.schema_path:
        node = node[step]
        if isinstance(node, dict) and isinstance(node.get("title"), str):
            told = node["title"]
    place = [str(step) if isinstance(step, str) else step for step in error.instance_path]
    what = f"The profile is not kept: {told}." if told else "The profile is not kept."
    return Problem(what, fhirpath(at, place), "", "invariant")


def profiles_in(published: Mapping[tuple[str, str], Node]) -> Profiles:
    """Those among what we publish, with the codes of its value sets."""
    by_type: dict[str, dict[str, Node]] = {}
    for (type_, _), resource in published.items():
        by_type.setdefault(type_, {})[str(resource.get("url", ""))] = resource
    systems, sets = by_type.get("CodeSystem", {}), by_type.get("ValueSet", {})
    listed = {url: _codes(value_set, systems) for url, value_set in sets.items()}
    codes = {url: found for url, found in listed.items() if found}
    return Profiles(by_type.get("StructureDefinition", {}), codes)


def _codes(value_set: Node, systems: Mapping[str, Node]) -> dict[str, frozenset[str]]:
    """The codes by system; none where they are not all known here."""
    found: dict[str, frozenset[str]] = {}
    compose = value_set.get("compose", {})
    for include in compose.get("include", ()):
        concepts = include.get("concept") or _all(include, systems)
        if not concepts or "exclude" in compose:
            return {}
        system = include["system"]
        found[system] = found.get(system, frozenset()) | {c["code"] for c in concepts}
    return found


def _all(include: Node, systems: Mapping[str, Node]) -> list[Node]:
    known = systems.get(include.get("system", ""))
    if known is None or "filter" in include or "valueSet" in include:
        return []
    return _flat(known.get("concept", []))


def _flat(concepts: list[Node]) -> list[Node]:
    return [one for c in concepts for one in (c, *_flat(c.get("concept", [])))]
