"""The names we publish under and the code systems we read, as constants."""

CANON = "https://painplan.health/fhir"
FINDING = f"{CANON}/CodeSystem/finding"
FINDING_VALUE = f"{CANON}/CodeSystem/finding-value"
INSTRUMENT_SCORE = f"{CANON}/CodeSystem/instrument-score"
RED_FLAG = f"{CANON}/CodeSystem/red-flag"
ACTIVITY = f"{CANON}/CodeSystem/activity"
DECISION = f"{CANON}/decision"
PLAN_DEFINITION = f"{CANON}/PlanDefinition/clbp-care"
QUESTIONNAIRE = f"{CANON}/Questionnaire/"
INTAKE = f"{QUESTIONNAIRE}clbp-intake"
EXAMINATION = f"{QUESTIONNAIRE}clbp-examination"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
PRESENT = (SNOMED, "52101004")
ABSENT = (SNOMED, "2667000")
READ_TYPES = (
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
