"""What a schema cannot say of any element, in one walk: references, periods, quantities, nulls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.fhir.characters import is_barred
from app.fhir.reading.times import instant

Node = dict[str, Any]
BARRED = "a control character, which no text of R4 holds"
OPAQUE = frozenset({"contained", "resource"})
# The endings of a choice that is an integer; JSON Schema takes 6.0 for one, R4 does not.
INTEGERS = ("Integer", "PositiveInt", "UnsignedInt")
# An element with none of these can break none of the invariants of a data type.
MARKS = frozenset({"reference", "end", "value", "data", "telecom", "numerator", "denominator"})
MEALS = frozenset({"C", "CM", "CD", "CV"})
# An element of Timing.repeat, what has to stand beside it, and the invariant that says so.
NEEDED_BESIDE = (
    ("duration", "durationUnit", "tim-1"),
    ("period", "periodUnit", "tim-2"),
    ("periodMax", "period", "tim-6"),
    ("durationMax", "duration", "tim-7"),
    ("countMax", "count", "tim-8"),
    ("offset", "when", "tim-9"),
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule that a node breaks; ``name`` is the element within the node, empty for itself."""

    node: Node
    name: str
    rule: str
    what: str


def anchors_of(resource: Node) -> frozenset[str]:
    """The ids that ``#`` references may name."""
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return frozenset()
    ids = (inner.get("id") for inner in contained if isinstance(inner, dict))
    return frozenset(id_ for id_ in ids if isinstance(id_, str))


def flaws(resource: Node, anchors: frozenset[str]) -> list[Flaw]:
    """Every flaw of one resource, resources inside it aside; ``anchors`` are its container's."""
    found: list[Flaw] = []
    stack: list[Node] = [resource]
    while stack:
        node = stack.pop()
        for name, child in node.items():
            if name in OPAQUE:
                continue
            kind = type(child)
            if kind is str:
                if not child.isprintable() and is_barred(child):  # nearly all are: no call
                    found.append(Flaw(node, name, "value", BARRED))
                continue
            if kind is dict:
                stack.append(child)
                _single(name, child, found)
            elif kind is float:
                _integer(node, name, child, found)
            elif kind is list:
                stack.extend(_several(node, name, child, found))
        if not MARKS.isdisjoint(node):
            _data_type(node, anchors, found)
    return found


def _several(node: Node, name: str, values: list[Any], found: list[Flaw]) -> list[Node]:
    """The nodes among the values; whatever else is among them is looked at here."""
    nodes = [one for one in values if type(one) is dict]
    if len(nodes) == len(values):
        return nodes
    if any(type(one) is str and is_barred(one) for one in values):
        found.append(Flaw(node, name, "value", BARRED))
    if None in values:
        _null(node, name, values, found)
    return nodes


def _integer(node: Node, name: str, value: float, found: list[Flaw]) -> None:
    if value.is_integer() and name.endswith(INTEGERS):
        found.append(Flaw(node, name, "value", "an integer in the form of a decimal"))


def _single(name: str, node: Node, found: list[Flaw]) -> None:
    """What only an element that does not repeat can be: a Timing's repeat, a Range."""
    if name == "repeat":
        _timing(node, found)
    if "low" in node and "high" in node:
        _range(node, found)


def _data_type(node: Node, anchors: frozenset[str], found: list[Flaw]) -> None:
    """The invariants of the data type that a node's elements give away."""
    if "reference" in node:
        _reference(node, anchors, found)
    if "end" in node and "start" in node:
        _period(node, found)
    if "code" in node and "value" in node and "system" not in node:
        _quantity(node, found)
    if "data" in node and "contentType" not in node and "origin" not in node:
        _attachment(node, found)
    if "telecom" in node:
        _telecom(node, found)
    if "numerator" in node or "denominator" in node:
        _ratio(node, found)


def _null(node: Node, name: str, values: list[Any], found: list[Flaw]) -> None:
    """A null in a primitive list stands only where its sibling has something to say."""
    other = node.get(name.removeprefix("_") if name.startswith("_") else f"_{name}")
    for place, value in enumerate(values):
        if value is not None:
            continue
        if not isinstance(other, list) or place >= len(other) or other[place] is None:
            found.append(Flaw(node, name.lstrip("_"), "structure", "a null that nothing explains"))
            return


def _reference(node: Node, anchors: frozenset[str], found: list[Flaw]) -> None:
    reference = node["reference"]
    if not isinstance(reference, str) or not reference.startswith("#") or reference == "#":
        return
    if reference[1:] not in anchors:
        what = f"refers to {reference[:64]}, which is not contained (ref-1)"
        found.append(Flaw(node, "reference", "invariant", what))


def _period(node: Node, found: list[Flaw]) -> None:
    start, end = instant(node["start"]), instant(node["end"])
    if start is None or end is None:
        return
    shorter = min(len(str(node["start"])), len(str(node["end"])))
    if str(node["end"])[:shorter] == str(node["start"])[:shorter]:
        return
    if end < start:
        found.append(Flaw(node, "end", "invariant", "the end lies before the start (per-1)"))


def _quantity(node: Node, found: list[Flaw]) -> None:
    value = node["value"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        found.append(Flaw(node, "code", "invariant", "a unit code without its system (qty-3)"))


def _timing(repeat: Node, found: list[Flaw]) -> None:
    """tim-1 to tim-10."""
    for name, beside, rule in NEEDED_BESIDE:
        if name in repeat and beside not in repeat:
            what = f"is missing beside {name} ({rule})"
            found.append(Flaw(repeat, beside, "invariant", what))
    for name, rule in (("duration", "tim-4"), ("period", "tim-5")):
        if repeat.get(name, 0) < 0:
            found.append(Flaw(repeat, name, "invariant", f"is negative ({rule})"))
    if "offset" in repeat and not MEALS.isdisjoint(repeat.get("when", ())):
        found.append(Flaw(repeat, "offset", "invariant", "has no place beside a meal (tim-9)"))
    if "timeOfDay" in repeat and "when" in repeat:
        found.append(Flaw(repeat, "timeOfDay", "invariant", "stands beside when (tim-10)"))


def _ratio(ratio: Node, found: list[Flaw]) -> None:
    if ("numerator" in ratio) != ("denominator" in ratio):
        found.append(Flaw(ratio, "", "invariant", "a ratio of one number (rat-1)"))


def _range(range_: Node, found: list[Flaw]) -> None:
    """rng-2, where low and high have one unit (a reference range repeats, it is no Range)."""
    low, high = range_["low"], range_["high"]
    if type(low) is not dict or type(high) is not dict:
        return
    if any(low.get(name) != high.get(name) for name in ("system", "code", "unit")):
        return
    if "value" in low and "value" in high and low["value"] > high["value"]:
        found.append(Flaw(range_, "high", "invariant", "the high is below the low (rng-2)"))


def _attachment(node: Node, found: list[Flaw]) -> None:
    if "resourceType" not in node and isinstance(node["data"], str) and "who" not in node:
        found.append(Flaw(node, "contentType", "invariant", "data without a type (att-1)"))


def _telecom(node: Node, found: list[Flaw]) -> None:
    telecom = node["telecom"]
    contacts = telecom if isinstance(telecom, list) else [telecom]
    found.extend(
        Flaw(contact, "system", "invariant", "a value without a system (cpt-2)")
        for contact in contacts
        if isinstance(contact, dict) and "value" in contact and "system" not in contact
    )


def paths_to(resource: Node, wanted: Sequence[Node]) -> dict[int, str]:
    """By ``id`` the FHIRPath of nodes of ``resource``, in one walk; empty for itself."""
    ids = {id(node) for node in wanted}
    if not ids:
        return {}
    return {id(node): path for node, path in _nodes(resource, "") if id(node) in ids}


def _nodes(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    yield node, path
    for name, child in node.items():
        if isinstance(child, dict):
            yield from _nodes(child, f"{path}.{name}")
        elif isinstance(child, list):
            for number, one in enumerate(child):
                if isinstance(one, dict):
                    yield from _nodes(one, f"{path}.{name}[{number}]")
