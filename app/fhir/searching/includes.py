"""What may be included beside a match, and which references lead there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

INCLUDES: Mapping[str, Mapping[str, str]] = {
    "CarePlan": {
        "patient": "subject",
        "subject": "subject",
        "goal": "goal",
        "condition": "addresses",
        "encounter": "encounter",
        "replaces": "replaces",
    }
}
"""By type: the search parameter and the element that it reads."""
REVINCLUDE = "Provenance:target"
REVINCLUDED = (
    "CarePlan",
    "Goal",
    "DetectedIssue",
    "GuidanceResponse",
    "Observation",
)
_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/(\d{1,9}))?\Z")
Target = tuple[str, str, int | None]


def includes_of(type_: str) -> tuple[str, ...]:
    """As the CapabilityStatement spells them."""
    return tuple(f"{type_}:{name}" for name in INCLUDES.get(type_, ()))


def revincludes_of(type_: str) -> tuple[str, ...]:
    """As the CapabilityStatement spells them."""
    return (REVINCLUDE,) if type_ in REVINCLUDED else ()


def targets(body: bytes, type_: str, include: str) -> Iterator[Target]:
    """Type, id and version (None: the newest) of each local reference at ``CarePlan:goal``.

    ``CarePlan:goal:Goal`` names those to a Goal alone.
    """
    _, name, *only = include.split(":")
    node = orjson.loads(body).get(INCLUDES[type_][name], ())
    for reference in node if isinstance(node, list) else [node]:
        found = target_of(reference)
        if found is not None and found[0] in (only or (found[0],)):
            yield found


def target_of(reference: Any) -> Target | None:
    """``{"reference": "Goal/x/_history/1"}`` as its parts; None for what is not local."""
    text = reference.get("reference") if isinstance(reference, dict) else reference
    match = _LOCAL.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    return match[1], match[2], int(match[3]) if match[3] else None
