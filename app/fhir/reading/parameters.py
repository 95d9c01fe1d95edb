"""What the readers of Parameters share: a text, a reference, and how a wrong one is told."""

import re
from typing import Any

from app.domain.problem import NotUnderstood, Problem

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TAIL = r"/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|urn:(?:uuid|oid):\S+"
NAMED = {
    "encounter": re.compile(rf"(?:\S+/)?Encounter{_TAIL}"),
    "practitioner": re.compile(rf"(?:\S+/)?Practitioner(?:Role)?{_TAIL}"),
    "organization": re.compile(rf"(?:\S+/)?Organization{_TAIL}"),
}


def text_of(parameter: dict[str, Any], where: str) -> str:
    """The text of any primitive value, or the reference of a Reference."""
    for name, value in parameter.items():
        if name.startswith("value") and isinstance(value, str):
            return value
        if name == "valueReference" and isinstance(value, dict):
            return str(value.get("reference", ""))
    raise wrong(f"{parameter['name'][:64]} must have a text value.", where)


def named(name: str, text: str, where: str) -> str:
    """A reference to whom or what the plan is made with; a bare id is one of its type."""
    type_ = name.capitalize()
    if ID.fullmatch(text):
        return f"{type_}/{text}"
    if NAMED[name].fullmatch(text):
        return text
    raise wrong(f"{name} is no reference to a resource of type {type_}.", where, code="value")


def unknown(name: str, where: str) -> Problem:
    """The warning about a parameter that nobody here reads."""
    return Problem(
        f"The parameter {name[:64]!r} is not known and was not used.",
        where=where,
        code="not-supported",
    )


def wrong(what: str, where: str, code: str = "structure") -> NotUnderstood:
    """What came cannot be read."""
    return NotUnderstood(Problem(what, where=where, code=code))


def require_valid(problems: tuple[Problem, ...]) -> None:
    """NotUnderstood when the validator found something."""
    if problems:
        raise NotUnderstood(*problems)
