"""Observations as facts: findings, totals and items of instruments (contract §2)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.domain.facts import Fact, FactValue, SaidBy
from app.fhir.canon import LOINC
from app.fhir.reading.gathered import Gathered, Sitting, Source
from app.fhir.reading.items import points_of
from app.fhir.reading.terms import Terms, codings_of, first_input
from app.fhir.reading.times import instant, last_updated, span
from app.fhir.reading.values import NotRead, value_of

IGNORED = frozenset({"entered-in-error", "cancelled"})
PRELIMINARY = frozenset({"registered", "preliminary"})


def read_observation(resource: dict[str, Any], reference: str, gathered: Gathered) -> None:
    """Every fact that one Observation states; what is not understood is listed."""
    status = resource.get("status", "unknown")  # R4 allows an extension in its place
    if status in IGNORED:
        gathered.skip(reference, f"its status is {status}")
        return
    first, until = span(resource, "effective")
    at = first or instant(resource.get("issued")) or last_updated(resource) or gathered.as_of
    said_by = SaidBy.PATIENT if _is_from_patient(resource, gathered) else SaidBy.CLINICIAN
    source = Source(reference, at, said_by, status in PRELIMINARY, until)
    sitting = _sitting(resource, source, gathered)
    understood = _read_one(resource, "Observation", source, sitting, gathered)
    for number, component in enumerate(resource.get("component", ())):
        where = f"Observation.component[{number}]"
        understood = _read_one(component, where, source, sitting, gathered) or understood
    if not understood and "hasMember" not in resource:
        gathered.skip(reference, "not understood, its code stands for nothing we read")


def members(
    observations: Iterable[tuple[str, dict[str, Any]]], gathered: Gathered
) -> dict[str, tuple[str, frozenset[str]]]:
    """The panel of each Observation that one names as its member; the first by reference wins."""
    panels: dict[str, tuple[str, frozenset[str]]] = {}
    naming = [pair for pair in observations if "hasMember" in pair[1]]
    for reference, resource in sorted(naming, key=lambda pair: pair[0]):
        if resource.get("status") in IGNORED:
            continue
        about = _about(resource, gathered.terms)
        for member in resource["hasMember"]:
            panels.setdefault(gathered.named(member), (reference, about))
        panels.setdefault(reference, (reference, about))
    return panels


def _about(resource: dict[str, Any], terms: Terms) -> frozenset[str]:
    """The instruments that the code of an Observation names, as a panel or as their total."""
    named = (terms.panels.get(pair, frozenset()) for pair in codings_of(resource.get("code")))
    return frozenset().union(*named)


def _sitting(resource: dict[str, Any], source: Source, gathered: Gathered) -> Sitting:
    """The panel that this is a member of, this alone if it has components, or its instant."""
    panel = gathered.panels.get(source.reference)
    if panel is None and "component" in resource:
        panel = (source.reference, _about(resource, gathered.terms))
    key = ("", source.at) if panel is None else (panel[0], None)
    sitting = gathered.sittings.get(key)
    if sitting is None:
        sitting = gathered.sittings[key] = Sitting()
    if panel is not None:
        sitting.preferred |= panel[1]
        sitting.sources.add(source.reference)
    return sitting


def _is_from_patient(resource: dict[str, Any], gathered: Gathered) -> bool:
    performers = resource.get("performer")
    if not performers:
        return False
    return any("Patient/" in gathered.named(performer) for performer in performers)


def _read_one(
    holder: dict[str, Any], where: str, source: Source, sitting: Sitting, gathered: Gathered
) -> bool:
    """One code with its value; False when the code means nothing to us."""
    codings = codings_of(holder.get("code"))
    terms = gathered.terms
    known = first_input(codings, terms)
    items = [code for system, code in codings if system == LOINC and code in terms.items]
    if known is None and not items:
        return False
    if "dataAbsentReason" in holder:
        gathered.skip(source.reference, "has a dataAbsentReason: unknown, not absent")
        return True
    if not any(name.startswith("value") for name in holder):
        if "hasMember" not in holder and "component" not in holder:
            gathered.skip(source.reference, "has no value: unknown, not absent")
        return True
    if known is not None:
        value = value_of(holder, known, terms, f"{where}.value")
        if isinstance(value, NotRead):
            gathered.skip(source.reference, f"{known.name}: its value {value.why}")
        else:
            gathered.facts.append(_fact(known.name, value, source))
    for code in items:
        points = points_of(holder, terms.items[code], f"{where}.value")
        if isinstance(points, Decimal):
            sitting.keep(code, points, source)
        elif known is None:
            gathered.skip(source.reference, f"item {code}: its value {points.why}")
    return True


def _fact(name: str, value: FactValue, source: Source) -> Fact:
    return Fact(
        name,
        value,
        source.at,
        source.said_by,
        source.reference,
        source.preliminary,
        source.until,
    )
