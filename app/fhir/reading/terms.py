"""Which code stands for which input: the content's codings, turned round once per content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.content import Content
from app.domain.content_parts import Input, Instrument, Item
from app.domain.placing import UNDER_WAY
from app.domain.response import ACCEPTED_ACTIVITY
from app.fhir.canon import (
    ACTIVITY,
    EXAMINATION,
    FINDING,
    INSTRUMENT_SCORE,
    INTAKE,
    LOINC,
    QUESTIONNAIRE,
)

# Read of the answer to a plan, and of the orders on record: neither is stated of the patient.
NEVER_STATED = frozenset({ACCEPTED_ACTIVITY, UNDER_WAY})
Ordinals = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Terms:
    """Look-ups by code.

    ``ordinals`` gives the number of a coded answer, by the input that it answers; ``panels`` the
    instruments behind the code of a panel or of a total, ``forms`` those behind the canonical of
    each of our questionnaires (none for intake and examination); ``parts`` the subscales of an
    instrument; ``services`` the activities that are ordered by a code; ``links`` gives for the
    name of an input, a linkId of our forms, that input and the items of instruments so named.
    """

    inputs: Mapping[tuple[str, str], Input]
    items: Mapping[str, Item]
    ordinals: Mapping[str, Ordinals]
    instruments: tuple[Instrument, ...]
    panels: Mapping[tuple[str, str], frozenset[str]]
    forms: Mapping[str, frozenset[str]]
    parts: Mapping[str, tuple[Instrument, ...]]
    services: Mapping[tuple[str, str], tuple[str, ...]]
    links: Mapping[str, tuple[Input, tuple[str, ...]]]


def terms_of(content: Content) -> Terms:
    """Compile the look-ups."""
    inputs: dict[tuple[str, str], Input] = {}
    items: dict[str, Item] = {}
    ordinals: dict[str, Ordinals] = {}
    panels: dict[tuple[str, str], frozenset[str]] = {}
    forms: dict[str, frozenset[str]] = {INTAKE: frozenset(), EXAMINATION: frozenset()}
    parts: dict[str, tuple[Instrument, ...]] = {}
    for known in content.inputs.values():
        if known.asked_of == "order" or known.name in NEVER_STATED:
            continue  # what is ordered is read of the order
        inputs[(FINDING, known.name)] = known
        for pair in known.codings:
            inputs[pair] = known
    for instrument in content.instruments.values():
        total = content.inputs[instrument.total]
        inputs.setdefault((INSTRUMENT_SCORE, instrument.total), total)
        for code, item in instrument.items.items():
            items.setdefault(code, item)
            if item.becomes:
                ordinals[item.becomes] = ordinals_of(item)
        if instrument.part_of:
            parts[instrument.part_of] = (*parts.get(instrument.part_of, ()), instrument)
            continue
        own = frozenset({instrument.id})
        panel = [(LOINC, instrument.panel)] if instrument.panel else []
        for pair in (*panel, *total.codings):
            panels[pair] = panels.get(pair, frozenset()) | own
        if instrument.questionnaire:
            forms[f"{QUESTIONNAIRE}{instrument.questionnaire}"] = own
    whole = tuple(i for i in content.instruments.values() if i.items and not i.part_of)
    services = _services(content)
    links = {
        name: (known, (name,) if name in items else ())
        for (system, name), known in inputs.items()
        if system == FINDING and "/" not in name
    }
    return Terms(inputs, items, ordinals, whole, panels, forms, parts, services, links)


def ordinals_of(item: Item) -> Ordinals:
    """The points of each coded answer to an item."""
    return {(answer.system, answer.code): answer.points for answer in item.answers}


def _services(content: Content) -> dict[tuple[str, str], tuple[str, ...]]:
    """Our own code, and the standard ones that mean this activity and no other."""
    services: dict[tuple[str, str], tuple[str, ...]] = {}
    for intervention in content.interventions.values():
        for pair in ((ACTIVITY, intervention.id), *intervention.ordered_as):
            services[pair] = (*services.get(pair, ()), intervention.id)
    return services


def codings_of(concept: object) -> list[tuple[str, str]]:
    """The (system, code) pairs of a CodeableConcept or a Coding."""
    if not isinstance(concept, dict):
        return []
    if "coding" not in concept:
        return [(concept.get("system", ""), concept["code"])] if "code" in concept else []
    return [
        (c.get("system", ""), c["code"])
        for c in concept["coding"]
        if isinstance(c, dict) and "code" in c
    ]


def first_input(pairs: Iterable[tuple[str, str]], terms: Terms) -> Input | None:
    """The input that the first of them stands for."""
    for pair in pairs:
        known = terms.inputs.get(pair)
        if known is not None:
            return known
    return None
