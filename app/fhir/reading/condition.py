"""Conditions, medicines and allergies as they came: codes, dates, whether they are current."""

from datetime import datetime, timedelta
from typing import Any

from app.domain.facts import CodedAllergy, CodedCondition, CodedMedicine
from app.fhir.reading.completeness import closed_list
from app.fhir.reading.dosage import daily_dose
from app.fhir.reading.gathered import Gathered
from app.fhir.reading.terms import codings_of
from app.fhir.reading.times import end_of, instant, last_instant, last_updated, start_of

OVER = frozenset({"inactive", "resolved"})
CURRENT = frozenset({"active", "recurrence", "relapse"})
NOT_HELD = frozenset({"refuted", "entered-in-error"})
TAKEN = frozenset({"active", "on-hold"})
VOID = frozenset({"entered-in-error", "draft", "cancelled", "not-taken"})
NOT_ORDERED = frozenset({"proposal", "plan", "option"})
DAYS_A_YEAR = 365.25


def read_condition(
    resource: dict[str, Any], reference: str, gathered: Gathered, born: datetime | None
) -> CodedCondition | None:
    """A problem-list entry; None (and listed) when it is refuted or was entered in error."""
    verification = {code for _, code in codings_of(resource.get("verificationStatus"))}
    if verification & NOT_HELD:
        gathered.skip(reference, f"its verificationStatus is {min(verification)}")
        return None
    clinical = {code for _, code in codings_of(resource.get("clinicalStatus"))}
    onset = start_of(resource, "onset") or _onset_by_age(resource, born)
    recorded = instant(resource.get("recordedDate"))
    until = onset and (end_of(resource, "onset") or onset)
    return CodedCondition(
        system_codes=tuple(codings_of(resource.get("code"))),
        current=not clinical or bool(clinical & CURRENT),
        onset=onset or recorded,
        abated=end_of(resource, "abatement"),
        at=onset or recorded or last_updated(resource) or gathered.as_of,
        source=reference,
        onset_until=until or last_instant(resource.get("recordedDate")),
    )


def _onset_by_age(resource: dict[str, Any], born: datetime | None) -> datetime | None:
    age = resource.get("onsetAge")
    if not isinstance(age, dict) or born is None or age.get("code", "a") != "a":
        return None
    if "value" not in age:
        return None
    try:
        return born + timedelta(days=float(age["value"]) * DAYS_A_YEAR)
    except OverflowError:
        return None


def read_medicine(
    resource: dict[str, Any], reference: str, gathered: Gathered
) -> CodedMedicine | None:
    """A medicine; None (and listed) when it was never taken or entered in error."""
    status = str(resource.get("status", "unknown"))
    if status in VOID:
        gathered.skip(reference, f"its status is {status}")
        return None
    if resource.get("doNotPerform") is True:
        gathered.skip(reference, "it says what not to give (doNotPerform)")
        return None
    if resource.get("intent") in NOT_ORDERED and not _is_reported(resource):
        gathered.skip(reference, f"its intent is {resource['intent']}: not known to be taken")
        return None
    concept = _concept(resource)
    at = (
        instant(resource.get("authoredOn"))
        or start_of(resource, "effective")
        or instant(resource.get("dateAsserted"))
        or last_updated(resource)
        or gathered.as_of
    )
    return CodedMedicine(
        system_codes=tuple(codings_of(concept)) if concept.get("coding") else (),
        text=words_of(concept),
        current=status in TAKEN,
        at=at,
        source=reference,
        daily_dose=daily_dose(resource),
    )


def _is_reported(resource: dict[str, Any]) -> bool:
    """US Core lists what a patient says to take as a MedicationRequest with the intent plan."""
    return resource.get("reportedBoolean") is True or "reportedReference" in resource


def words_of(concept: dict[str, Any]) -> str:
    """Text and displays, for matching by name when no code does."""
    displays = (str(c.get("display", "")) for c in concept.get("coding", ()))
    return " ".join(filter(None, (str(concept.get("text", "")), *displays)))


def read_allergy(
    resource: dict[str, Any], reference: str, gathered: Gathered
) -> CodedAllergy | None:
    """An allergy; None when it is refuted, no longer there, or says that there is none."""
    verification = {code for _, code in codings_of(resource.get("verificationStatus"))}
    clinical = {code for _, code in codings_of(resource.get("clinicalStatus"))}
    if verification & NOT_HELD:
        gathered.skip(reference, f"its verificationStatus is {min(verification)}")
        return None
    if clinical & OVER or closed_list(resource) is not None:
        return None
    concepts = [resource.get("code", {})]
    concepts += [r["substance"] for r in resource.get("reaction", ()) if "substance" in r]
    categories = set(resource.get("category", ()))
    return CodedAllergy(
        system_codes=tuple(pair for c in concepts if c.get("coding") for pair in codings_of(c)),
        text=" ".join(words_of(c) for c in concepts),
        is_to_medicine=not categories or bool(categories & {"medication", "biologic"}),
        at=instant(resource.get("recordedDate")) or gathered.as_of,
        source=reference,
    )


def _concept(resource: dict[str, Any]) -> dict[str, Any]:
    concept = resource.get("medicationCodeableConcept")
    if isinstance(concept, dict):
        return concept
    reference = str(resource.get("medicationReference", {}).get("reference", ""))
    for contained in resource.get("contained", ()):
        is_medication = contained["resourceType"] == "Medication"
        if is_medication and reference == f"#{contained.get('id')}":
            found = contained.get("code", {})
            return found if isinstance(found, dict) else {}
    return {}
