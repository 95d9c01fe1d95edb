"""The values by which a resource is found: a pure function of the resource."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from app.domain.searching import SearchValue
from app.fhir.searching.dates import spans_in
from app.fhir.searching.long_texts import as_kept
from app.fhir.searching.parameters import PATIENT, PUBLISHED, STORED, Parameter

VERSION = 2
"""Of the extraction: another one has every stored version read again (``painplan reindex``)."""


def search_values(resource: dict[str, Any]) -> tuple[SearchValue, ...]:
    """All of them, in a fixed order and none twice. Whose it is stands beside the version."""
    type_ = str(resource["resourceType"])
    found: dict[SearchValue, None] = {}
    for parameter, paths in _extracted(type_):
        for path in paths:
            if path[0] in resource:
                for node in _at(resource[path[0]], path[1:]):
                    found.update(dict.fromkeys(_values(parameter, node)))
    return tuple(found)


@cache
def _extracted(type_: str) -> tuple[tuple[Parameter, tuple[tuple[str, ...], ...]], ...]:
    """The parameters whose values are kept, with their paths in steps."""
    parameters = STORED.get(type_) or PUBLISHED.get(type_, ())
    return tuple(
        (parameter, tuple(tuple(path.split(".")) for path in parameter.paths))
        for parameter in parameters
        if parameter.name not in PATIENT
    )


def values_in(body: bytes) -> tuple[SearchValue, ...]:
    """The same from the bytes of a resource."""
    return search_values(orjson.loads(body))


def _at(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path, through lists."""
    if isinstance(node, list):
        for one in node:
            yield from _at(one, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _at(node[path[0]], path[1:])


def _values(parameter: Parameter, node: Any) -> Iterator[SearchValue]:
    name = parameter.name
    match parameter.kind:
        case "token":
            for system, code in _tokens(node):
                yield SearchValue(name, as_kept(code), system=as_kept(system))
        case "date":
            for low, high in spans_in(node):
                yield SearchValue(name, low, until=high)
        case "uri" | "reference":
            if isinstance(node, str):
                yield from _canonical(name, node)
        case "string":
            if isinstance(node, str):
                yield SearchValue(name, as_kept(node.casefold()))


def _canonical(name: str, text: str) -> Iterator[SearchValue]:
    """A canonical is found with its version and without."""
    url, _, version = text.partition("|")
    yield SearchValue(name, as_kept(url))
    if version:
        yield SearchValue(name, as_kept(text))


def _tokens(node: Any) -> Iterator[tuple[str, str]]:
    match node:
        case str():
            yield "", node
        case bool():
            yield "", str(node).lower()
        case {"coding": list(codings)}:
            for coding in codings:
                yield from _tokens(coding)
        case {"code": str(code)}:
            yield str(node.get("system", "")), code
        case {"value": str(value)}:
            yield str(node.get("system", "")), value
        case _:
            return
