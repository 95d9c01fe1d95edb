"""The CarePlan: status draft, intent proposal, every activity with its rule and evidence."""

from collections.abc import Mapping
from typing import Any

from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.frame import Frame
from app.domain.gate import REPLACES_THE_PLAN
from app.domain.plan_types import Activity
from app.fhir.canon import PLAN_DEFINITION
from app.fhir.writing.activity import activity_row
from app.fhir.writing.drivers import DRIVERS
from app.fhir.writing.elements import (
    DEVICE,
    Json,
    identifier,
    meta,
    output_id,
    patient,
    profile,
)
from app.fhir.writing.goal import goal_id
from app.fhir.writing.narrative import conclusion, narrative
from app.fhir.writing.observations import GATE, PHENOTYPE
from app.fhir.writing.score import score_id

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan"
CATEGORIES = [
    {
        "coding": [
            {
                "system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
                "code": "assess-plan",
            }
        ]
    },
    {
        "coding": [
            {
                "system": "http://loinc.org",
                "code": "80764-4",
                "display": "Pain medicine Plan of care note",
            }
        ]
    },
]
REVIEW = "RV-01"
BY_THE_GATE = ("ESC-", "REF-", "ASK-01")
DRIVER = "driver"


def care_plan_id(frame: Frame) -> str:
    """The id of this decision's plan."""
    return output_id(frame, "CarePlan")


def care_plan(
    decision: Decision,
    content: Content,
    frame: Frame,
    at: str,
    constants: Mapping[str, Mapping[str, Any]],
) -> Json:
    """The whole plan as one resource."""
    gate = {"reference": f"Observation/{output_id(frame, GATE)}"}
    phenotype = {"reference": f"Observation/{output_id(frame, PHENOTYPE)}"}
    led_by = {"reference": f"Observation/{output_id(frame, DRIVERS)}"}
    goals = {g.id: {"reference": f"Goal/{goal_id(frame, g.id)}"} for g in decision.plan.goals}
    scores = [{"reference": f"Observation/{score_id(s, frame)}"} for s in decision.scores]
    reviews = [day.isoformat() for day in decision.plan.reviews]
    resource: Json = {
        "resourceType": "CarePlan",
        "id": care_plan_id(frame),
        "meta": meta(profile("painplan-careplan"), US_CORE),
        "text": {"status": "generated", "div": narrative(decision, content, frame, constants)},
        "identifier": identifier(frame),
        "instantiatesCanonical": [f"{PLAN_DEFINITION}|{content.version}"],
        "status": "draft",
        "intent": "proposal",
        "category": CATEGORIES,
        "title": _title(decision),
        "description": _description(decision, content),
        "subject": patient(frame),
        "period": {"start": at[:10]},
        "created": at,
        "author": DEVICE,
        "supportingInfo": [gate, phenotype, led_by, *scores],
    }
    if frame.replaces is not None:
        resource["replaces"] = [{"reference": f"CarePlan/{frame.replaces}"}]
    if frame.encounter is not None:
        resource["encounter"] = {"reference": frame.encounter}
    people = [p for p in (frame.practitioner, frame.organization) if p is not None]
    if people:
        resource["contributor"] = [{"reference": p} for p in people]
    if frame.conditions:
        resource["addresses"] = [{"reference": c} for c in frame.conditions]
    if goals:
        resource["goal"] = list(goals.values())
    rows = [
        activity_row(
            activity,
            constants[activity.id],
            reason=_reason(activity, gate, phenotype, led_by),
            goals=_goals_of(activity, content, goals),
            reviews=reviews if activity.id == REVIEW else [],
        )
        for activity in decision.plan.activities
    ]
    if rows:
        resource["activity"] = rows
    return resource


def _reason(activity: Activity, gate: Json, phenotype: Json, led_by: Json) -> Json:
    """The Observation that an activity answers."""
    if activity.id.startswith(BY_THE_GATE):
        return gate
    return led_by if activity.stage == DRIVER else phenotype


def _goals_of(activity: Activity, content: Content, goals: Mapping[str, Json]) -> list[Json]:
    return [goals[g] for g in content.interventions[activity.id].goals if g in goals]


def _title(decision: Decision) -> str:
    if decision.gate.level in REPLACES_THE_PLAN:
        return f"Low back pain: {decision.gate.level.value} red flag, no routine plan"
    match decision.plan.scope:
        case "scope.not-low-back":
            return "Outside the scope: the pain is not in the low back"
        case "scope.limited":
            return "Low back pain: limited plan"
        case _:
            return "Chronic low back pain: personalised plan"


def _description(decision: Decision, content: Content) -> str:
    said = [conclusion(decision), content.texts[f"gate.{decision.gate.level.value}"]]
    if decision.plan.scope:
        said.append(content.texts[decision.plan.scope])
    return " ".join(said)
