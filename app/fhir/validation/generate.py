"""Generate the strict R4 schema from HL7's own StructureDefinitions.

Run ``python -m app.fhir.validation.generate PATH`` with the package ``hl7.fhir.r4.core`` 4.0.1
(CC0-1.0); it writes ``r4.schema.json`` beside this file. One definition a type and a backbone
element; nothing is coerced, nothing unknown is let through.
"""

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
OUTPUT = Path(__file__).parent / "r4.schema.json"
SOURCE = "hl7.fhir.r4.core 4.0.1, CC0-1.0"
TYPES = """
    ActivityDefinition AllergyIntolerance AuditEvent Bundle CapabilityStatement CarePlan
    CodeSystem CommunicationRequest ConceptMap Condition DetectedIssue Device DeviceRequest
    DiagnosticReport Encounter Goal GuidanceResponse ImplementationGuide Library Medication
    MedicationRequest MedicationStatement NutritionOrder Observation OperationDefinition
    OperationOutcome Organization Parameters Patient PlanDefinition Practitioner
    PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse SearchParameter
    ServiceRequest StructureDefinition Task ValueSet
""".split()
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
LONGEST = 1024 * 1024
INTEGER_MAX = 2147483647
PRIMITIVES: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -INTEGER_MAX - 1, "maximum": INTEGER_MAX},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": INTEGER_MAX},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": INTEGER_MAX},
    "decimal": {"type": "number"},
    "string": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "markdown": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "xhtml": {"type": "string", "minLength": 1},
}
# Dates of the calendar: the 30th of February is no date, the 29th only in a leap year.
YEAR = r"(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
MONTH_DAY_ONLY = r"(?:0[1-9]|1[0-2])"
MONTH_DAY = rf"(?:{DAY}|{MONTH_DAY_ONLY})"
LEAP_DAY = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
ZONE = r"(?:Z|(?:\+|-)(?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
PATTERNS = {
    "code": r"[^\s]+(\s[^\s]+)*",
    "id": r"[A-Za-z0-9\-\.]{1,64}",
    "uri": r"\S+",
    "url": r"\S+",
    "canonical": r"\S+",
    "oid": r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "base64Binary": r"(\s*([0-9a-zA-Z\+/=]){4}\s*)+",
    "date": rf"{YEAR}(-{MONTH_DAY})?|{LEAP_DAY}",
    "dateTime": rf"{YEAR}(-{MONTH_DAY_ONLY})?|(?:{YEAR}-{DAY}|{LEAP_DAY})(T{CLOCK}{ZONE})?",
    "instant": rf"(?:{YEAR}-{DAY}|{LEAP_DAY})T{CLOCK}{ZONE}",
    "time": CLOCK,
}
ALL_PRIMITIVES = frozenset(PRIMITIVES) | frozenset(PATTERNS)
# HL7's own examples name other types than the profile allows as performers: not refused.
LOOSE = ("erformer", "erformer[x]")
# Choices with so many types that naming every other one would make the schema ten times as large.
WIDE = 12


class Package:
    """The core package: definitions by name, value sets and code systems by canonical."""

    def __init__(self, path: Path) -> None:
        self.definitions: dict[str, Json] = {}
        self.value_sets: dict[str, Json] = {}
        self.code_systems: dict[str, Json] = {}
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if not name.startswith(("StructureDefinition-", "ValueSet-", "CodeSystem-")):
                    continue
                file = archive.extractfile(member)
                if file is not None:
                    self._keep(json.load(file))

    def _keep(self, resource: Json) -> None:
        match resource["resourceType"]:
            case "StructureDefinition":
                if resource.get("derivation") != "constraint":
                    self.definitions[resource["name"]] = resource
            case "ValueSet":
                self.value_sets[resource["url"]] = resource
            case "CodeSystem":
                self.code_systems[resource["url"]] = resource
            case _:
                pass

    def codes(self, canonical: str) -> dict[str, set[str]] | None:
        """The codes of a value set by system; None when it cannot be enumerated."""
        value_set = self.value_sets.get(canonical.partition("|")[0])
        if value_set is None or "exclude" in value_set.get("compose", {}):
            return None
        found: dict[str, set[str]] = {}
        for include in value_set.get("compose", {}).get("include", ()):
            codes = self._included(include)
            if codes is None:
                return None
            found.setdefault(include.get("system", ""), set()).update(codes)
        return found or None

    def _included(self, include: Json) -> set[str] | None:
        if "filter" in include or "valueSet" in include:
            return None
        if "concept" in include:
            return {concept["code"] for concept in include["concept"]}
        system = self.code_systems.get(include.get("system", ""))
        if system is None or system.get("content") != "complete":
            return None
        return set(_concepts(system.get("concept", ())))


def _concepts(concepts: Any) -> Iterator[str]:
    for concept in concepts:
        if not _is_heading(concept):
            yield concept["code"]
        yield from _concepts(concept.get("concept", ()))


def _is_heading(concept: Json) -> bool:
    """A code that only groups others (``question`` among the types of an item)."""
    properties = concept.get("property", ())
    return any(p["code"] == "notSelectable" and p.get("valueBoolean") for p in properties)


class Generator:
    """Writes one definition after another until nothing is referred to that is not there."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.resources = sorted(
            d["type"]
            for d in package.definitions.values()
            if d["kind"] == "resource" and not d["abstract"]
        )
        self.defs: dict[str, Json] = {}

    def schema(self) -> Json:
        """The whole document."""
        pending = [*TYPES, "Element", "Extension"]
        while pending:
            name = pending.pop()
            if name in self.defs or name == "Resource":
                continue
            pending.extend(self._define(self.package.definitions[name]))
        for name, pattern in PATTERNS.items():
            self.defs[name] = {"type": "string", "pattern": f"^(?:{pattern})$"}
        self.defs.update(PRIMITIVES)
        self.defs["Resource"] = {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"enum": self.resources}},
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$comment": f"Generated by app/fhir/validation/generate.py from {SOURCE}.",
            "types": sorted(TYPES),
            "resources": self.resources,
            "$defs": dict(sorted(self.defs.items())),
        }

    def _define(self, definition: Json) -> set[str]:
        """One type with its backbone elements; returns the types it refers to."""
        name = definition["type"]
        elements = definition["snapshot"]["element"]
        is_resource = definition["kind"] == "resource"
        needed: set[str] = set()
        parents: dict[str, list[Json]] = {}
        for element in elements[1:]:
            parents.setdefault(element["path"].rpartition(".")[0], []).append(element)
        for path, children in parents.items():
            body, types = self._object(path, children, parents)
            needed |= types
            if path == name and is_resource:
                body["properties"]["resourceType"] = {"const": name}
                body["required"] = sorted({*body.get("required", ()), "resourceType"})
            self.defs[path] = body
        return {t for t in needed if t not in ALL_PRIMITIVES}

    def _object(
        self, path: str, children: list[Json], parents: dict[str, list[Json]]
    ) -> tuple[Json, set[str]]:
        properties: Json = {}
        required: list[str] = []
        either: list[Json] = []
        exclusive: Json = {}
        needed: set[str] = set()
        for element in children:
            if element.get("max") == "0":
                continue
            names = self._names(element)
            for name, type_ in names:
                value, types = self._value(element, type_, parents)
                needed |= types
                properties.update(self._members(name, type_, value, element))
            must = int(element.get("min", 0)) > 0
            options = [n for name, type_ in names for n in _spellings(name, type_)]
            if must and len(options) == 1:
                required.append(options[0])
            elif must:
                either.append({"anyOf": [{"required": [option]} for option in options]})
            if len(names) > 1:
                exclusive.update(_exclusive(element, names))
        if path == "Extension":  # ext-1
            values = [n for n in properties if n.lstrip("_").startswith("value")]
            either.append({"anyOf": [{"required": [n]} for n in ("extension", *values)]})
            exclusive["extension"] = {"patternProperties": {"^_?value": False}}
        body: Json = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
        }
        rest = {"required": sorted(required), "allOf": either, "dependentSchemas": exclusive}
        return body | {keyword: value for keyword, value in rest.items() if value}, needed

    def _names(self, element: Json) -> list[tuple[str, str]]:
        """(property, type) pairs: one, or one for each type of a choice."""
        last = element["path"].rpartition(".")[2]
        if "contentReference" in element:
            return [(last, "#" + element["contentReference"].lstrip("#"))]
        codes = list(dict.fromkeys(_type_code(t) for t in element.get("type", ())))
        if element.get("base", {}).get("path") == "Resource.id":
            return [(last, "id")]  # 4.0.1 calls it a string, which is no id
        if last.endswith("[x]"):
            stem = last.removesuffix("[x]")
            return [(stem + code[0].upper() + code[1:], code) for code in codes]
        return [(last, codes[0])]

    def _value(
        self, element: Json, type_: str, parents: dict[str, list[Json]]
    ) -> tuple[Json, set[str]]:
        if type_.startswith("#"):
            return {"$ref": f"#/$defs/{type_[1:]}"}, set()
        if type_ in ("BackboneElement", "Element") and element["path"] in parents:
            return {"$ref": f"#/$defs/{element['path']}"}, set()
        if type_ == "Reference":
            targets = self._targets(element)
            if targets:
                limited = {"properties": {"reference": {"pattern": targets}}}
                return {"allOf": [{"$ref": "#/$defs/Reference"}, limited]}, {"Reference"}
        bound = self._binding(element, type_)
        if bound is not None:
            return bound, {type_}
        return {"$ref": f"#/$defs/{type_}"}, {type_}

    def _targets(self, element: Json) -> str:
        """A pattern for relative references: contained, urn, absolute, or of a type allowed."""
        if element["path"].endswith(LOOSE):
            return ""
        types = {
            profile.rpartition("/")[2]
            for t in element["type"]
            if t["code"] == "Reference"
            for profile in t.get("targetProfile", ())
        }
        if not types or "Resource" in types:
            return ""
        others = [r for r in self.resources if r not in types]
        allowed = "|".join(sorted(types))
        refused = "|".join(others)
        tail = r"/[A-Za-z0-9\-\.]{1,64}(?:/_history/[A-Za-z0-9\-\.]{1,64})?$"
        absolute = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?!.*/(?:{refused}){tail})"
        return rf"^(?:#|{absolute}|(?:{allowed}){tail}|(?:{allowed})\?)"

    def _binding(self, element: Json, type_: str) -> Json | None:
        binding = element.get("binding", {})
        if binding.get("strength") != "required" or "valueSet" not in binding:
            return None
        codes = self.package.codes(binding["valueSet"])
        if codes is None:
            return None
        if type_ == "code":
            return {"enum": sorted(set().union(*codes.values()))}
        if type_ == "Coding":
            return {"allOf": [{"$ref": "#/$defs/Coding"}, {"anyOf": _coded(codes)}]}
        if type_ == "CodeableConcept":
            one = {"contains": {"anyOf": _coded(codes)}}
            bound = {"properties": {"coding": one}, "required": ["coding"]}
            return {"allOf": [{"$ref": "#/$defs/CodeableConcept"}, bound]}
        return None

    def _members(self, name: str, type_: str, value: Json, element: Json) -> Json:
        """The property, for a primitive its ``_`` sibling; arrays where more than one may be."""
        is_list = element.get("max") not in ("0", "1")
        is_primitive = type_ in ALL_PRIMITIVES
        if not is_list:
            members = {name: value}
            if is_primitive and name != "id":
                members["_" + name] = {"$ref": "#/$defs/Element"}
            return members
        if not is_primitive:
            return {name: {"type": "array", "items": value, "minItems": 1}}
        nullable = {"anyOf": [value, {"type": "null"}]}
        sibling = {"anyOf": [{"$ref": "#/$defs/Element"}, {"type": "null"}]}
        return {
            name: {"type": "array", "items": nullable, "minItems": 1},
            "_" + name: {"type": "array", "items": sibling, "minItems": 1},
        }


def _type_code(type_: Json) -> str:
    code: str = type_["code"]
    if code.startswith(SYSTEM_TYPE):
        for extension in type_.get("extension", ()):
            if extension["url"].endswith("structuredefinition-fhir-type"):
                return str(extension["valueUrl"])
        return "string"
    return code


def _spellings(name: str, type_: str) -> tuple[str, ...]:
    return (name, "_" + name) if type_ in ALL_PRIMITIVES and name != "id" else (name,)


def _exclusive(element: Json, names: list[tuple[str, str]]) -> Json:
    """Each type of a choice shuts the others out."""
    stem = element["path"].rpartition(".")[2].removesuffix("[x]")
    rules: Json = {}
    for name, type_ in names:
        if len(names) > WIDE:
            tail = re.escape(name.removeprefix(stem))
            shut: Json = {"patternProperties": {f"^_?{stem}(?!{tail}$)[A-Z]": False}}
        else:
            others = [s for n, t in names if n != name for s in _spellings(n, t)]
            shut = {"properties": dict.fromkeys(others, False)}
        for spelling in _spellings(name, type_):
            rules[spelling] = shut
    return rules


def _coded(codes: dict[str, set[str]]) -> list[Json]:
    return [
        {
            "properties": {"system": {"const": system}, "code": {"enum": sorted(found)}},
            "required": ["code", "system"],
        }
        for system, found in sorted(codes.items())
    ]


def generate(package: Path) -> str:
    """The schema as text, always the same for the same package."""
    return json.dumps(Generator(Package(package)).schema(), sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    OUTPUT.write_text(generate(Path(sys.argv[1])) + "\n", encoding="utf-8")
