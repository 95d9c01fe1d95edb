"""What is already ordered: an active referral or service of a kind that a plan may name."""

from typing import Any

from app.domain.facts import Fact, SaidBy
from app.domain.placing import UNDER_WAY
from app.fhir.reading.gathered import Gathered
from app.fhir.reading.terms import codings_of
from app.fhir.reading.times import instant, last_updated

CURRENT = frozenset({"active", "on-hold"})
NOT_ORDERED = frozenset({"proposal", "plan", "option"})


def read_service(resource: dict[str, Any], reference: str, gathered: Gathered) -> None:
    """One fact an activity that it stands for; anything else is listed."""
    why_not = _why_not(resource)
    if why_not:
        gathered.skip(reference, why_not)
        return
    known = {
        activity
        for pair in codings_of(resource.get("code"))
        for activity in gathered.terms.services.get(pair, ())
    }
    if not known:
        gathered.skip(reference, "kept; no activity of a plan is ordered by its code")
        return
    at = instant(resource.get("authoredOn")) or last_updated(resource) or gathered.as_of
    for activity in sorted(known):
        gathered.facts.append(Fact(UNDER_WAY, activity, at, SaidBy.CLINICIAN, reference))


def _why_not(resource: dict[str, Any]) -> str:
    status, intent = str(resource.get("status", "unknown")), str(resource.get("intent", ""))
    if status not in CURRENT:
        return f"its status is {status}: nothing is under way by it"
    if intent in NOT_ORDERED:
        return f"its intent is {intent}: nothing is ordered by it"
    if resource.get("doNotPerform") is True:
        return "it says that this is not to be done (doNotPerform)"
    return ""
