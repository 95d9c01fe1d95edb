"""Which search parameters each type has, and where their values stand (R4, by HL7's own names).

One table: what is extracted, what a query may name and what the CapabilityStatement declares are
all read from here. Definitions and expressions are those of ``hl7.fhir.r4.core`` 4.0.1.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["token", "date", "uri", "string", "reference"]
CORE = "http://hl7.org/fhir/SearchParameter/"


class Parameter(NamedTuple):
    """One parameter of one type; ``paths`` are elements below the resource, ``a.b`` for nested.

    ``system`` is that of an element of the type code: its value set implies it, no resource says it
    (R4, 3.1.1.4.10).
    """

    name: str
    kind: Kind
    definition: str
    paths: tuple[str, ...] = ()
    system: str = ""


def _p(name: str, kind: Kind, definition: str, *paths: str) -> Parameter:
    return Parameter(name, kind, CORE + definition, paths)


ID = _p("_id", "token", "Resource-id")
LAST_UPDATED = _p("_lastUpdated", "date", "Resource-lastUpdated")
ANY = (ID, LAST_UPDATED)
IDENTIFIER = _p("identifier", "token", "clinical-identifier", "identifier")
CODE = _p("code", "token", "clinical-code", "code")
MEDICATION = _p("code", "token", "clinical-code", "medicationCodeableConcept")
EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")
PERFORMED = ("performedDateTime", "performedPeriod")
ONSET = ("onsetDateTime", "onsetPeriod")
OCCURRENCE = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")
PATIENT = frozenset({"patient", "subject"})
"""The two names of whose a resource is; each version carries that beside itself."""


def _token(type_: str, name: str, path: str) -> Parameter:
    return _p(name, "token", f"{type_}-{name}", path)


def _code(type_: str, name: str, path: str, system: str) -> Parameter:
    """Of an element that is a code; ``system`` below ``http://hl7.org/fhir/``."""
    token = _token(type_, name, path)
    return token._replace(system=f"http://hl7.org/fhir/{system}")


def _medicine_status(system: str) -> Parameter:
    return _code("medications", "status", "status", f"CodeSystem/{system}-status")


def _of_patient(type_: str, *, by: str = "clinical-patient") -> tuple[Parameter, Parameter]:
    return (
        _p("patient", "reference", by, "subject"),
        _p("subject", "reference", f"{type_}-subject", "subject"),
    )


STORED: Mapping[str, tuple[Parameter, ...]] = {
    "Patient": (
        _p("identifier", "token", "Patient-identifier", "identifier"),
        _p("birthdate", "date", "individual-birthdate", "birthDate"),
        _code("individual", "gender", "gender", "administrative-gender"),
    ),
    "QuestionnaireResponse": (
        *_of_patient("QuestionnaireResponse", by="QuestionnaireResponse-patient"),
        _code("QuestionnaireResponse", "status", "status", "questionnaire-answers-status"),
        _p("questionnaire", "reference", "QuestionnaireResponse-questionnaire", "questionnaire"),
        _p("authored", "date", "QuestionnaireResponse-authored", "authored"),
        _token("QuestionnaireResponse", "identifier", "identifier"),
    ),
    "Observation": (
        *_of_patient("Observation"),
        _code("Observation", "status", "status", "observation-status"),
        _token("Observation", "category", "category"),
        CODE,
        _p("date", "date", "clinical-date", *EFFECTIVE),
        IDENTIFIER,
    ),
    "Condition": (
        *_of_patient("Condition"),
        _token("Condition", "clinical-status", "clinicalStatus"),
        _token("Condition", "verification-status", "verificationStatus"),
        _token("Condition", "category", "category"),
        CODE,
        _p("onset-date", "date", "Condition-onset-date", *ONSET),
        _p("recorded-date", "date", "Condition-recorded-date", "recordedDate"),
        IDENTIFIER,
    ),
    "MedicationRequest": (
        *_of_patient("MedicationRequest"),
        _medicine_status("medicationrequest"),
        _code("MedicationRequest", "intent", "intent", "CodeSystem/medicationrequest-intent"),
        _token("MedicationRequest", "category", "category"),
        MEDICATION,
        _p("authoredon", "date", "MedicationRequest-authoredon", "authoredOn"),
        _p("date", "date", "medications-date", "dosageInstruction.timing.event"),
        IDENTIFIER,
    ),
    "MedicationStatement": (
        *_of_patient("MedicationStatement"),
        _medicine_status("medication-statement"),
        _token("MedicationStatement", "category", "category"),
        MEDICATION,
        _p("effective", "date", "MedicationStatement-effective", *EFFECTIVE[:2]),
        IDENTIFIER,
    ),
    "AllergyIntolerance": (
        _p("patient", "reference", "clinical-patient", "patient"),
        _token("AllergyIntolerance", "clinical-status", "clinicalStatus"),
        _token("AllergyIntolerance", "verification-status", "verificationStatus"),
        _code("AllergyIntolerance", "category", "category", "allergy-intolerance-category"),
        _p("code", "token", "clinical-code", "code", "reaction.substance"),
        _p("date", "date", "clinical-date", "recordedDate"),
        IDENTIFIER,
    ),
    "Procedure": (
        *_of_patient("Procedure"),
        _code("Procedure", "status", "status", "event-status"),
        _token("Procedure", "category", "category"),
        CODE,
        _p("date", "date", "clinical-date", *PERFORMED),
        IDENTIFIER,
    ),
    "ServiceRequest": (
        *_of_patient("ServiceRequest"),
        _code("ServiceRequest", "status", "status", "request-status"),
        _code("ServiceRequest", "intent", "intent", "request-intent"),
        _token("ServiceRequest", "category", "category"),
        CODE,
        _p("authored", "date", "ServiceRequest-authored", "authoredOn"),
        _p("occurrence", "date", "ServiceRequest-occurrence", *OCCURRENCE),
        IDENTIFIER,
    ),
    "DiagnosticReport": (
        *_of_patient("DiagnosticReport"),
        _code("DiagnosticReport", "status", "status", "diagnostic-report-status"),
        _token("DiagnosticReport", "category", "category"),
        CODE,
        _p("date", "date", "clinical-date", *EFFECTIVE[:2]),
        _p("issued", "date", "DiagnosticReport-issued", "issued"),
        IDENTIFIER,
    ),
    "Encounter": (
        *_of_patient("Encounter"),
        _code("Encounter", "status", "status", "encounter-status"),
        _token("Encounter", "class", "class"),
        _p("type", "token", "clinical-type", "type"),
        _p("date", "date", "clinical-date", "period"),
        IDENTIFIER,
    ),
    "Practitioner": (_token("Practitioner", "identifier", "identifier"),),
    "PractitionerRole": (
        _token("PractitionerRole", "identifier", "identifier"),
        _p("date", "date", "PractitionerRole-date", "period"),
    ),
    "Organization": (
        _token("Organization", "identifier", "identifier"),
        _token("Organization", "type", "type"),
    ),
    "CarePlan": (
        *_of_patient("CarePlan"),
        _code("CarePlan", "status", "status", "request-status"),
        _token("CarePlan", "category", "category"),
        _p("date", "date", "clinical-date", "period"),
    ),
    "Goal": (
        *_of_patient("Goal"),
        _code("Goal", "lifecycle-status", "lifecycleStatus", "goal-status"),
    ),
    "DetectedIssue": (
        _p("patient", "reference", "clinical-patient", "patient"),
        _token("DetectedIssue", "code", "code"),
        _p("identified", "date", "DetectedIssue-identified", "identifiedDateTime"),
    ),
    "GuidanceResponse": _of_patient("GuidanceResponse", by="GuidanceResponse-patient"),
}
"""What is kept in ``resource_version``; its values stand in ``search_value``."""

PROVENANCE = (_p("target", "reference", "Provenance-target", "target"),)
"""Rendered from decisions, where it is looked up. R4's ``patient`` means a target that is one."""


AUDIT = (
    _p("date", "date", "AuditEvent-date", "recorded"),
    _p("patient", "reference", "AuditEvent-patient", "entity.what"),
    _p("agent", "reference", "AuditEvent-agent", "agent.who"),
    _code("AuditEvent", "action", "action", "audit-event-action"),
    _p("entity", "reference", "AuditEvent-entity", "entity.what"),
    _code("AuditEvent", "outcome", "outcome", "audit-event-outcome"),
)
"""Rendered from the rows of the audit, where it is looked up."""


def _canonical(by: str, *, is_titled: bool = True) -> tuple[Parameter, ...]:
    title = (_p("title", "string", f"{by}-title", "title"),) if is_titled else ()
    return (
        _p("url", "uri", f"{by}-url", "url"),
        _p("version", "token", f"{by}-version", "version"),
        _p("name", "string", f"{by}-name", "name"),
        *title,
        _code(by, "status", "status", "publication-status"),
    )


PUBLISHED: Mapping[str, tuple[Parameter, ...]] = {
    "ActivityDefinition": _canonical("ActivityDefinition"),
    "CodeSystem": _canonical("conformance"),
    "ConceptMap": _canonical("conformance"),
    "ImplementationGuide": _canonical("conformance"),
    "Library": _canonical("Library"),
    "OperationDefinition": _canonical("conformance"),
    "PlanDefinition": _canonical("PlanDefinition"),
    "Questionnaire": _canonical("Questionnaire"),
    "SearchParameter": _canonical("conformance", is_titled=False),
    "StructureDefinition": _canonical("conformance"),
    "ValueSet": _canonical("conformance"),
    "Device": (_code("Device", "status", "status", "device-status"),),
}
"""What we publish: few, in memory, without a time of their own."""


def parameters_of(type_: str) -> tuple[Parameter, ...]:
    """Everything that a search of the type may name, ``_id`` first; empty for an unknown type."""
    if type_ in STORED:
        return (*ANY, *STORED[type_])
    if type_ == "Provenance":
        return (ID, *PROVENANCE)
    if type_ == "AuditEvent":
        return (ID, *AUDIT)
    if type_ in PUBLISHED:
        return (ID, *PUBLISHED[type_])
    return ()
