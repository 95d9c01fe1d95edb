"""Strict R4: the schema first, then what it cannot say; resources inside resources one by one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from app.domain.problem import Problem
from app.fhir.validation import invariants, narrative
from app.fhir.validation.faults import FOUND_AT_MOST, faults
from app.fhir.validation.walk import anchors_of, flaws, paths_to
from app.fhir.validation.wording import problem_of

SCHEMA = Path(__file__).parent / "r4.schema.json"
DEEPEST = 100
Node = dict[str, Any]


@dataclass(slots=True)
class Validator:
    """One compiled schema a type, compiled when the type is first met (15 ms, half a megabyte)."""

    defs: Node
    types: frozenset[str]
    resources: frozenset[str]
    compiled: dict[str, Draft202012Validator] = field(default_factory=dict)

    @staticmethod
    def load() -> "Validator":
        """Read the generated schema."""
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        return Validator(
            schema["$defs"], frozenset(schema["types"]), frozenset(schema["resources"])
        )

    def problems(
        self, resource: object, *, expected_type: str | None = None, at: str | None = None
    ) -> tuple[Problem, ...]:
        """What is wrong with a resource; empty when it is valid.

        At most ``FOUND_AT_MOST`` problems; of a large resource the schema tells its first.

        ``at`` is where the resource stands in a document whose depth was measured already; without
        it the resource is the document, and its depth is measured.
        """
        type_ = self._known_type(resource, at or expected_type or "")
        if isinstance(type_, Problem):
            return (type_,)
        assert isinstance(resource, dict)  # noqa: S101  (it has a type)
        root = at or type_
        if expected_type is not None and type_ != expected_type:
            what = f"The resource is a {type_[:64]}; expected is {expected_type}."
            return (Problem(what, f"{root}.resourceType", "", "structure"),)
        if at is None and _is_too_deep(resource):
            return (Problem(f"Nested more than {DEEPEST} levels deep.", root, "", "structure"),)
        found = self._problems(resource, type_, root, anchors_of(resource))
        return tuple(islice(found, FOUND_AT_MOST))

    def knows(self, type_: str) -> bool:
        """Whether R4 has a resource type of this name."""
        return type_ in self.resources

    def _problems(
        self, resource: Node, type_: str, root: str, anchors: frozenset[str]
    ) -> Iterator[Problem]:
        if type_ in self.types:
            schema = self._compiled(type_)
            if not schema.is_valid(resource):
                yield from _once(problem_of(e, root) for e in faults(schema, resource))
                return
            yield from _beyond_the_schema(resource, root, anchors)
        for number, inner in enumerate(resource.get("contained", ())):
            where = f"{root}.contained[{number}]"
            known = self._known_type(inner, where)
            if isinstance(known, Problem):
                yield known
            else:
                yield from self._problems(inner, known, where, anchors)
        for held, place in _held_resources(resource, type_):
            yield from self.problems(held, at=f"{root}{place}")

    def _known_type(self, resource: object, root: str) -> str | Problem:
        """The type of a resource, or what is wrong with it."""
        where = f"{root}.resourceType" if root else "resourceType"
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            return Problem("There is no resourceType.", where, "", "structure")
        type_: str = resource["resourceType"]
        if type_ not in self.resources:
            what = f"R4 has no resource type {type_[:64]!r}."
            return Problem(what, where, "", "structure")
        return type_

    def _compiled(self, type_: str) -> Draft202012Validator:
        schema = self.compiled.get(type_)
        if schema is None:
            document = {"$ref": f"#/$defs/{type_}", "$defs": self.defs}
            schema = self.compiled[type_] = Draft202012Validator(document)
        return schema


def _once(problems: Iterator[Problem]) -> Iterator[Problem]:
    """The same problem is found more than once through alternatives."""
    seen: set[Problem] = set()
    for problem in problems:
        if problem not in seen:
            seen.add(problem)
            yield problem


def _beyond_the_schema(resource: Node, root: str, anchors: frozenset[str]) -> Iterator[Problem]:
    """What a schema cannot say: references, periods, invariants, the narrative."""
    found = flaws(resource, anchors)[:FOUND_AT_MOST]
    paths = paths_to(resource, [flaw.node for flaw in found])
    for flaw in found:
        where = root + paths[id(flaw.node)]
        name = f".{flaw.name}" if flaw.name else ""
        yield Problem(f"It is not valid: {flaw.what}.", where + name, "", flaw.rule)
    for place, what in invariants.of(resource):
        yield Problem(f"It is not valid: {what}.", root + place, "", "invariant")
    text = resource.get("text")
    if type(text) is dict and "div" in text:
        fault = narrative.fault(text["div"])
        if fault:
            yield Problem(f"The narrative {fault}.", f"{root}.text.div", "", "invariant")


def _held_resources(resource: Node, type_: str) -> Iterator[tuple[object, str]]:
    """Resources that stand on their own inside: entries of a Bundle, values of Parameters."""
    if type_ == "Bundle":
        for number, entry in enumerate(resource.get("entry", ())):
            if "resource" in entry:
                yield entry["resource"], f".entry[{number}].resource"
    elif type_ == "Parameters":
        yield from _held(resource.get("parameter", ()), ".parameter")


def _held(parameters: list[Node], path: str) -> Iterator[tuple[object, str]]:
    for number, parameter in enumerate(parameters):
        where = f"{path}[{number}]"
        if "resource" in parameter:
            yield parameter["resource"], f"{where}.resource"
        yield from _held(parameter.get("part", []), f"{where}.part")


def _is_too_deep(resource: Node) -> bool:
    level: list[Any] = [resource]
    for _ in range(DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
