"""Which code stands for which input: the content's codings, turned round once per content."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.content import Content, Input, Instrument
from app.fhir.canon import FINDING, INSTRUMENT_SCORE, LOINC


@dataclass(frozen=True, slots=True)
class Terms:
    """Look-ups by code. ``ordinals`` gives the number of a coded answer of an instrument."""

    inputs: Mapping[tuple[str, str], Input]
    items: Mapping[str, tuple[Instrument, ...]]
    ordinals: Mapping[tuple[str, str], int]
    scores: Mapping[str, Instrument]


def terms_of(content: Content) -> Terms:
    """Compile the look-ups."""
    inputs: dict[tuple[str, str], Input] = {}
    items: dict[str, tuple[Instrument, ...]] = {}
    ordinals: dict[tuple[str, str], int] = {}
    for known in content.inputs.values():
        inputs[(FINDING, known.name)] = known
        for pair in known.codings:
            inputs[pair] = known
    for instrument in content.instruments.values():
        inputs.setdefault((INSTRUMENT_SCORE, instrument.total), content.inputs[instrument.total])
        for item in instrument.items:
            items[item] = (*items.get(item, ()), instrument)
        for system, code, ordinal in instrument.answers:
            ordinals[(system, code)] = ordinal
    return Terms(inputs, items, ordinals, {i.total: i for i in content.instruments.values()})


def codings_of(concept: object) -> list[tuple[str, str]]:
    """The (system, code) pairs of a CodeableConcept or a Coding."""
    if not isinstance(concept, dict):
        return []
    codings = concept.get("coding", [concept]) if "coding" in concept else [concept]
    return [
        (c.get("system", ""), c["code"]) for c in codings if isinstance(c, dict) and "code" in c
    ]


def loinc_items(codings: list[tuple[str, str]]) -> list[str]:
    """The LOINC codes among them."""
    return [code for system, code in codings if system == LOINC]
