"""What a questionnaire response yields, as Observations in a transaction (SDC ``$extract``)."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from app.domain.content import Content
from app.domain.content_parts import Input, ValueType
from app.domain.facts import Bounds, ComputedScore, Fact, Record, SaidBy
from app.domain.submission import Received
from app.fhir.canon import FINDING, INSTRUMENT_SCORE, LOINC, UCUM
from app.fhir.publishing.findings import answers, findings
from app.fhir.writing.elements import SURVEY, Json, number

NAMESPACE = uuid.UUID("9b7c0f6e-8a55-5c1d-b7d3-6a0f3c1f9e42")
PERFORMERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson")


def extraction(received: Received, record: Record, content: Content) -> bytes:
    """A transaction Bundle with one Observation for each finding and each total, in their order.

    The same response gives the same ``urn:uuid`` fullUrls. A total between bounds is no total, and
    no Observation states it.
    """
    response = received.parsed
    assert isinstance(response, dict)  # noqa: S101  (validated before it is read)
    made = list(_observations(response, record, content))
    bundle: Json = {"resourceType": "Bundle", "type": "transaction"}
    if made:
        digest = received.sha256.hex()
        bundle["entry"] = [
            {
                "fullUrl": f"urn:uuid:{uuid.uuid5(NAMESPACE, f'{digest} {place}')}",
                "resource": observation,
                "request": {"method": "POST", "url": "Observation"},
            }
            for place, observation in enumerate(made)
        ]
    return orjson.dumps(bundle)


def _observations(response: Json, record: Record, content: Content) -> Iterator[Json]:
    scored = {content.instruments[s.instrument].total: s for s in record.scores}
    asked = {known.name for known in findings(content)}
    for fact in record.facts:
        known = content.inputs[fact.input]
        if isinstance(fact.value, Bounds):
            continue
        observation = _observation(response, fact)
        observation["code"] = _code(known, is_finding=known.name in asked)
        observation |= _value(known, fact.value, content)
        if known.name in scored:
            _add_items(observation, scored[known.name], content)
        yield observation


def _observation(response: Json, fact: Fact) -> Json:
    """What the response says about every one of its answers."""
    observation: Json = {"resourceType": "Observation"}
    if "id" in response:
        named = {"reference": f"QuestionnaireResponse/{response['id']}"}
        observation["derivedFrom"] = [named]
    observation |= {"status": "preliminary" if fact.preliminary else "final", "category": SURVEY}
    for name in ("subject", "encounter"):
        if name in response:
            observation[name] = response[name]
    authored = response.get("authored")
    observation["effectiveDateTime"] = authored or _instant(fact.at)
    performer = _performer(response, fact)
    if performer is not None:
        observation["performer"] = [performer]
    return observation


def _performer(response: Json, fact: Fact) -> Any:
    """Who says so: the patient, or the author where R4 lets one perform an Observation."""
    if fact.said_by is SaidBy.PATIENT:
        return response.get("subject")
    author = response.get("author", {})
    type_ = str(author.get("reference", "")).split("/")
    return author if len(type_) > 1 and type_[-2] in PERFORMERS else None


def _code(known: Input, *, is_finding: bool) -> Json:
    """Our own code of a finding, then the standard one; of a total the standard one, or ours."""
    codings = [{"system": system, "code": code} for system, code in known.codings[:1]]
    if is_finding:
        codings = [{"system": FINDING, "code": known.name}, *codings]
    elif not codings:
        codings = [{"system": INSTRUMENT_SCORE, "code": known.name}]
    return {"coding": codings, "text": known.label}


def _value(known: Input, value: object, content: Content) -> Json:
    match value:
        case bool():
            return {"valueBoolean": value}
        case datetime():
            return {"valueDateTime": _instant(value)}
        case int() | Decimal() if known.unit:
            return {"valueQuantity": _quantity(Decimal(value), known.unit)}
        case int():
            return {"valueInteger": value}
        case Decimal():
            return {"valueQuantity": {"value": number(value)}}
        case _ if known.value_type is ValueType.CODE:
            return {"valueCodeableConcept": {"coding": [_coding(known, str(value), content)]}}
        case _:
            return {"valueString": str(value)}


def _coding(known: Input, value: str, content: Content) -> Json:
    system, choices = answers(known, content)
    display = dict(choices).get(value)
    coding = {"system": system, "code": value}
    return {**coding, "display": display} if display else coding


def _add_items(observation: Json, score: ComputedScore, content: Content) -> None:
    """The points of each item beside their total, and how missing ones were handled."""
    instrument = content.instruments[score.instrument]
    observation["component"] = [
        {
            "code": {"coding": [{"system": LOINC, "code": item}]}
            if instrument.items[item].is_loinc
            else {"text": instrument.items[item].text},
            "valueQuantity": _quantity(points, instrument.items[item].unit),
        }
        for item, points in score.items
    ]
    if score.note:
        observation["note"] = [{"text": score.note}]


def _quantity(value: Decimal, unit: str) -> Json:
    return {"value": number(value), "unit": unit, "system": UCUM, "code": unit}


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
