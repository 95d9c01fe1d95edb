"""Conditions, medicines and allergies as they came: codes, dates, whether they are current."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.domain.facts import CodedAllergy, CodedCondition, CodedMedicine
from app.fhir.reading.completeness import closed_list
from app.fhir.reading.dosage import MG, daily_dose
from app.fhir.reading.gathered import Gathered
from app.fhir.reading.terms import codings_of
from app.fhir.reading.times import instant, last_instant, last_updated, span

OVER = frozenset({"inactive", "resolved"})
CURRENT = frozenset({"active", "recurrence", "relapse"})
NOT_HELD = frozenset({"refuted", "entered-in-error"})
TAKEN = frozenset({"active", "on-hold"})
# Not known to be taken, and not known not to be.
DOUBTFUL = frozenset({"unknown", "intended"})
VOID = frozenset({"entered-in-error", "draft", "cancelled", "not-taken"})
NOT_ORDERED = frozenset({"proposal", "plan", "option"})
DAYS_A_YEAR = 365.25


def read_condition(
    resource: dict[str, Any], reference: str, gathered: Gathered, born: datetime | None
) -> CodedCondition | None:
    """A problem-list entry; None when it says that there is none, or (listed) is refuted."""
    if closed_list(resource) is not None:
        return None
    verification = {code for _, code in codings_of(resource.get("verificationStatus"))}
    if verification & NOT_HELD:
        gathered.skip(reference, f"its verificationStatus is {min(verification)}")
        return None
    clinical = {code for _, code in codings_of(resource.get("clinicalStatus"))}
    first, last = span(resource, "onset")
    onset = first or _onset_by_age(resource, born)
    recorded = instant(resource.get("recordedDate"))
    until = onset and (last or onset)
    return CodedCondition(
        system_codes=tuple(codings_of(resource.get("code"))),
        current=not clinical or bool(clinical & CURRENT),
        onset=onset or recorded,
        abated=span(resource, "abatement")[1],
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
    """A medicine; None when it says that there is none, or (listed) was never taken."""
    if closed_list(resource) is not None:
        return None
    status = str(resource.get("status", "unknown"))
    if status in VOID:
        gathered.skip(reference, f"its status is {status}")
        return None
    if resource.get("doNotPerform") is True:
        gathered.skip(reference, "it says that the medicine is not to be taken (doNotPerform)")
        return None
    medication = _medication(resource, gathered)
    concept = _concept(resource, medication)
    began, ended = _began(resource), _ended(resource, gathered.as_of)
    asserted = last_instant(resource.get("dateAsserted")) or last_updated(resource)
    dose = daily_dose(resource)
    return CodedMedicine(
        system_codes=tuple(codings_of(concept)) if concept.get("coding") else (),
        text=words_of(concept),
        current=status in TAKEN,
        at=began or ended or instant(resource.get("dateAsserted")) or asserted or gathered.as_of,
        source=reference,
        daily_dose=None if dose is None else dose.amount,
        dose_unit=MG if dose is None else dose.unit,
        manner=_manner(resource, medication),
        doubt=_doubt(resource, began, gathered.as_of),
        began=began,
        ended=ended,
        ended_by=asserted,
        replaces=tuple(_replaced(resource, gathered)),
        parts=() if concept.get("coding") else tuple(_parts(medication)),
    )


def _is_reported(resource: dict[str, Any]) -> bool:
    """US Core lists what a patient says to take as a MedicationRequest with the intent plan."""
    return resource.get("reportedBoolean") is True or "reportedReference" in resource


def _doubt(resource: dict[str, Any], began: datetime | None, as_of: datetime) -> str:
    """Why it is not known whether it is taken; empty when it is known."""
    status = str(resource.get("status", "unknown"))
    if status in DOUBTFUL:
        return f"its status is {status}: whether it is taken is not known"
    if resource.get("intent") in NOT_ORDERED and not _is_reported(resource):
        return f"its intent is {resource['intent']}: whether it is taken is not known"
    if began is not None and began > as_of:
        return "dated after asOf: whether it is taken is not known"
    return ""


def _began(resource: dict[str, Any]) -> datetime | None:
    period = resource.get("effectivePeriod", {})
    return (
        instant(resource.get("authoredOn"))
        or instant(period.get("start"))
        or instant(resource.get("effectiveDateTime"))
    )


def _ended(resource: dict[str, Any], as_of: datetime) -> datetime | None:
    """The end that the record gives; one still to come says nothing of when it was stopped."""
    ends = [resource.get("effectivePeriod", {}).get("end")]
    repeats = [one.get("timing", {}).get("repeat", {}) for one in _instructions(resource)]
    ends += [repeat.get("boundsPeriod", {}).get("end") for repeat in repeats]
    if resource.get("status") in TAKEN:  # a supply that ran out and was renewed
        ends.append(resource.get("dispenseRequest", {}).get("validityPeriod", {}).get("end"))
    told = [end for end in ends if (day := instant(end)) is not None and day <= as_of]
    known = [end for end in map(last_instant, told) if end is not None]
    return min(max(known), as_of) if known else None


def _instructions(resource: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return (*resource.get("dosageInstruction", ()), *resource.get("dosage", ()))


def _manner(resource: dict[str, Any], medication: dict[str, Any]) -> str:
    """The words of its route and its form."""
    concepts = [one["route"] for one in _instructions(resource) if "route" in one]
    concepts += [medication["form"]] if "form" in medication else []
    return " ".join(words_of(concept) for concept in concepts)


def _replaced(resource: dict[str, Any], gathered: Gathered) -> Iterator[str]:
    """References to the prescription before it, or to the one that a statement tells of."""
    named = [resource.get("priorPrescription")]
    if resource.get("resourceType") == "MedicationStatement":
        named += [*resource.get("basedOn", ()), *resource.get("derivedFrom", ())]
    for reference in named:
        if isinstance(reference, dict):
            yield gathered.named(reference)


def words_of(concept: dict[str, Any]) -> str:
    """Text and displays, for matching by name when no code does."""
    displays = (str(c.get("display", "")) for c in concept.get("coding", ()))
    return " ".join(filter(None, (str(concept.get("text", "")), *displays)))


def read_allergy(
    resource: dict[str, Any], reference: str, gathered: Gathered
) -> CodedAllergy | None:
    """An allergy; None when it says that there is none, or (listed) is refuted or over."""
    if closed_list(resource) is not None:
        return None
    verification = {code for _, code in codings_of(resource.get("verificationStatus"))}
    clinical = {code for _, code in codings_of(resource.get("clinicalStatus"))}
    if verification & NOT_HELD:
        gathered.skip(reference, f"its verificationStatus is {min(verification)}")
        return None
    if clinical & OVER:
        gathered.skip(reference, f"its clinicalStatus is {min(clinical)}")
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


def _medication(resource: dict[str, Any], gathered: Gathered) -> dict[str, Any]:
    """The Medication that it refers to: contained, or come along; empty where it is not at hand."""
    told = resource.get("medicationReference")
    reference = gathered.named(told).partition("/_history/")[0]
    for contained in resource.get("contained", ()):
        is_medication = contained["resourceType"] == "Medication"
        if is_medication and reference == f"#{contained.get('id')}":
            return dict(contained)
    return dict(gathered.medications.get("/".join(reference.split("/")[-2:]), {}))


def _parts(medication: dict[str, Any]) -> Iterator[tuple[tuple[tuple[str, str], ...], str]]:
    """Each ingredient, also one that only refers to what it is: it is one more, whichever."""
    for one in medication.get("ingredient", ()):
        concept = one.get("itemCodeableConcept", {})
        said = words_of(concept) or str(one.get("itemReference", {}).get("display", ""))
        yield tuple(codings_of(concept)) if concept.get("coding") else (), said


def _concept(resource: dict[str, Any], medication: dict[str, Any]) -> dict[str, Any]:
    """What is taken: coded on the resource itself, or by its Medication, by the display beside."""
    concept = resource.get("medicationCodeableConcept")
    if isinstance(concept, dict):
        return concept
    found = medication.get("code", {})
    display = str(resource.get("medicationReference", {}).get("display", ""))
    said = " ".join(filter(None, (str(found.get("text", "")), display)))
    return {**found, "text": said}
