"""Goals as Goal resources: baseline and target by the MIC rule, or in the patient's own words."""

from app.domain.frame import Frame
from app.domain.goals import Goal
from app.fhir.canon import UCUM
from app.fhir.writing.elements import (
    Json,
    code,
    identifier,
    meta,
    number,
    output_id,
    patient,
    profile,
)


def goal_id(frame: Frame, goal: str) -> str:
    """The id of one goal of this decision."""
    return output_id(frame, f"Goal/{goal}")


def goal_resource(goal: Goal, frame: Frame, phenotype_id: str, start: str) -> Json:
    """A proposed goal; a target without a known measure is only a date."""
    description = code("goal", goal.id)
    description["text"] = _text(goal)
    target: Json = {} if goal.due is None else {"dueDate": goal.due.isoformat()}
    if goal.measure is not None and goal.target is not None:
        measure = goal.measure
        coding: Json = {"system": measure.coding.system, "code": measure.coding.code}
        if measure.coding.display:
            coding["display"] = measure.coding.display
        target = {
            "measure": {"coding": [coding], "text": measure.label},
            "detailQuantity": {
                "value": number(goal.target),
                "comparator": ">=" if measure.is_higher_better else "<=",
                "unit": measure.unit,
                "system": UCUM,
                "code": measure.unit,
            },
            **target,
        }
    resource: Json = {
        "resourceType": "Goal",
        "id": goal_id(frame, goal.id),
        "meta": meta(profile("painplan-goal")),
        "identifier": identifier(frame),
        "lifecycleStatus": "proposed",
        "description": description,
        "subject": patient(frame),
        "startDate": start,
        "addresses": [{"reference": f"Observation/{phenotype_id}"}],
    }
    if target:
        resource["target"] = [target]
    if goal.baseline is not None and goal.measure is not None:
        better = "bring it up" if goal.measure.is_higher_better else "bring it down"
        kept = "keep it" if goal.is_to_keep else better
        resource["note"] = [{"text": f"Baseline {goal.baseline} ({goal.source}): {kept}."}]
    return resource


def _text(goal: Goal) -> str:
    if goal.own_words:
        return f"{goal.label}: {goal.own_words}"
    if goal.measure is not None and goal.target is not None:
        side = "at or above" if goal.measure.is_higher_better else "at or below"
        return f"{goal.label}: {goal.measure.label} {side} {goal.target}"
    return goal.label
