"""Looking into JSON that may be invalid FHIR: every look gives something of the type asked for.

Real clients send an object where R4 has a list, a coding without a code, an empty list (standards
§0, 1 and the recorded requests). What cannot be read is left out here and named by the caller.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Pair = tuple[str, str]


def objects(value: object) -> list[Json]:
    """The objects of a list, or the one object that stands in its place."""
    if isinstance(value, dict):
        return [value]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def child(node: Json, *names: str) -> Json:
    """The object below these names; of a list the first one; empty where there is none."""
    for name in names:
        found = objects(node.get(name))
        if not found:
            return {}
        node = found[0]
    return node


def text(value: object) -> str:
    """A string, or nothing."""
    return value if isinstance(value, str) else ""


def pairs(concept: object) -> tuple[Pair, ...]:
    """(system, code) of each coding of one or more CodeableConcepts."""
    return tuple(
        (text(coding.get("system")), code)
        for coding in _codings(concept)
        if (code := text(coding.get("code")))
    )


def words(concept: object) -> str:
    """The text and the displays of one or more CodeableConcepts, or a bare string."""
    if isinstance(concept, str):
        return concept
    said = [text(one.get("text")) for one in objects(concept)]
    said += [text(coding.get("display")) for coding in _codings(concept)]
    return " ".join(dict.fromkeys(filter(None, said)))


def _codings(concept: object) -> Iterator[Json]:
    for one in objects(concept):
        yield from objects(one.get("coding", one))


def reference(value: object) -> str:
    """What a Reference names."""
    return text(value.get("reference")) if isinstance(value, dict) else ""
