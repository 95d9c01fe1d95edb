"""A small reader of differentials: does a resource keep the counts and values of a profile.

HL7's validator does the whole of it in CI; this one runs with every test and needs no Java. It
knows cardinality, the types of value[x], fixed[x], pattern[x], and slices by extension url, pattern
or fixed child.
"""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def violations(resource: Node, profile: Node) -> list[str]:
    """What the resource breaks, one sentence each; empty when it conforms."""
    elements = profile["differential"]["element"]
    return [flaw for element in elements for flaw in _of_element(resource, element, elements)]


def _of_element(resource: Node, element: Node, elements: list[Node]) -> Iterator[str]:
    parent, _, last = element["id"].rpartition(".")
    if not parent:
        return
    for holder in _at(resource, parent, elements):
        found = _members(holder, last, element["id"], elements)
        least, most = element.get("min", 0), element.get("max", "*")
        if len(found) < least:
            yield f"{element['id']}: {len(found)} of at least {least}"
        if most != "*" and len(found) > int(most):
            yield f"{element['id']}: {len(found)} of at most {most}"
        yield from _of_other_type(holder, last, element)
        for value in found:
            if not _has_its_value(value, element):
                yield f"{element['id']}: {value!r} is not what is fixed"


def _of_other_type(holder: Node, step: str, element: Node) -> Iterator[str]:
    """A choice element whose type the profile does not allow."""
    stem = step.partition("[x]")[0]
    if stem == step or "type" not in element:
        return
    allowed = {stem + t["code"][0].upper() + t["code"][1:] for t in element["type"]}
    for key in holder:
        if key.startswith(stem) and key[len(stem) :][:1].isupper() and key not in allowed:
            yield f"{element['id']}: {key} is not of an allowed type"


def _at(resource: Node, id_: str, elements: list[Node]) -> list[Any]:
    """The nodes that an element id stands for."""
    head, *steps = id_.split(".")
    holders: list[Any] = [resource]
    path = head
    for step in steps:
        path = f"{path}.{step}"
        holders = [v for holder in holders for v in _members(holder, step, path, elements)]
    return holders


def _members(holder: Any, step: str, path: str, elements: list[Node]) -> list[Any]:
    name, _, slice_name = step.partition(":")
    if not isinstance(holder, dict):
        return []
    if name.endswith("[x]"):
        stem = name.removesuffix("[x]")
        return [v for k, v in holder.items() if k.startswith(stem) and k[len(stem) :][:1].isupper()]
    value = holder.get(name, [])
    values = value if isinstance(value, list) else [value]
    if not slice_name:
        return values
    return [v for v in values if _is_of_slice(v, path, elements)]


def _is_of_slice(value: Any, path: str, elements: list[Node]) -> bool:
    """Whether the discriminating values of the slice are there."""
    definition = next(e for e in elements if e["id"] == path)
    profiles = [p for t in definition.get("type", ()) for p in t.get("profile", ())]
    if profiles:
        return value.get("url") in profiles
    if not _has_its_value(value, definition):
        return False
    for element in elements:
        parent, _, child = element["id"].rpartition(".")
        if parent == path and _fixed(element) is not None:
            inside = value.get(child)
            if inside is None or not _has_its_value(inside, element):
                return False
    return True


def _fixed(element: Node) -> Any:
    return next((v for k, v in element.items() if k.startswith(("fixed", "pattern"))), None)


def _has_its_value(value: Any, element: Node) -> bool:
    wanted = _fixed(element)
    return wanted is None or _contains(value, wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            key in value and _contains(value[key], inner) for key, inner in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(
            any(_contains(member, inner) for member in value) for inner in wanted
        )
    return bool(value == wanted)
