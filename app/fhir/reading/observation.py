"""Observations as facts: findings, totals and items of instruments (contract §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.content import Instrument
from app.domain.facts import ComputedScore, Fact, NotUsed, SaidBy
from app.fhir.reading.terms import Terms, codings_of, loinc_items
from app.fhir.reading.times import instant, last_updated, start_of
from app.fhir.reading.values import NotRead, number_of, value_of

IGNORED = frozenset({"entered-in-error", "cancelled"})
PRELIMINARY = frozenset({"registered", "preliminary"})


@dataclass(slots=True)
class Gathered:
    """What is read so far; ``items`` holds single item answers until they can be scored.

    ``references`` gives ``Type/id`` for each fullUrl that a resource came under.
    """

    terms: Terms
    as_of: datetime
    facts: list[Fact] = field(default_factory=list)
    not_used: list[NotUsed] = field(default_factory=list)
    scores: list[ComputedScore] = field(default_factory=list)
    items: dict[tuple[str, datetime], dict[str, tuple[Decimal, Fact]]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)

    def skip(self, reference: str, why: str) -> None:
        """List something as not used."""
        self.not_used.append(NotUsed(reference, why))

    def named(self, reference: object) -> str:
        """``Type/id`` of what a Reference names, as far as it can be known."""
        if not isinstance(reference, dict):
            return ""
        told = str(reference.get("reference", ""))
        return self.references.get(told) or told or f"{reference.get('type', '')}/"


def read_observation(resource: dict[str, Any], reference: str, gathered: Gathered) -> None:
    """Every fact that one Observation states; what is not understood is listed."""
    status = resource.get("status", "unknown")  # R4 allows an extension in its place
    if status in IGNORED:
        gathered.skip(reference, f"its status is {status}")
        return
    at = (
        start_of(resource, "effective")
        or instant(resource.get("issued"))
        or last_updated(resource)
        or gathered.as_of
    )
    said_by = SaidBy.PATIENT if _is_from_patient(resource, gathered) else SaidBy.CLINICIAN
    source = _Source(reference, at, said_by, status in PRELIMINARY)
    understood = _read_one(resource, "Observation", source, gathered)
    for number, component in enumerate(resource.get("component", ())):
        where = f"Observation.component[{number}]"
        understood = _read_one(component, where, source, gathered) or understood
    if not understood and "hasMember" not in resource:
        gathered.skip(reference, "not understood, its code stands for nothing we read")


@dataclass(frozen=True, slots=True)
class _Source:
    reference: str
    at: datetime
    said_by: SaidBy
    preliminary: bool


def _is_from_patient(resource: dict[str, Any], gathered: Gathered) -> bool:
    performers = resource.get("performer", ())
    return any("Patient/" in gathered.named(performer) for performer in performers)


def _read_one(holder: dict[str, Any], where: str, source: _Source, gathered: Gathered) -> bool:
    """One code with its value; False when the code means nothing to us."""
    codings = codings_of(holder.get("code"))
    terms = gathered.terms
    known = next((terms.inputs[pair] for pair in codings if pair in terms.inputs), None)
    instruments = _instruments(codings, terms)
    if known is None and not instruments:
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
    for item, instrument in instruments:
        _keep_item(holder, item, instrument, source, gathered)
    return True


def _instruments(codings: list[tuple[str, str]], terms: Terms) -> list[tuple[str, Instrument]]:
    return [
        (item, instrument)
        for item in loinc_items(codings)
        for instrument in terms.items.get(item, ())
    ]


def _keep_item(
    holder: dict[str, Any],
    item: str,
    instrument: Instrument,
    source: _Source,
    gathered: Gathered,
) -> None:
    number = number_of(holder, "{score}", gathered.terms)
    if isinstance(number, NotRead):
        gathered.skip(source.reference, f"{instrument.label} item {item}: {number.why}")
        return
    fact = _fact(instrument.total, number, source)
    answered = gathered.items.setdefault((instrument.id, source.at), {})
    answered[item] = (number, fact)


def _fact(name: str, value: Any, source: _Source) -> Fact:
    return Fact(
        name, value, source.at, source.said_by, source.reference, preliminary=source.preliminary
    )
