"""What everything we publish has in common: canonical, version, state and narrative."""

from html import escape
from typing import Any

from app.domain.content import Content
from app.fhir.canon import CANON

Json = dict[str, Any]
PUBLISHER = "Painplan"
FHIR_VERSION = "4.0.1"


def canonical(type_: str, id_: str) -> str:
    """Where a resource of ours is known; its last segment is the id."""
    return f"{CANON}/{type_}/{id_}"


def published(  # noqa: PLR0913  (the head of a conformance resource)
    content: Content, type_: str, id_: str, *, name: str, title: str, description: str
) -> Json:
    """The head of a conformance resource; experimental while no clinician has signed."""
    return {
        "resourceType": type_,
        "id": id_,
        "language": "en",
        "text": narrative(title, description),
        "url": canonical(type_, id_),
        "version": content.version,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": not content.signed,
        "date": content.released_on,
        "publisher": PUBLISHER,
        "description": description,
    }


def narrative(title: str, text: str) -> Json:
    """Title and text as XHTML, so that no resource needs a program to be understood."""
    body = f"<p><b>{escape(title)}</b></p><p>{escape(text)}</p>"
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">{body}</div>',
    }


def pascal(id_: str) -> str:
    """A computer name for an id: ``phq-9`` becomes ``Phq9`` (invariants vsd-0, csd-0 and kin)."""
    return "".join(part[:1].upper() + part[1:] for part in id_.split("-"))


def concept(system: str, code: str, display: str = "") -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [coding(system, code, display)]}


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding; the display is left out where none is known."""
    made = {"system": system, "code": code}
    return {**made, "display": display} if display else made
