"""The scores that we computed from items, as Observations with the points of each item."""

from app.domain.content import Content
from app.domain.content_parts import Input, Item
from app.domain.decision import Decision
from app.domain.facts import ComputedScore
from app.domain.frame import Frame
from app.fhir.canon import LOINC, UCUM
from app.fhir.writing.elements import (
    DEVICE,
    SURVEY,
    Json,
    identifier,
    meta,
    number,
    output_id,
    patient,
    profile,
)


def score_id(score: ComputedScore, frame: Frame) -> str:
    """One score for each instrument, source and time."""
    name = f"{score.instrument} {score.at.isoformat()} {' '.join(score.sources)}"
    return output_id(frame, f"Observation/score {name}")


def score_observations(decision: Decision, content: Content, frame: Frame) -> list[Json]:
    """A total each, dated as its answers are; a stated total is the sender's and not repeated."""
    return [_observation(score, content, frame) for score in decision.scores]


def _observation(score: ComputedScore, content: Content, frame: Frame) -> Json:
    instrument = content.instruments[score.instrument]
    total = content.inputs[instrument.total]
    observation: Json = {
        "resourceType": "Observation",
        "id": score_id(score, frame),
        "meta": meta(profile("painplan-score")),
        "identifier": identifier(frame),
        "status": "preliminary" if score.preliminary else "final",
        "category": SURVEY,
        "code": _code(total),
        "subject": patient(frame),
        "effectiveDateTime": score.at.isoformat().replace("+00:00", "Z"),
        "device": DEVICE,
        "derivedFrom": [{"reference": source} for source in score.sources],
        "valueQuantity": {
            "value": number(score.value),
            "unit": total.unit,
            "system": UCUM,
            "code": total.unit,
        },
        "component": [
            {
                "code": _item_code(instrument.items[item]),
                "valueQuantity": {
                    "value": number(points),
                    "unit": instrument.items[item].unit,
                    "system": UCUM,
                    "code": instrument.items[item].unit,
                },
            }
            for item, points in score.items
        ],
    }
    if score.note:
        observation["note"] = [{"text": score.note}]
    return observation


def _code(total: Input) -> Json:
    """The code of a total; a subscale without one goes by its name."""
    codings = [{"system": system, "code": code} for system, code in total.codings[:1]]
    return {"coding": codings, "text": total.label} if codings else {"text": total.label}


def _item_code(item: Item) -> Json:
    """The LOINC code of an item; one that LOINC lacks goes by its text."""
    if not item.is_loinc:
        return {"text": item.text}
    return {"coding": [{"system": LOINC, "code": item.code}]}
