"""What cannot be an input, whatever it says: our own conclusions, and meanings we do not know."""

from typing import Any

from app.domain.submission import Received
from app.fhir.canon import CANON, DECISION

DERIVED = "derived by this service earlier"
MODIFIED = "it holds a modifierExtension, which may change its meaning and is not known here"
RULES = "it follows implicitRules that are not known here"
OWN_PROFILES = f"{CANON}/StructureDefinition/painplan-"


def is_derived(resource: dict[str, Any]) -> bool:
    """What we concluded is never an input, whatever id it comes back under."""
    identifiers = resource.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(identifier, dict) and identifier.get("system") == DECISION:
            return True
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    if not isinstance(profiles, list):
        return False
    return any(str(p).startswith(OWN_PROFILES) for p in profiles)


def why_not_processed(received: Received, resource: dict[str, Any]) -> str:
    """Why it must not be processed (R4, 2.1.0.2 and 2.4.1); empty when nothing says so."""
    if "implicitRules" in resource:
        return RULES
    # Nearly no resource has one: the bytes say so faster than a walk, unless they hide letters.
    if b"modifierExtension" not in received.body and b"\\u" not in received.body:
        return ""
    return MODIFIED if _holds_modifier(resource) else ""


def _holds_modifier(node: object) -> bool:
    match node:
        case dict():
            return "modifierExtension" in node or any(map(_holds_modifier, node.values()))
        case list():
            return any(map(_holds_modifier, node))
        case _:
            return False
