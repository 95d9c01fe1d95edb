"""A stored CarePlan of ours as what an answer needs to know: its state and its activities."""

from datetime import date

import orjson

from app.domain.history import Stored
from app.domain.response import PlanStatus, PlanVersion
from app.fhir.canon import ACTIVITY
from app.fhir.reading.terms import codings_of
from app.fhir.reading.times import instant

REVIEW = "RV-01"
LATER = frozenset({"next-step", "do-not", "review"})


def plan_of(stored: Stored) -> PlanVersion:
    """We wrote it, so its elements are there."""
    version = stored.version
    plan = orjson.loads(version.body)
    made = instant(plan["created"])
    assert made is not None  # noqa: S101  (our own instant)
    return PlanVersion(
        id=version.id,
        version=version.version,
        status=PlanStatus(plan["status"]),
        made=made,
        sequence=stored.sequence,
        activities=tuple(
            code
            for row in plan.get("activity", ())
            for system, code in codings_of(row["detail"]["code"])
            if system == ACTIVITY
        ),
    )


def reviews_of(stored: Stored) -> tuple[date, ...]:
    """The days on which a plan of ours is to be looked at again, in their order."""
    resource = orjson.loads(stored.version.body)
    found = set()
    for activity in resource.get("activity", ()):
        detail = activity.get("detail", {})
        if detail.get("code", {}).get("coding", [{}])[0].get("code") == REVIEW:
            found |= set(detail.get("scheduledTiming", {}).get("event", ()))
    return tuple(sorted(date.fromisoformat(day[:10]) for day in found))


def activities_of(stored: Stored) -> tuple[str, ...]:
    """What a plan of ours asks for now: no prohibition, no later step, nothing that was refused."""
    resource = orjson.loads(stored.version.body)
    details = [activity["detail"] for activity in resource.get("activity", ())]
    return tuple(
        detail["code"]["coding"][0]["code"]
        for detail in details
        if not detail.get("doNotPerform")
        and detail.get("status") != "cancelled"
        and not LATER & {one.get("valueCode") for one in detail.get("extension", ())}
    )
