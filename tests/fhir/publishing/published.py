"""What the tests of this folder share: the shipped resources, and a walk over a resource."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from app.fhir.publishing import examples_in, resources
from tests.patients import knowledge

FOLDER = Path(__file__).resolve().parents[3] / "fhir_profiles"


@cache
def shipped() -> dict[tuple[str, str], dict[str, Any]]:
    """What the shipped content publishes, by type and id."""
    made = resources(knowledge(), examples_in(FOLDER))
    return {(r["resourceType"], r["id"]): r for r in made}


def codes_of(system: str) -> list[str]:
    """The codes of one of our code systems, in order."""
    return [c["code"] for c in shipped()["CodeSystem", system].get("concept", ())]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a value, itself included."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from nodes(member)
    elif isinstance(value, list):
        for member in value:
            yield from nodes(member)
