"""Valid official examples with one fault each, by class of fault; the same ones every time."""

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.hl7.definitions import Place, places
from tests.acceptance.wire import Json

DATES = ("date", "dateTime", "instant")
WORDS = ("string", "code", "uri", "canonical", "url", "id", "markdown")
NUMBERS = ("integer", "positiveInt", "unsignedInt", "decimal", "boolean")
XHTML = "http://www.w3.org/1999/xhtml"
NOT_ALLOWED = "Substance/s1"  # a type that hardly any reference of ours may name
UNKNOWN = {"coding": [{"code": "unknown"}]}
Change = Callable[[Any], Any]
Fault = tuple[str, tuple[str | int, ...], Change]


class Mutant(NamedTuple):
    """A resource with one fault, of which class it is, and what was done."""

    name: str
    fault: str
    what: str
    resource: Json


def mutants(name: str, base: Json, shared: Path) -> Iterator[Mutant]:
    """At most one of each class; chosen by the name, so always the same."""
    known = places(base, shared)
    for fault, find in CLASSES.items():
        found = sorted(find(base, known), key=lambda one: (one[0], str(one[1])))
        if not found:
            continue
        what, path, change = random.Random(f"{name} {fault}").choice(found)
        resource = deepcopy(base)
        _changed(resource, path, change)
        yield Mutant(f"{name}-{fault}", fault, what, resource)


def _changed(resource: Json, path: tuple[str | int, ...], change: Change) -> None:
    """Replaces what stands at the path; the path of a holder ends the walk one step before."""
    node: Any = resource
    for step in path[:-1]:
        node = node[step]
    last = path[-1] if path else None
    if last is None:
        change(resource)
        return
    made = change(node[last])
    if made is REMOVED:
        del node[last]
    else:
        node[last] = made


REMOVED = object()


def _gone(_: Any) -> Any:
    return REMOVED


def _to(value: Any) -> Change:
    return lambda _: value


def _one(place: Place, value: Any) -> Change:
    """The value itself, or as the first of a list where a list stands."""
    return lambda old: [value, *old[1:]] if place.is_list else value


def _cardinality(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        if place.definition.get("min", 0) > 0 and "[x]" not in place.definition["path"]:
            yield f"without {place.name}", place.path, _gone
        if place.is_list:
            yield f"an empty list of {place.name}", place.path, _to([])


def _type(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        if place.type in WORDS:
            yield f"a number for {place.name}", place.path, _one(place, 7)
            yield f"an object for {place.name}", place.path, _one(place, {"value": "a"})
        elif place.type in NUMBERS:
            yield f"a word for {place.name}", place.path, _one(place, "many")
        elif place.type and place.type[0].isupper():
            yield f"a word for the object {place.name}", place.path, _one(place, "a word")


def _binding(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        binding = place.definition.get("binding", {})
        if binding.get("strength") == "required" and place.type == "code":
            yield f"a {place.name} that is no code of R4", place.path, _one(place, "not-a-code")
        if binding.get("strength") == "required" and place.type == "CodeableConcept":
            strange = {"coding": [{"system": "http://example.org/x", "code": "not-a-code"}]}
            yield f"a {place.name} of another system", place.path, _one(place, strange)


def _choice(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        if not place.definition["path"].endswith("[x]"):
            continue
        stem = place.definition["path"].rpartition(".")[2].removesuffix("[x]")
        types = {t["code"] for t in place.definition["type"]}
        second = "String" if place.type != "string" and "string" in types else "DateTime"
        if second.lower() in {t.lower() for t in types} and second.lower() != place.type.lower():
            value = "a" if second == "String" else "2020-01-01"
            yield f"a second {stem}[x]", place.path[:-1] or (), _with({stem + second: value})
        if "Money" not in types:
            foreign = {stem + "Money": {"value": 1, "currency": "EUR"}}
            yield f"a {stem}Money", place.path[:-1] or (), _with(foreign)


def _with(more: Json) -> Change:
    def change(holder: Any) -> Any:
        holder.update(more)
        return holder

    return change


def _reference(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        if place.type != "Reference":
            continue
        targets = [
            target
            for type_ in place.definition["type"]
            for target in type_.get("targetProfile", ())
        ]
        if targets and not any(t.endswith(("/Resource", "/Substance")) for t in targets):
            wrong = {"reference": NOT_ALLOWED}
            yield f"a {place.name} of a type not allowed", place.path, _one(place, wrong)
        dangling = {"reference": "#nothing"}
        yield f"a {place.name} that is not contained", place.path, _one(place, dangling)
        spaced = {"reference": "Patient/a b"}
        yield f"a {place.name} with a space", place.path, _one(place, spaced)


def _date(_: Json, known: list[Place]) -> Iterator[Fault]:
    for place in known:
        if place.type in DATES:
            for wrong in (
                "2026-02-30",
                "2026-13-01",
                "01.02.2026",
                "2026-1-5",
                "2026-01-01T25:00Z",
            ):
                yield f"{wrong} for {place.name}", place.path, _one(place, wrong)
        if place.type in ("dateTime", "instant"):
            no_zone = "2026-01-01T10:00:00"
            yield f"a time without a zone for {place.name}", place.path, _one(place, no_zone)


def _invariant(base: Json, known: list[Place]) -> Iterator[Fault]:
    backwards = {"start": "2026-02-02", "end": "2026-01-01"}
    for place in known:
        if place.type == "Period":
            yield f"a {place.name} that ends before it starts", place.path, _one(place, backwards)
        if place.type == "Quantity":
            bare = {"value": 1, "code": "mg"}
            yield f"a {place.name} with a code and no system", place.path, _one(place, bare)
        if place.type == "Attachment":
            untyped = {"data": "YQ=="}
            yield f"a {place.name} of data without a type", place.path, _one(place, untyped)
        if place.type == "ContactPoint":
            yield f"a {place.name} without system", place.path, _one(place, {"value": "1"})
        if place.type == "Ratio":
            half = {"numerator": {"value": 1}}
            yield f"a {place.name} of one number", place.path, _one(place, half)
    both = [
        {
            "url": "http://example.org/e",
            "valueCode": "a",
            "extension": [{"url": "b", "valueCode": "c"}],
        }
    ]
    yield "an extension with a value and extensions", (), _with({"extension": both})
    script = {"status": "generated", "div": f"<div xmlns='{XHTML}'><script>a</script></div>"}
    yield "a narrative with a script", (), _with({"text": script})
    yield from _of_type(base)


def _of_type(base: Json) -> Iterator[Fault]:
    """Invariants of one resource type each."""
    match base["resourceType"]:
        case "Observation":
            if any(name.startswith("value") for name in base):
                absent = {"dataAbsentReason": UNKNOWN}
                yield "a value and the reason that it is absent (obs-6)", (), _with(absent)
            lone = {"referenceRange": [{"type": {"text": "normal"}}]}
            yield "a reference range of nothing (obs-3)", (), _with(lone)
        case "Condition":
            yield "abated and active (con-4)", (), _with(_ABATED)
            yield "an error with a clinical status (con-5)", (), _with(_MISTAKEN)
        case "Patient":
            yield "a contact without details (pat-1)", (), _with({"contact": [{"gender": "male"}]})
        case "AllergyIntolerance":
            yield "an error with a clinical status (ait-2)", (), _with(_MISTAKEN_ALLERGY)
        case "Organization":
            home = {"address": [{"use": "home", "city": "Rome"}]}
            yield "an organisation at home (org-2)", (), _with(home)
        case "Bundle":
            yield "a total without a search (bdl-1)", (), _with({"type": "collection", "total": 3})
        case "Questionnaire":
            group = {"item": [{"linkId": "x", "text": "x", "type": "group", "maxLength": 3}]}
            yield "a group with a longest answer (que-10)", (), _with(group)
            twice = {"item": [{"linkId": "x", "type": "string"}, {"linkId": "x", "type": "string"}]}
            yield "one linkId twice (que-2)", (), _with(twice)
        case "QuestionnaireResponse":
            empty = {"status": "generated", "div": f"<div xmlns='{XHTML}'> </div>"}
            yield "a narrative of white space (txt-2)", (), _with({"text": empty})
        case _:
            return


def _status(system: str, code: str) -> Json:
    coding = {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}
    return {"coding": [coding]}


_ABATED: Json = {
    "clinicalStatus": _status("condition-clinical", "active"),
    "abatementDateTime": "2020-01-01",
}
_MISTAKEN: Json = {
    "clinicalStatus": _status("condition-clinical", "active"),
    "verificationStatus": _status("condition-ver-status", "entered-in-error"),
}
_MISTAKEN_ALLERGY: Json = {
    "clinicalStatus": _status("allergyintolerance-clinical", "active"),
    "verificationStatus": _status("allergyintolerance-verification", "entered-in-error"),
}


def _structure(_: Json, known: list[Place]) -> Iterator[Fault]:
    yield "an element that R4 does not have", (), _with({"colour": "blue"})
    yield "a resource type that R4 does not have", (), _with({"resourceType": "Ailment"})
    for place in known:
        yield f"null for {place.name}", place.path, _one(place, None)
        if place.is_list:
            yield f"one for the list of {place.name}", place.path, lambda old: old[0]
        else:
            yield f"a list for one {place.name}", place.path, lambda old: [old, old]
        if place.type and place.type[0].isupper():
            yield f"an empty {place.name}", place.path, _one(place, {})
            inside = {"colour": "blue"}
            yield f"a {place.name} with an unknown element", place.path, _one(place, inside)


CLASSES: dict[str, Callable[[Json, list[Place]], Iterator[Fault]]] = {
    "cardinality": _cardinality,
    "type": _type,
    "binding": _binding,
    "choice": _choice,
    "reference": _reference,
    "date": _date,
    "invariant": _invariant,
    "structure": _structure,
}
