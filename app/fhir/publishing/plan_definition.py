"""PlanDefinition clbp-care: the stages of the derivation, and each activity with its rule."""

import re
from collections.abc import Iterable, Sequence

from app.domain.content import Content
from app.domain.content_parts import Citation, GoalMeasure, Placement
from app.fhir.canon import ACTIVITY, CANON, UCUM
from app.fhir.publishing.activity_definitions import definition_of
from app.fhir.publishing.resource import Json, coding, concept, published
from app.fhir.publishing.words import ACTIVITY_STAGE

RULE = f"{CANON}/CodeSystem/rule"
GOAL = f"{CANON}/CodeSystem/goal"
TYPES = "http://terminology.hl7.org/CodeSystem"
STAGES = {
    "A": ("Applicability", "Is this an adult with chronic low back pain?"),
    "B": ("Red-flag gate", "Was a red flag reported, how urgent is it, and what was not asked?"),
    "C": ("Neuropathic grade", "How far does the evidence for neuropathic pain go?"),
    "D": ("Nociplastic grade", "How far does the evidence for nociplastic pain go?"),
    "E": ("Nociceptive support", "How far is nociceptive pain supported?"),
    "F": ("Phenotype", "Which mechanism is established, suspected, or not to be told yet?"),
    "G": ("Drivers", "What keeps the pain going, whatever its mechanism?"),
    "H": ("What to ask next", "Which open questions would change a conclusion?"),
}
ROWS = {
    "always": "in every plan",
    "foundation": "in every plan within the scope",
    "finding": "where it was found, whatever the mechanism",
    "limited": "outside the scope of the rules",
    "do-not": "in every plan",
    "review": "in every plan",
}
# The gate places these itself, before any row (app/domain/plan.py).
BY_THE_GATE = {
    "ESC-01": ("P-12", "An emergency red flag replaces the plan."),
    "ESC-02": ("P-12", "An urgent red flag replaces the plan."),
    "ESC-03": ("P-12", "A sign of self-harm comes before everything else."),
    "REF-01": ("P-11", "A red flag asks for a check beside the plan."),
    "ASK-01": ("P-09", "A question of the red-flag screen is open."),
    "ASK-02": ("P-10", "An answer that is missing may change the plan."),
    "ASK-03": ("P-13", "A medicine is a choice, or a part of the foundation was declined."),
}
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def plan_definition(content: Content) -> Json:
    """The protocol that ``$apply`` applies."""
    plan = published(
        content,
        "PlanDefinition",
        "clbp-care",
        name="ClbpCare",
        title="Care of chronic low back pain by mechanism",
        description=(
            "From what was reported and examined to the red-flag gate, the pain mechanism and a "
            "plan whose every activity names its rule and its evidence. Applied by $apply or "
            "$derive of this service, which holds the rules."
        ),
    )
    plan["type"] = concept(
        f"{TYPES}/plan-definition-type", "clinical-protocol", "Clinical Protocol"
    )
    plan["subjectCodeableConcept"] = concept(
        "http://hl7.org/fhir/resource-types", "Patient", "Patient"
    )
    plan["purpose"] = content.intended_use
    plan["relatedArtifact"] = [_cited(c) for c in _used(content)]
    plan["goal"] = [_goal(content, id_) for id_ in content.goals]
    plan["action"] = [_derivation(content), _gate_actions(content), *_plan_actions(content)]
    return {key: value for key, value in plan.items() if value != []}


def _derivation(content: Content) -> Json:
    has = {rule.stage for rule in content.rules} | {"H"}
    return {
        "id": "derivation",
        "title": "Derive the mechanism",
        "description": "The stages of the derivation, in this order.",
        "action": [
            {"id": f"stage-{stage}", "prefix": stage, "title": title, "description": question}
            for stage, (title, question) in STAGES.items()
            if stage in has
        ],
    }


def _gate_actions(content: Content) -> Json:
    return {
        "id": "gate",
        "title": "What the red-flag gate asks for",
        "description": "Comes before every other activity, the most urgent first.",
        "action": [
            _action(content, activity, rule, why, "gate")
            for activity, (rule, why) in BY_THE_GATE.items()
            if activity in content.interventions
        ],
    }


def _plan_actions(content: Content) -> Iterable[Json]:
    for stage, (title, meaning) in ACTIVITY_STAGE.items():
        placed = [p for p in content.placements if p.stage == stage]
        if placed:
            yield {
                "id": f"plan-{stage}",
                "title": title,
                "description": meaning,
                "action": [
                    _action(content, p.activity, p.rule, _when(p, content), _place(p, placed))
                    for p in placed
                ],
            }


def _place(placement: Placement, placed: Sequence[Placement]) -> str:
    """Stage and row, or the driver; counted where one activity stands there more than once."""
    place = f"{placement.stage}-{placement.driver or placement.row}"
    same = [
        p
        for p in placed
        if (p.activity, p.row, p.driver) == (placement.activity, placement.row, placement.driver)
    ]
    number = same.index(placement)
    return f"{place}-{number + 1}" if number else place


def _when(placement: Placement, content: Content) -> str:
    row = ROWS.get(placement.row, f"when {placement.row} pain is established")
    if placement.driver:
        driver = content.drivers[placement.driver]
        level = max(placement.driver_from, driver.counts_from)
        row = f"when the driver {driver.label.lower()} is {level} or more"
    names = [content.slot_names[slot] for slot in placement.when]
    parts = (
        row,
        f"severity {' or '.join(placement.severity)}" if placement.severity else "",
        f"while {', '.join(names)} holds" if names else "",
        f"at step {' or '.join(map(str, placement.steps))} of care" if placement.steps else "",
        placement.trigger,
    )
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}."


def _action(content: Content, activity: str, rule: str, when: str, place: str) -> Json:
    item = content.interventions[activity]
    action: Json = {
        "id": f"{place}-{activity}",
        "title": item.label,
        "description": when,
        "code": [concept(ACTIVITY, item.id, item.label)],
        "definitionCanonical": definition_of(item),
    }
    known = content.rule_by_id.get(rule)
    if known is not None:
        action["reason"] = [concept(RULE, rule, known.label)]
    if item.text:
        action["textEquivalent"] = item.text.replace("{crisis}", content.texts.get("crisis", ""))
    if item.evidence:
        action["documentation"] = [_cited(content.citations[name]) for name in item.evidence]
    goals = [f"goal-{goal}" for goal in item.goals if goal in content.goals]
    if goals:
        action["goalId"] = goals
    return action


def _goal(content: Content, id_: str) -> Json:
    """A goal with every measure it may be followed by; the first one known of a patient is used."""
    goal = content.goals[id_]
    made: Json = {
        "id": f"goal-{id_}",
        "description": {"coding": [coding(GOAL, id_, goal.label)], "text": goal.label},
    }
    days = goal.due.days if goal.due is not None else 0
    due = {"value": days, "unit": "d", "system": UCUM, "code": "d"}
    targets = [_target(measure, due if days else None) for measure in goal.measures]
    return {**made, "target": targets} if targets else made


def _target(measure: GoalMeasure, due: Json | None) -> Json:
    code = coding(measure.coding.system, measure.coding.code, measure.coding.display)
    target: Json = {"measure": {"coding": [code], "text": measure.label}}
    return {**target, "due": due} if due else target


def _used(content: Content) -> list[Citation]:
    names = [name for rule in content.rules for name in rule.evidence]
    names += [name for finding in content.findings.values() for name in finding.evidence]
    names += [name for item in content.interventions.values() for name in item.evidence]
    names += [n for goal in content.goals.values() for m in goal.measures for n in m.evidence]
    return [content.citations[name] for name in dict.fromkeys(names)]


def _cited(citation: Citation) -> Json:
    number = f" ({citation.number})" if citation.number else ""
    made: Json = {
        "type": "citation",
        "label": citation.id,
        "display": citation.claim,
        "citation": f"{citation.reference}: {citation.claim}{number} [{citation.mark}]",
    }
    doi = _DOI.match(citation.reference)
    if doi:
        made["url"] = f"https://doi.org/{doi[0]}"
    elif re.match(r"https?://\S+\Z", citation.reference):
        made["url"] = citation.reference
    return made
