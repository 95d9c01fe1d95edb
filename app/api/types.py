"""Which interactions each resource type offers (contract §4); the CapabilityStatement agrees."""

WRITABLE = (
    "Patient",
    "QuestionnaireResponse",
    "Observation",
    "Condition",
    "MedicationRequest",
    "MedicationStatement",
    "AllergyIntolerance",
    "Procedure",
    "ServiceRequest",
    "DiagnosticReport",
    "Encounter",
    "Practitioner",
    "PractitionerRole",
    "Organization",
)
DERIVED = ("CarePlan", "Goal", "DetectedIssue", "GuidanceResponse", "Provenance")
PUBLISHED = (
    "Questionnaire",
    "PlanDefinition",
    "ActivityDefinition",
    "ConceptMap",
    "ImplementationGuide",
    "StructureDefinition",
    "ValueSet",
    "CodeSystem",
    "OperationDefinition",
    "SearchParameter",
    "Library",
    "Device",
)
AUDIT = "AuditEvent"
FACTS = WRITABLE[:10]
"""What a derivation reads of a patient."""
READ_METHODS = ("GET", "HEAD")
