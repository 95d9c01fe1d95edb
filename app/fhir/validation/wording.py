"""A schema error as a problem with words: what, where, and what would be right."""

from typing import Any

from jsonschema_rs import ValidationError

from app.domain.problem import Problem

SHOWN = 8


EMPTY = ("It is empty.", "Leave it out instead.", "structure")
OUT_OF_RANGE = ("The value is out of range.", "", "value")
# What is said of a JSON Schema keyword that fails, how to mend it, and the issue type.
SAID = {
    "contains": ("No coding is from the value set that is required here.", "", "code-invalid"),
    "falseSchema": (
        "Another type of this choice is there already.",
        "Send one of them.",
        "structure",
    ),
    "minItems": EMPTY,
    "minProperties": EMPTY,
    "minLength": EMPTY,
    "minimum": OUT_OF_RANGE,
    "maximum": OUT_OF_RANGE,
    "maxLength": OUT_OF_RANGE,
}


def problem_of(error: ValidationError, root: str) -> Problem:
    """The problem behind one error; values of the patient are never quoted."""
    place = [str(step) if isinstance(step, str) else step for step in error.instance_path]
    return _problem(error, root, place)


def _problem(error: ValidationError, root: str, place: list[Any]) -> Problem:
    kind: Any = error.kind
    where = fhirpath(root, place)
    match kind.name:
        case "required":
            name = str(kind.property).lstrip("_")
            return Problem(f"{name} is missing.", f"{where}.{name}", "It is required.", "required")
        case "additionalProperties":
            name = str(kind.unexpected[0])
            shown = name[:64]
            return Problem(
                f"{shown!r} is no element here.",
                f"{where}.{shown.lstrip('_')}",
                "Check its spelling, or send it as an extension.",
                "structure",
            )
        case "enum" | "const":
            return _code(error, where)
        case "pattern":
            return _pattern(error, where, place)
        case "type":
            return Problem(
                f"The value is not of the type expected ({_types(kind)}).",
                where,
                "Nothing is converted: send it in its own type.",
                "value",
            )
        case "anyOf" | "oneOf":
            return _alternatives(kind, root, place, where)
        case other:
            what, mend, code = SAID.get(other, (f"It is not valid R4 ({other}).", "", "structure"))
            return Problem(what, where, mend, code)


def _alternatives(kind: Any, root: str, place: list[Any], where: str) -> Problem:
    """A required choice that is missing, a value of a primitive list, or a binding of a Coding."""
    branches = [branch[0] for branch in kind.context if branch]
    if branches and all(_is_missing_at(place, b) for b in branches):
        names = [str(b.kind.property).lstrip("_") for b in branches]
        shown = list(dict.fromkeys(names))
        if "extension" in shown:
            return Problem("It has neither a value nor extensions (ext-1).", where, "", "required")
        if set(shown) <= {"code", "system"}:
            return Problem("The coding lacks its system or code.", where, "", "code-invalid")
        stem = _stem(shown)
        return Problem(
            f"{stem} is missing.",
            f"{where}.{stem}",
            f"Send {' or '.join(shown[:SHOWN])}.",
            "required",
        )
    if branches and branches[0].kind.name in ("enum", "const"):
        return Problem(
            "The code is not from the value set that is required here.", where, "", "code-invalid"
        )
    if branches:
        inner = branches[0]
        return _problem(
            inner, root, place if not inner.instance_path else list(inner.instance_path)
        )
    return Problem("It is not valid R4.", where, "", "structure")


def _is_missing_at(place: list[Any], branch: ValidationError) -> bool:
    """Whether an alternative fails for what is missing at ``place`` itself, not deeper."""
    return branch.kind.name == "required" and list(branch.instance_path) == place


def _stem(names: list[str]) -> str:
    """``value`` for valueQuantity, valueString ..."""
    if len(names) == 1:
        return names[0]
    first = names[0]
    size = next(
        (n for n in range(len(first), 0, -1) if all(x.startswith(first[:n]) for x in names)), 0
    )
    stem = first[:size].rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return stem or first


def _code(error: ValidationError, where: str) -> Problem:
    options = getattr(error.kind, "options", None)
    shown = ""
    if isinstance(options, list | tuple):
        more = len(options) - SHOWN
        rest = f" and {more} more" if more > 0 else ""
        shown = f"Allowed: {', '.join(str(o) for o in options[:SHOWN])}{rest}."
    return Problem("The code is not one that is allowed here.", where, shown, "code-invalid")


def _pattern(error: ValidationError, where: str, place: list[Any]) -> Problem:
    if place and place[-1] == "reference":
        return Problem(
            "The reference points at a type that is not allowed here.", where, "", "value"
        )
    del error
    return Problem(
        "The value does not have the form of its type.",
        where,
        "See the regular expression of the FHIR type (a date must exist in the calendar).",
        "value",
    )


def _types(kind: Any) -> str:
    types = getattr(kind, "types", None) or getattr(kind, "value", "")
    return ", ".join(types) if isinstance(types, list | tuple) else str(types)


def fhirpath(root: str, place: list[Any]) -> str:
    """``Observation`` and ["component", 0, "_valueString"] as one expression."""
    path = root
    for step in place:
        path += f"[{step}]" if isinstance(step, int) else f".{str(step).lstrip('_')}"
    return path
