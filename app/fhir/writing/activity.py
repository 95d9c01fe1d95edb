"""One row of the plan as CarePlan.activity: the constant part is built once a content."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from app.domain.content import Content
from app.domain.content_parts import Intervention
from app.domain.plan_types import DO_NOT, Activity
from app.fhir.canon import ACTIVITY, CANON
from app.fhir.writing.elements import Json, profile, written
from app.fhir.writing.narrative import row_of

RANK, STAGE = profile("activity-rank"), profile("activity-stage")
RULE, EVIDENCE = profile("activity-rule"), profile("activity-evidence")
DISSENT = profile("activity-dissent")
MEDICINE = "MedicationRequest"
RULE_SYSTEM = f"{CANON}/CodeSystem/rule"


def constants(content: Content) -> dict[str, Json]:
    """What never changes about each intervention: its code, its evidence, its narrative."""
    return {id_: _constant(item, content) for id_, item in content.interventions.items()}


def _constant(item: Intervention, content: Content) -> Json:
    codings: list[Json] = [{"system": ACTIVITY, "code": item.id, "display": item.label}]
    for coding in item.codings:
        standard: Json = {"system": coding.system, "code": coding.code}
        if coding.display:
            standard["display"] = coding.display
        codings.append(standard)
    evidence = []
    for name in item.evidence:
        citation = content.citations[name]
        evidence.append(
            {
                "url": EVIDENCE,
                "extension": [
                    {"url": "reference", "valueString": citation.reference},
                    {"url": "grade", "valueCode": citation.grade},
                    {"url": "mark", "valueCode": citation.mark},
                ],
            }
        )
    disagreement = dissent(item.id, content)
    if disagreement:
        evidence.append({"url": DISSENT, "valueMarkdown": disagreement})
    constant: Json = {
        "kind": item.kind,
        "code": written({"coding": codings, "text": item.label}),
        "evidence": [written(one) for one in evidence],
        "row": row_of(item, content),
    }
    if item.kind == MEDICINE and item.products:
        constant["product"] = _product(item)
    timing = _timing(item)
    if timing is not None:
        constant["scheduledTiming"] = written(timing)
    return constant


def _product(item: Intervention) -> Json:
    """One ingredient by RxNorm: of a class the first, for codings of one concept mean one thing.

    The others that may stand in its place are in the content, not in the plan. A route that makes
    the medicine (a gel) has no ingredient alone for a code (amendment 18).
    """
    first = item.products[0]
    coding = {"system": first.system, "code": first.code, "display": first.display}
    return {"coding": [coding], "text": first.display.lower()}


def dissent(activity: str, content: Content) -> str:
    """What the guidelines say where they disagree, each with its mark; empty where they do not."""
    said = [s for s in content.stances if s.intervention == activity]
    if not {"for", "against"} <= {s.direction for s in said}:
        return ""
    told = (
        f"{s.profile}{'' if s.mechanism == 'any' else f' ({s.mechanism})'}: {s.says} [{s.mark}]"
        for s in said
        if s.direction != "silent"
    )
    return "; ".join(told)


def _timing(item: Intervention) -> Json | None:
    dose = item.dose
    if dose is None:
        return None
    repeat: Json = {}
    if dose.weeks is not None:
        repeat["boundsDuration"] = {
            "value": dose.weeks,
            "unit": "wk",
            "system": "http://unitsofmeasure.org",
            "code": "wk",
        }
    for name, value in (
        ("frequency", dose.frequency),
        ("frequencyMax", dose.frequency_max),
        ("period", dose.period),
        ("periodUnit", dose.period_unit or None),
    ):
        if value is not None:
            repeat[name] = value
    return {"repeat": repeat}


@lru_cache(maxsize=256)
def _rank(rank: int) -> orjson.Fragment:
    return written({"url": RANK, "valueInteger": rank})


@lru_cache(maxsize=256)
def _stage(stage: str) -> orjson.Fragment:
    return written({"url": STAGE, "valueCode": stage})


@lru_cache(maxsize=4096)
def _rule(rule: str) -> orjson.Fragment:
    """The rules of the content are always the same few hundred."""
    return written({"url": RULE, "valueCoding": {"system": RULE_SYSTEM, "code": rule}})


def activity_row(
    activity: Activity,
    constant: Mapping[str, Any],
    *,
    reason: Json,
    goals: list[Json],
    reviews: list[str],
) -> Json:
    """``activity.detail`` in the order of contract §3."""
    detail: Json = {
        "extension": [
            _rank(activity.rank),
            _stage(activity.stage),
            *map(_rule, activity.rules),
            *constant["evidence"],
        ],
        "kind": constant["kind"],
        "code": constant["code"],
        "reasonReference": [reason],
    }
    if goals:
        detail["goal"] = goals
    detail["status"] = "not-started"
    detail["doNotPerform"] = activity.status == DO_NOT
    if reviews:
        detail["scheduledTiming"] = {"event": reviews}
    elif "scheduledTiming" in constant:
        detail["scheduledTiming"] = constant["scheduledTiming"]
    if "product" in constant:
        detail["productCodeableConcept"] = constant["product"]
    text = activity.text
    if activity.reasons:
        text = f"{text} ({'; '.join(activity.reasons)})"
    detail["description"] = text
    return {"detail": detail}
