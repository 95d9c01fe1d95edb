"""Bundles by concatenation: searchset and history, in which each resource keeps its bytes."""

import uuid
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from app.domain.problem import Problem
from app.fhir.writing.outcome import operation_outcome, told


class Entry(NamedTuple):
    """One entry: where it is, the resource, and what the kind of Bundle says beside it."""

    full_url: str
    body: bytes
    beside: dict[str, object]


def bundle(
    kind: str,
    entries: Iterable[Entry],
    *,
    links: Sequence[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes:
    """A Bundle; without entries it has none (FHIR knows no empty list)."""
    head: dict[str, object] = {"resourceType": "Bundle", "type": kind}
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    written = [_entry(entry) for entry in entries]
    if not written:
        return orjson.dumps(head)
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(written) + b"]}"


def outcome_entry(problems: Sequence[Problem]) -> Entry:
    """What was not used of a question, as an entry that is no match, under a name of its own."""
    body = operation_outcome(told(problems), "warning")
    name = uuid.uuid5(uuid.NAMESPACE_OID, body.decode())
    return Entry(f"urn:uuid:{name}", body, {"search": {"mode": "outcome"}})


def _entry(entry: Entry) -> bytes:
    parts = []
    if entry.full_url:
        parts.append(b'"fullUrl":' + orjson.dumps(entry.full_url))
    if entry.body:
        parts.append(b'"resource":' + entry.body)
    if entry.beside:
        parts.append(orjson.dumps(entry.beside)[1:-1])
    return b"{" + b",".join(parts) + b"}"
