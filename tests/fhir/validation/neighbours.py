"""Valid R4 that stands next to what the corpus refuses: unusual, allowed, not to be refused."""

from typing import Any

from tests.fhir.validation.bases import (
    BUNDLE,
    CLINICAL,
    CONDITION,
    LOINC,
    OBSERVATION,
    PANEL,
    PATIENT,
    QUESTIONNAIRE,
    REQUEST,
    RESPONSE,
    STATEMENT,
    UCUM,
    Json,
    concept,
    narrative,
    put,
    without,
)

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UNKNOWN: Json = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
MEDICINE: Json = {"resourceType": "Medication", "id": "m", "code": {"text": "ibuprofen"}}


def _of_subject(reference: str) -> Json:
    return put(OBSERVATION, "subject.reference", reference)


def _valued(**value: Any) -> Json:
    return {**without(OBSERVATION, "valueQuantity"), **value}


def _taken(start: str, end: str) -> Json:
    return put(STATEMENT, "effectivePeriod", {"start": start, "end": end})


VALID: list[tuple[str, Json]] = [
    ("a tab and line ends in a text", put(CONDITION, "code.text", "low\tback\r\npain \u00a0")),
    ("a patient of whom nothing is known", {"resourceType": "Patient"}),
    ("the 29th of February in a leap year", put(PATIENT, "birthDate", "2000-02-29")),
    ("a year of birth", put(PATIENT, "birthDate", "1980")),
    ("a month of birth", put(PATIENT, "birthDate", "1980-04")),
    ("an id of 64 characters", put(PATIENT, "id", "p" * 64)),
    ("an id with dots and capitals", put(PATIENT, "id", "P.1-a")),
    (
        "a birth date that is only extended",
        put(without(PATIENT, "birthDate"), "_birthDate", UNKNOWN),
    ),
    ("a birth date with an extension", put(PATIENT, "_birthDate", UNKNOWN)),
    (
        "a given name that is only extended",
        put(put(PATIENT, "name.0.given.1", None), "name.0._given", [None, UNKNOWN]),
    ),
    (
        "an extension of extensions",
        put(
            PATIENT,
            "extension",
            [{"url": "http://a", "extension": [{"url": "b", "valueCode": "c"}]}],
        ),
    ),
    (
        "an extension with an extended value",
        put(PATIENT, "extension", [{"url": "http://a", "_valueString": UNKNOWN}]),
    ),
    ("a status that is only extended", put(without(OBSERVATION, "status"), "_status", UNKNOWN)),
    (
        "a narrative of many elements",
        put(PATIENT, "text", narrative("<p>a&nbsp;<b>b</b><br/>c &amp; d</p><hr/>")),
    ),
    ("a narrative of an image", put(PATIENT, "text", narrative('<img src="#a" alt="a"/>'))),
    ("a link to a page", put(PATIENT, "text", narrative('<a href="https://a">a</a>'))),
    ("a code of two words", put(OBSERVATION, "code.coding.0.code", "a b")),
    ("a coding without system", without(OBSERVATION, "code.coding.0.system")),
    ("a code in words only", put(OBSERVATION, "code", {"text": "pain"})),
    ("no value and its reason", _valued(dataAbsentReason={"text": "refused"})),
    ("neither a value nor a reason", _valued()),
    ("a value in words", _valued(valueString="strong")),
    ("a value of 0", _valued(valueInteger=0)),
    ("a number with an exponent", put(OBSERVATION, "valueQuantity.value", 1e-3)),
    ("a decimal in the form of an integer", put(OBSERVATION, "valueQuantity.value", 6)),
    ("a unit in words only", put(OBSERVATION, "valueQuantity", {"value": 6, "unit": "points"})),
    ("a whole day", put(OBSERVATION, "effectiveDateTime", "2026")),
    ("a leap second", put(OBSERVATION, "effectiveDateTime", "2016-12-31T23:59:60Z")),
    ("the zone furthest east", put(OBSERVATION, "effectiveDateTime", "2026-05-28T08:00:00+14:00")),
    ("fractions of a second", put(OBSERVATION, "issued", "2026-05-28T08:00:00.123456789Z")),
    ("a subject elsewhere", _of_subject("https://ehr.example/fhir/Patient/p1")),
    ("a subject in a version", _of_subject("Patient/p1/_history/3")),
    ("a subject of the same Bundle", _of_subject("urn:uuid:6c1a0b9e-2f1d-4d43-8a57-6f0e0b8f4a11")),
    ("a subject to be searched", _of_subject("Patient?identifier=http://a|1")),
    ("a subject by identifier", put(OBSERVATION, "subject", {"identifier": {"value": "1"}})),
    ("a reference range in words", put(OBSERVATION, "referenceRange", [{"text": "below 3"}])),
    (
        "a reference range from high to low",  # odd, and no invariant of R4 forbids it
        put(OBSERVATION, "referenceRange", [{"low": {"value": 8}, "high": {"value": 3}}]),
    ),
    (
        "a range of two units",
        _valued(valueRange={"low": {"value": 8, "unit": "mm"}, "high": {"value": 3, "unit": "cm"}}),
    ),
    (
        "the code of the Observation on a component of a panel",
        put(PANEL, "component.0.code", concept(LOINC, "85354-9")),
    ),
    ("a response without items", without(RESPONSE, "item")),
    ("an item without answer", put(RESPONSE, "item.0", {"linkId": "1"})),
    ("items below an answer", put(RESPONSE, "item.0.answer.0.item", [{"linkId": "2"}])),
    ("the same linkId twice", put(RESPONSE, "item.1", RESPONSE["item"][0])),
    (
        "a questionnaire of a version",
        put(RESPONSE, "questionnaire", "http://a/Questionnaire/b|1.0"),
    ),
    ("a condition without a code", without(CONDITION, "code")),
    ("a condition without clinical status", without(CONDITION, "clinicalStatus")),
    (
        "a condition that is abated",
        {
            **CONDITION,
            "clinicalStatus": concept(CLINICAL, "resolved"),
            "abatementDateTime": "2026-01",
        },
    ),
    (
        "a clinical status beside a local one",
        put(CONDITION, "clinicalStatus.coding.1", {"system": "http://a", "code": "b"}),
    ),
    (
        "an age at onset",
        put(
            without(CONDITION, "onsetDateTime"),
            "onsetAge",
            {"value": 40, "unit": "a", "code": "a", "system": UCUM},
        ),
    ),
    (
        "a contained medicine",
        {
            **without(REQUEST, "medicationCodeableConcept"),
            "medicationReference": {"reference": "#m"},
            "contained": [MEDICINE],
        },
    ),
    (
        "a dose at a time of day",
        put(REQUEST, "dosageInstruction.0.timing.repeat", {"timeOfDay": ["08:00:00"]}),
    ),
    (
        "a dose half an hour before a meal",
        put(REQUEST, "dosageInstruction.0.timing.repeat", {"when": ["ACM"], "offset": 30}),
    ),
    ("a period of one day", _taken("2026-05-01", "2026-05-01")),
    ("a period from noon to the same day", _taken("2026-05-01T12:00:00Z", "2026-05-01")),
    ("a period from a day to its month", _taken("2026-05-31", "2026-05")),
    ("a period over zones", _taken("2026-05-01T10:00:00+02:00", "2026-05-01T08:30:00Z")),
    ("a Bundle without entries", without(BUNDLE, "entry")),
    (
        "an entry of a type that is not read",
        put(BUNDLE, "entry.1.resource", {"resourceType": "Slot", "a": 1}),
    ),
    ("a search with its total", {**BUNDLE, "type": "searchset", "total": 7}),
    (
        "a batch",
        put(
            {**BUNDLE, "entry": [BUNDLE["entry"][0]], "type": "batch"},
            "entry.0.request",
            {"method": "POST", "url": "Patient"},
        ),
    ),
    (
        "a question with an initial value",
        put(
            QUESTIONNAIRE,
            "item.1",
            {"linkId": "2", "type": "string", "initial": [{"valueString": "a"}], "maxLength": 9},
        ),
    ),
]
