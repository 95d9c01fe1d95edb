"""Bytes to JSON, once: what is no JSON, too deep or of another type is told apart clearly."""

import json
from typing import Any

import orjson

from app.domain.problem import NotUnderstood, Problem

DEEPEST = 64
# The words of orjson for it, and of its versions before.
TOO_DEEP = ("depth limit", "recursion", "failed to allocate")
BLANKS = (b" ", b"\t", b"\n", b"\r")


def parse_json(body: bytes, mend: str = "Send one FHIR resource as JSON in UTF-8.") -> Any:
    """Any JSON. Raises NotUnderstood; the message never quotes the content."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if any(word in error.msg.lower() for word in TOO_DEEP):
            raise _too_deep() from None
        place = f"line {error.lineno} column {error.colno}"
        raise NotUnderstood(
            Problem(
                f"The body is not JSON: the parser stopped at {place}.",
                mend=mend,
                code="structure",
            )
        ) from None
    if isinstance(document, dict | list):
        _refuse_duplicates(body, _names_in(document))
    return document


def parse(body: bytes, expected: tuple[str, ...] = ()) -> dict[str, Any]:
    """The resource in ``body``. Raises NotUnderstood; the message never quotes the content."""
    document = parse_json(body)
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise NotUnderstood(
            Problem(
                "The body is JSON but no FHIR resource: there is no resourceType.",
                where="resourceType",
                mend="Send one FHIR resource.",
                code="structure",
            )
        )
    if expected and document["resourceType"] not in expected:
        raise NotUnderstood(
            Problem(
                f"The body is a {document['resourceType'][:64]}; "
                f"expected is {' or '.join(expected)}.",
                where="resourceType",
                code="structure",
            )
        )
    return document


def _names_in(document: dict[str, Any] | list[Any]) -> int:
    """How many properties there are in all, counted level by level to a depth that we take.

    orjson itself refuses what nests beyond a thousand levels.
    """
    level: list[Any] = [document]
    names = 0
    for _ in range(DEEPEST):
        names += sum(len(one) for one in level if type(one) is dict)
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return names
    raise _too_deep()


def _refuse_duplicates(body: bytes, names: int) -> None:
    """A property that stands twice in an object: we would decide on the last, others on the first.

    orjson keeps the last and says nothing. Where no blank stands before a colon, a body with as
    many ``":`` as properties has none twice; only any other body is parsed again to find out.
    """
    if body.count(b'":') == names and not any(b in body and b + b":" in body for b in BLANKS):
        return
    json.loads(body, object_pairs_hook=_unique, parse_int=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise NotUnderstood(
                Problem(
                    f"The property {name[:64]!r} stands twice in one object.",
                    mend="Send it once: which of the two is meant cannot be known.",
                    code="structure",
                )
            )
        seen.add(name)


def _too_deep() -> NotUnderstood:
    return NotUnderstood(
        Problem(
            f"The body is nested more than {DEEPEST} levels deep.",
            mend="No FHIR resource that we read needs that depth.",
            code="structure",
        )
    )
