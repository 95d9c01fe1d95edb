"""Invalid R4: what is wrong, one mutation of a valid base, where it is wrong, a word of why."""

from typing import Any

from tests.fhir.validation.bases import (
    ALLERGY,
    ALLERGY_CLINICAL,
    ALLERGY_VERIFICATION,
    BUNDLE,
    CLINICAL,
    CONDITION,
    DIV,
    LOINC,
    OBSERVATION,
    ORGANIZATION,
    PANEL,
    PARAMETERS,
    PATIENT,
    PROCEDURE,
    QUESTIONNAIRE,
    REQUEST,
    RESPONSE,
    SERVICE_REQUEST,
    STATEMENT,
    UCUM,
    VERIFICATION,
    Json,
    concept,
    narrative,
    put,
    without,
)

EXTENSION = "https://example.org/ext"
Case = tuple[str, Any, str, str]


def nested(depth: int) -> Json:
    """Groups in groups."""
    item: Json = {"linkId": "1", "text": "innermost"}
    for _ in range(depth):
        item = {"linkId": "1", "item": [item]}
    return put(RESPONSE, "item", [item])


def told(div: str) -> Json:
    """A patient with that narrative."""
    return put(PATIENT, "text", {"status": "generated", "div": div})


def holding(*contained: Json, reference: str = "#m") -> Json:
    """A prescription of a contained medicine."""
    plain = without(REQUEST, "medicationCodeableConcept")
    return {**plain, "medicationReference": {"reference": reference}, "contained": list(contained)}


MEDICINE: Json = {"resourceType": "Medication", "id": "m", "code": {"text": "ibuprofen"}}

PATIENTS: list[Case] = [
    (
        "a control character in a name",
        put(PATIENT, "name.0.family", "Ros\u0001si"),
        "Patient.name[0].family",
        "control character",
    ),
    (
        "a character that is none in a list of names",
        put(PATIENT, "name.0.given.1", "Maria\uffff"),
        "Patient.name[0].given",
        "control character",
    ),
    (
        "a backspace in a text",
        put(CONDITION, "code.text", "low back\bpain"),
        "Condition.code.text",
        "control character",
    ),
    ("a gender that is no code", put(PATIENT, "gender", "F"), "Patient.gender", "allowed"),
    ("a gender in capitals", put(PATIENT, "gender", "Female"), "Patient.gender", "allowed"),
    ("an empty gender", put(PATIENT, "gender", ""), "Patient.gender", "allowed"),
    ("the 30th of February", put(PATIENT, "birthDate", "2026-02-30"), "Patient.birthDate", "form"),
    (
        "the 29th of February in no leap year",
        put(PATIENT, "birthDate", "1900-02-29"),
        "Patient.birthDate",
        "form",
    ),
    ("a 13th month", put(PATIENT, "birthDate", "2026-13"), "Patient.birthDate", "form"),
    ("a month of one digit", put(PATIENT, "birthDate", "2026-1-05"), "Patient.birthDate", "form"),
    ("the year 0000", put(PATIENT, "birthDate", "0000"), "Patient.birthDate", "form"),
    ("a German date", put(PATIENT, "birthDate", "12.04.1980"), "Patient.birthDate", "form"),
    (
        "a time in a date",
        put(PATIENT, "birthDate", "1980-04-12T10:00:00Z"),
        "Patient.birthDate",
        "form",
    ),
    (
        "a line break after a date",
        put(PATIENT, "birthDate", "1980-04-12\n"),
        "Patient.birthDate",
        "form",
    ),
    ("digits of another script", put(PATIENT, "birthDate", "١٩٨٠"), "Patient.birthDate", "form"),
    ("a year as a number", put(PATIENT, "birthDate", 1980), "Patient.birthDate", "string"),
    ("a list for one date", put(PATIENT, "birthDate", ["1980"]), "Patient.birthDate", "string"),
    ("null for a date", put(PATIENT, "birthDate", None), "Patient.birthDate", "string"),
    (
        "one name for the list of names",
        put(PATIENT, "name", {"family": "Rossi"}),
        "Patient.name",
        "array",
    ),
    ("a name that is a text", put(PATIENT, "name", ["Ada Rossi"]), "Patient.name[0]", "object"),
    (
        "given names as one text",
        put(PATIENT, "name.0.given", "Ada"),
        "Patient.name[0].given",
        "array",
    ),
    (
        "a family name as a list",
        put(PATIENT, "name.0.family", ["R"]),
        "Patient.name[0].family",
        "string",
    ),
    ("an empty list of names", put(PATIENT, "name", []), "Patient.name", "empty"),
    ("an empty name", put(PATIENT, "name", [{}]), "Patient.name[0]", "empty"),
    ("an empty family name", put(PATIENT, "name.0.family", ""), "Patient.name[0].family", "empty"),
    (
        "an empty given name in the list",
        put(PATIENT, "name.0.given.1", ""),
        "Patient.name[0].given[1]",
        "empty",
    ),
    (
        "a null given name that nothing explains",
        put(PATIENT, "name.0.given.1", None),
        "Patient.name[0].given",
        "null",
    ),
    (
        "a null sibling that nothing explains",
        put(PATIENT, "name.0._given", [None, None, None]),
        "Patient.name[0].given",
        "null",
    ),
    (
        "a property of no FHIR version",
        put(PATIENT, "surname", "Rossi"),
        "Patient.surname",
        "spelling",
    ),
    ("a property of DSTU2", put(PATIENT, "careProvider", []), "Patient.careProvider", "spelling"),
    (
        "comments of DSTU1",
        put(PATIENT, "fhir_comments", ["a"]),
        "Patient.fhir_comments",
        "spelling",
    ),
    ("a property in capitals", put(PATIENT, "BirthDate", "1980"), "Patient.BirthDate", "spelling"),
    ("active as a text", put(PATIENT, "active", "true"), "Patient.active", "boolean"),
    ("active as a number", put(PATIENT, "active", 1), "Patient.active", "boolean"),
    ("an id with an underscore", put(PATIENT, "id", "p_1"), "Patient.id", "form"),
    ("an id of 65 characters", put(PATIENT, "id", "p" * 65), "Patient.id", "form"),
    ("an empty id", put(PATIENT, "id", ""), "Patient.id", "form"),
    ("an id as a number", put(PATIENT, "id", 12), "Patient.id", "string"),
    ("an id with a blank", put(PATIENT, "id", "p 1"), "Patient.id", "form"),
    ("a line break after an id", put(PATIENT, "id", "p1\n"), "Patient.id", "form"),
    (
        "an extension of the id itself",
        put(PATIENT, "_id", {"extension": [{"url": EXTENSION, "valueString": "a"}]}),
        "Patient.id",
        "no element",
    ),
    (
        "two types of deceased",
        {**PATIENT, "deceasedBoolean": True, "deceasedDateTime": "2026"},
        "Patient.deceasedBoolean Patient.deceasedDateTime",
        "choice",
    ),
    (
        "a type of deceased not allowed",
        put(PATIENT, "deceasedString", "no"),
        "Patient.deceasedString",
        "no element",
    ),
    (
        "a contact without anything to contact",
        put(PATIENT, "contact", [{"gender": "male"}]),
        "Patient.contact[0]",
        "pat-1",
    ),
    (
        "a telephone number without a system",
        put(PATIENT, "telecom", [{"value": "555"}]),
        "Patient.telecom[0].system",
        "cpt-2",
    ),
    (
        "a rank of 0",
        put(PATIENT, "telecom", [{"system": "phone", "value": "555", "rank": 0}]),
        "Patient.telecom[0].rank",
        "range",
    ),
    (
        "a photograph without its type",
        put(PATIENT, "photo", [{"data": "QUJD"}]),
        "Patient.photo[0].contentType",
        "att-1",
    ),
    (
        "data that are no base64",
        put(PATIENT, "photo", [{"contentType": "image/png", "data": "a?"}]),
        "Patient.photo[0].data",
        "form",
    ),
    (
        "a communication without language",
        put(PATIENT, "communication", [{"preferred": True}]),
        "Patient.communication[0].language",
        "missing",
    ),
    (
        "a link of a kind unknown",
        put(PATIENT, "link", [{"other": {"reference": "Patient/p2"}, "type": "twin"}]),
        "Patient.link[0].type",
        "allowed",
    ),
    (
        "a practice that is a device",
        put(PATIENT, "managingOrganization", {"reference": "Device/d"}),
        "Patient.managingOrganization.reference",
        "type",
    ),
    (
        "an identifier system with a blank",
        put(PATIENT, "identifier", [{"system": "http://a b", "value": "1"}]),
        "Patient.identifier[0].system",
        "form",
    ),
    (
        "a value of an identifier as a number",
        put(PATIENT, "identifier", [{"value": 17}]),
        "Patient.identifier[0].value",
        "string",
    ),
    (
        "a time of change without zone",
        put(PATIENT, "meta", {"lastUpdated": "2026-05-28T08:00:00"}),
        "Patient.meta.lastUpdated",
        "form",
    ),
    (
        "a date for an instant",
        put(PATIENT, "meta", {"lastUpdated": "2026-05-28"}),
        "Patient.meta.lastUpdated",
        "form",
    ),
    ("meta that is empty", put(PATIENT, "meta", {}), "Patient.meta", "empty"),
    (
        "one profile for a list",
        put(PATIENT, "meta", {"profile": "http://a"}),
        "Patient.meta.profile",
        "array",
    ),
    (
        "a language with a leading blank",
        put(PATIENT, "language", " en"),
        "Patient.language",
        "form",
    ),
]

EXTENSIONS: list[Case] = [
    (
        "an extension without url",
        put(PATIENT, "extension", [{"valueString": "a"}]),
        "Patient.extension[0].url",
        "missing",
    ),
    (
        "an extension without a value",
        put(PATIENT, "extension", [{"url": EXTENSION}]),
        "Patient.extension[0]",
        "ext-1",
    ),
    (
        "an extension with a value and an extension",
        put(
            PATIENT,
            "extension",
            [{"url": EXTENSION, "valueCode": "a", "extension": [{"url": "b", "valueCode": "c"}]}],
        ),
        "Patient.extension[0].valueCode",
        "choice",
    ),
    (
        "an extension with two values",
        put(PATIENT, "extension", [{"url": EXTENSION, "valueCode": "a", "valueString": "c"}]),
        "Patient.extension[0].valueCode Patient.extension[0].valueString",
        "choice",
    ),
    (
        "an extension with a value of a resource type",
        put(PATIENT, "extension", [{"url": EXTENSION, "valuePatient": {"id": "a"}}]),
        "Patient.extension[0].valuePatient Patient.extension[0]",
        "no element",
    ),
    (
        "one extension for the list",
        put(PATIENT, "extension", {"url": EXTENSION, "valueCode": "a"}),
        "Patient.extension",
        "array",
    ),
    (
        "a primitive extension that is a text",
        put(PATIENT, "_birthDate", "unknown"),
        "Patient.birthDate",
        "object",
    ),
    (
        "a primitive extension that is empty",
        put(PATIENT, "_birthDate", {}),
        "Patient.birthDate",
        "empty",
    ),
    (
        "a primitive extension with a value",
        put(PATIENT, "_birthDate", {"value": "1980"}),
        "Patient.birthDate.value",
        "no element",
    ),
    (
        "a primitive extension of no primitive",
        put(PATIENT, "_name", [{"extension": [{"url": EXTENSION, "valueCode": "a"}]}]),
        "Patient.name",
        "no element",
    ),
    (
        "one primitive extension for a list",
        put(PATIENT, "name.0._given", {"extension": [{"url": EXTENSION, "valueCode": "a"}]}),
        "Patient.name[0].given",
        "array",
    ),
    (
        "two values, one of them only extended",
        put(OBSERVATION, "_valueString", {"extension": [{"url": EXTENSION, "valueCode": "a"}]}),
        "Observation.valueQuantity Observation.valueString",
        "choice",
    ),
]

OBSERVATIONS: list[Case] = [
    ("no status", without(OBSERVATION, "status"), "Observation.status", "missing"),
    (
        "a status of no value set",
        put(OBSERVATION, "status", "done"),
        "Observation.status",
        "allowed",
    ),
    ("a status as a list", put(OBSERVATION, "status", ["final"]), "Observation.status", "allowed"),
    ("a status as null", put(OBSERVATION, "status", None), "Observation.status", "allowed"),
    ("no code", without(OBSERVATION, "code"), "Observation.code", "missing"),
    (
        "a code as a list",
        put(OBSERVATION, "code", [concept(LOINC, "1-8")]),
        "Observation.code",
        "object",
    ),
    ("a code as a text", put(OBSERVATION, "code", "72514-3"), "Observation.code", "object"),
    ("an empty code", put(OBSERVATION, "code", {}), "Observation.code", "empty"),
    (
        "a code without codings",
        put(OBSERVATION, "code", {"coding": []}),
        "Observation.code.coding",
        "empty",
    ),
    (
        "one coding for the list",
        put(OBSERVATION, "code", {"coding": {"code": "1-8"}}),
        "Observation.code.coding",
        "array",
    ),
    (
        "blanks around a code",
        put(OBSERVATION, "code.coding.0.code", " 72514-3 "),
        "Observation.code.coding[0].code",
        "form",
    ),
    (
        "two blanks in a code",
        put(OBSERVATION, "code.coding.0.code", "a  b"),
        "Observation.code.coding[0].code",
        "form",
    ),
    (
        "a code as a number",
        put(OBSERVATION, "code.coding.0.code", 72514),
        "Observation.code.coding[0].code",
        "string",
    ),
    (
        "a system with a blank",
        put(OBSERVATION, "code.coding.0.system", "http://loinc .org"),
        "Observation.code.coding[0].system",
        "form",
    ),
    (
        "an empty system",
        put(OBSERVATION, "code.coding.0.system", ""),
        "Observation.code.coding[0].system",
        "form",
    ),
    (
        "two values",
        put(OBSERVATION, "valueInteger", 6),
        "Observation.valueInteger Observation.valueQuantity",
        "choice",
    ),
    (
        "a value of a type not allowed",
        put(without(OBSERVATION, "valueQuantity"), "valueDecimal", 6.5),
        "Observation.valueDecimal",
        "no element",
    ),
    (
        "a value without its type",
        put(without(OBSERVATION, "valueQuantity"), "value", 6),
        "Observation.value",
        "no element",
    ),
    (
        "a number as a text",
        put(OBSERVATION, "valueQuantity.value", "6"),
        "Observation.valueQuantity.value",
        "number",
    ),
    (
        "a comparator of no value set",
        put(OBSERVATION, "valueQuantity.comparator", "=="),
        "Observation.valueQuantity.comparator",
        "allowed",
    ),
    (
        "a unit code without a system",
        without(OBSERVATION, "valueQuantity.system"),
        "Observation.valueQuantity.code",
        "qty-3",
    ),
    (
        "a boolean as a text",
        put(PANEL, "component.0", {"code": concept(LOINC, "8480-6"), "valueBoolean": "yes"}),
        "Observation.component[0].valueBoolean",
        "boolean",
    ),
    (
        "an integer with a fraction",
        put(PANEL, "component.0.valueInteger", 120.5),
        "Observation.component[0].valueInteger",
        "integer",
    ),
    (
        "an integer in the form of a decimal",
        put(PANEL, "component.0.valueInteger", 120.0),
        "Observation.component[0].valueInteger",
        "integer",
    ),
    (
        "an integer of more than 32 bits",
        put(PANEL, "component.0.valueInteger", 2**31),
        "Observation.component[0].valueInteger",
        "range",
    ),
    (
        "a component without code",
        without(PANEL, "component.0.code"),
        "Observation.component[0].code",
        "missing",
    ),
    (
        "one component for the list",
        put(PANEL, "component", {"code": concept(LOINC, "8480-6")}),
        "Observation.component",
        "array",
    ),
    (
        "a value beside its absence",
        put(OBSERVATION, "dataAbsentReason", {"text": "refused"}),
        "Observation.dataAbsentReason",
        "obs-6",
    ),
    (
        "a component of the code of the Observation",
        put(OBSERVATION, "component", [{"code": concept(LOINC, "72514-3"), "valueInteger": 1}]),
        "Observation.component[0].code",
        "obs-7",
    ),
    (
        "a component of one of the codes of the Observation",
        put(
            put(OBSERVATION, "code.coding.1", {"system": LOINC, "code": "38208-5"}),
            "component",
            [{"code": concept(LOINC, "38208-5"), "valueInteger": 1}],
        ),
        "Observation.component[0].code",
        "obs-7",
    ),
    (
        "a reference range that says nothing",
        put(OBSERVATION, "referenceRange", [{"type": {"text": "normal"}}]),
        "Observation.referenceRange[0]",
        "obs-3",
    ),
    (
        "a time of issue without zone",
        put(OBSERVATION, "issued", "2026-05-28T08:00:00"),
        "Observation.issued",
        "form",
    ),
    (
        "a time of issue without seconds",
        put(OBSERVATION, "issued", "2026-05-28T08:00Z"),
        "Observation.issued",
        "form",
    ),
    (
        "a date of no calendar",
        put(OBSERVATION, "effectiveDateTime", "2026-02-30"),
        "Observation.effectiveDateTime",
        "form",
    ),
    (
        "a time without zone",
        put(OBSERVATION, "effectiveDateTime", "2026-05-28T08:00:00"),
        "Observation.effectiveDateTime",
        "form",
    ),
    (
        "an hour 24",
        put(OBSERVATION, "effectiveDateTime", "2026-05-28T24:00:00Z"),
        "Observation.effectiveDateTime",
        "form",
    ),
    (
        "a blank for the T",
        put(OBSERVATION, "effectiveDateTime", "2026-05-28 08:00:00Z"),
        "Observation.effectiveDateTime",
        "form",
    ),
    (
        "a time of day with zone",
        put(
            put(without(PANEL, "component.0.valueInteger"), "component.0.valueTime", "08:00:00Z"),
            "status",
            "final",
        ),
        "Observation.component[0].valueTime",
        "form",
    ),
    (
        "a period that ends before it starts",
        put(
            without(OBSERVATION, "effectiveDateTime"),
            "effectivePeriod",
            {"start": "2026-05-02", "end": "2026-05-01"},
        ),
        "Observation.effectivePeriod.end",
        "per-1",
    ),
    (
        "a range from high to low",
        put(
            without(OBSERVATION, "valueQuantity"),
            "valueRange",
            {"low": {"value": 8}, "high": {"value": 3}},
        ),
        "Observation.valueRange.high",
        "rng-2",
    ),
    (
        "a ratio of one number",
        put(without(OBSERVATION, "valueQuantity"), "valueRatio", {"numerator": {"value": 8}}),
        "Observation.valueRatio",
        "rat-1",
    ),
    (
        "a subject of a wrong type",
        put(OBSERVATION, "subject.reference", "Practitioner/p1"),
        "Observation.subject.reference",
        "type",
    ),
    (
        "a subject of a wrong type elsewhere",
        put(OBSERVATION, "subject.reference", "https://ehr.example/fhir/Practitioner/p1"),
        "Observation.subject.reference",
        "type",
    ),
    (
        "a subject without a type",
        put(OBSERVATION, "subject.reference", "p1"),
        "Observation.subject.reference",
        "type",
    ),
    (
        "a subject as a text",
        put(OBSERVATION, "subject", "Patient/p1"),
        "Observation.subject",
        "object",
    ),
    (
        "a reference as an object",
        put(OBSERVATION, "subject.reference", {"id": "p1"}),
        "Observation.subject.reference",
        "string",
    ),
    (
        "a subject contained nowhere",
        put(OBSERVATION, "subject.reference", "#p1"),
        "Observation.subject.reference",
        "ref-1",
    ),
    (
        "a note without text",
        put(OBSERVATION, "note", [{"time": "2026"}]),
        "Observation.note[0].text",
        "missing",
    ),
    (
        "a note of two authors",
        put(
            OBSERVATION,
            "note",
            [{"text": "a", "authorString": "b", "authorReference": {"display": "c"}}],
        ),
        "Observation.note[0].authorString Observation.note[0].authorReference",
        "choice",
    ),
]

RESPONSES: list[Case] = [
    ("no status", without(RESPONSE, "status"), "QuestionnaireResponse.status", "missing"),
    (
        "a status of another type",
        put(RESPONSE, "status", "final"),
        "QuestionnaireResponse.status",
        "allowed",
    ),
    (
        "an item without linkId",
        without(RESPONSE, "item.0.linkId"),
        "QuestionnaireResponse.item[0].linkId",
        "missing",
    ),
    (
        "a linkId as a number",
        put(RESPONSE, "item.0.linkId", 1),
        "QuestionnaireResponse.item[0].linkId",
        "string",
    ),
    (
        "one item for the list",
        put(RESPONSE, "item", {"linkId": "1"}),
        "QuestionnaireResponse.item",
        "array",
    ),
    (
        "one answer for the list",
        put(RESPONSE, "item.0.answer", {"valueBoolean": True}),
        "QuestionnaireResponse.item[0].answer",
        "array",
    ),
    (
        "no answers in the list",
        put(RESPONSE, "item.0.answer", []),
        "QuestionnaireResponse.item[0].answer",
        "empty",
    ),
    (
        "an answer that is empty",
        put(RESPONSE, "item.0.answer.0", {}),
        "QuestionnaireResponse.item[0].answer[0]",
        "empty",
    ),
    (
        "an answer that is bare",
        put(RESPONSE, "item.0.answer.0", True),
        "QuestionnaireResponse.item[0].answer[0]",
        "object",
    ),
    (
        "an answer of two values",
        put(RESPONSE, "item.0.answer.0.valueInteger", 1),
        (
            "QuestionnaireResponse.item[0].answer[0].valueBoolean "
            "QuestionnaireResponse.item[0].answer[0].valueInteger"
        ),
        "choice",
    ),
    (
        "an answer of a type not allowed",
        put(RESPONSE, "item.0.answer.0", {"valueCodeableConcept": {"text": "a"}}),
        "QuestionnaireResponse.item[0].answer[0].valueCodeableConcept",
        "no element",
    ),
    (
        "an answer that is no boolean",
        put(RESPONSE, "item.0.answer.0.valueBoolean", "true"),
        "QuestionnaireResponse.item[0].answer[0].valueBoolean",
        "boolean",
    ),
    (
        "items beside answers",
        put(RESPONSE, "item.0.item", [{"linkId": "2"}]),
        "QuestionnaireResponse.item[0]",
        "qrs-1",
    ),
    (
        "items beside answers, deeper",
        put(
            RESPONSE,
            "item.0.answer.0.item",
            [{"linkId": "2", "answer": [{"valueInteger": 1}], "item": [{"linkId": "3"}]}],
        ),
        "QuestionnaireResponse.item[0].answer[0].item[0]",
        "qrs-1",
    ),
    (
        "a questionnaire as a Reference",
        put(RESPONSE, "questionnaire", {"reference": "Questionnaire/1"}),
        "QuestionnaireResponse.questionnaire",
        "string",
    ),
    (
        "a questionnaire with a blank",
        put(RESPONSE, "questionnaire", "phq 9"),
        "QuestionnaireResponse.questionnaire",
        "form",
    ),
    (
        "a time of writing of no calendar",
        put(RESPONSE, "authored", "2026-04-31"),
        "QuestionnaireResponse.authored",
        "form",
    ),
    (
        "an author that is a group",
        put(RESPONSE, "author", {"reference": "Group/1"}),
        "QuestionnaireResponse.author.reference",
        "type",
    ),
    ("101 levels", nested(101), "QuestionnaireResponse", "deep"),
    ("a thousand levels", nested(450), "QuestionnaireResponse", "deep"),
]

CONDITIONS: list[Case] = [
    ("no subject", without(CONDITION, "subject"), "Condition.subject", "missing"),
    (
        "a clinical status of another system",
        put(CONDITION, "clinicalStatus", concept(LOINC, "active")),
        "Condition.clinicalStatus.coding",
        "value set",
    ),
    (
        "a clinical status of no value set",
        put(CONDITION, "clinicalStatus", concept(CLINICAL, "ongoing")),
        "Condition.clinicalStatus.coding",
        "value set",
    ),
    (
        "a clinical status as a code",
        put(CONDITION, "clinicalStatus", "active"),
        "Condition.clinicalStatus",
        "object",
    ),
    (
        "a clinical status of text alone",
        put(CONDITION, "clinicalStatus", {"text": "active"}),
        "Condition.clinicalStatus.coding",
        "missing",
    ),
    (
        "a verification status of no value set",
        put(CONDITION, "verificationStatus", concept(VERIFICATION, "sure")),
        "Condition.verificationStatus.coding",
        "value set",
    ),
    (
        "an active condition that is abated",
        put(CONDITION, "abatementDateTime", "2026-01"),
        "Condition.clinicalStatus",
        "con-4",
    ),
    (
        "an abated condition without clinical status",
        put(without(CONDITION, "clinicalStatus"), "abatementDateTime", "2026-01"),
        "Condition.clinicalStatus",
        "con-4",
    ),
    (
        "a clinical status of an error",
        put(CONDITION, "verificationStatus", concept(VERIFICATION, "entered-in-error")),
        "Condition.clinicalStatus",
        "con-5",
    ),
    (
        "a stage of a type alone",
        put(CONDITION, "stage", [{"type": {"text": "a"}}]),
        "Condition.stage[0]",
        "con-1",
    ),
    (
        "an evidence that says nothing",
        put(CONDITION, "evidence", [{"id": "a"}]),
        "Condition.evidence[0]",
        "con-2",
    ),
    (
        "two onsets",
        put(CONDITION, "onsetString", "last winter"),
        "Condition.onsetDateTime Condition.onsetString",
        "choice",
    ),
    (
        "an age without its system",
        put(without(CONDITION, "onsetDateTime"), "onsetAge", {"value": 40, "code": "a"}),
        "Condition.onsetAge.code",
        "qty-3",
    ),
    (
        "an age in another system",
        put(
            without(CONDITION, "onsetDateTime"),
            "onsetAge",
            {"value": 40, "code": "a", "system": LOINC},
        ),
        "Condition.onsetAge",
        "age-1",
    ),
    (
        "an age of 0",
        put(
            without(CONDITION, "onsetDateTime"),
            "onsetAge",
            {"value": 0, "code": "a", "system": UCUM},
        ),
        "Condition.onsetAge",
        "age-1",
    ),
    (
        "an onset as a date alone in words",
        put(CONDITION, "onsetDateTime", "last winter"),
        "Condition.onsetDateTime",
        "form",
    ),
    (
        "one category for the list",
        put(CONDITION, "category", {"text": "problem"}),
        "Condition.category",
        "array",
    ),
    (
        "an asserter that is a device",
        put(CONDITION, "asserter", {"reference": "Device/1"}),
        "Condition.asserter.reference",
        "type",
    ),
    (
        "a status of other types",
        put(CONDITION, "status", "active"),
        "Condition.status",
        "no element",
    ),
]

MEDICINES: list[Case] = [
    ("no intent", without(REQUEST, "intent"), "MedicationRequest.intent", "missing"),
    (
        "an intent of no value set",
        put(REQUEST, "intent", "wish"),
        "MedicationRequest.intent",
        "allowed",
    ),
    ("no status", without(REQUEST, "status"), "MedicationRequest.status", "missing"),
    (
        "a status of a statement",
        put(REQUEST, "status", "not-taken"),
        "MedicationRequest.status",
        "allowed",
    ),
    (
        "no medicine",
        without(REQUEST, "medicationCodeableConcept"),
        "MedicationRequest.medication",
        "medicationReference",
    ),
    (
        "two medicines",
        put(REQUEST, "medicationReference", {"reference": "Medication/1"}),
        "MedicationRequest.medicationCodeableConcept MedicationRequest.medicationReference",
        "choice",
    ),
    (
        "a medicine that is a substance",
        put(
            without(REQUEST, "medicationCodeableConcept"),
            "medicationReference",
            {"reference": "Substance/1"},
        ),
        "MedicationRequest.medicationReference.reference",
        "type",
    ),
    (
        "a medicine contained nowhere",
        put(
            without(REQUEST, "medicationCodeableConcept"),
            "medicationReference",
            {"reference": "#m"},
        ),
        "MedicationRequest.medicationReference.reference",
        "ref-1",
    ),
    (
        "a contained resource that nothing refers to",
        put(REQUEST, "contained", [MEDICINE]),
        "MedicationRequest.contained[0]",
        "dom-3",
    ),
    (
        "a contained resource in a contained one",
        holding(
            {
                **MEDICINE,
                "contained": [{"resourceType": "Organization", "id": "o", "name": "a"}],
            }
        ),
        "MedicationRequest.contained[0].contained MedicationRequest.contained[0].contained[0]",
        "dom-2",
    ),
    (
        "a contained resource with a version",
        holding(put(MEDICINE, "meta", {"versionId": "1"})),
        "MedicationRequest.contained[0].meta",
        "dom-4",
    ),
    (
        "a contained resource with a label",
        holding(put(MEDICINE, "meta", {"security": [{"code": "R"}]})),
        "MedicationRequest.contained[0].meta.security",
        "dom-5",
    ),
    (
        "a contained resource without type",
        holding(without(MEDICINE, "resourceType")),
        "MedicationRequest.contained[0].resourceType",
        "resourceType",
    ),
    (
        "a contained resource of no type of R4",
        holding(put(MEDICINE, "resourceType", "Drug")),
        "MedicationRequest.contained[0].resourceType",
        "allowed",
    ),
    (
        "a contained resource that is invalid",
        holding(put(MEDICINE, "status", "sold")),
        "MedicationRequest.contained[0].status",
        "allowed",
    ),
    (
        "a dose without a period unit",
        without(REQUEST, "dosageInstruction.0.timing.repeat.periodUnit"),
        "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit",
        "tim-2",
    ),
    (
        "a negative period",
        put(REQUEST, "dosageInstruction.0.timing.repeat.period", -8),
        "MedicationRequest.dosageInstruction[0].timing.repeat.period",
        "tim-5",
    ),
    (
        "a unit of time of no value set",
        put(REQUEST, "dosageInstruction.0.timing.repeat.periodUnit", "hour"),
        "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit",
        "allowed",
    ),
    (
        "a frequency as a text",
        put(REQUEST, "dosageInstruction.0.timing.repeat.frequency", "1"),
        "MedicationRequest.dosageInstruction[0].timing.repeat.frequency",
        "integer",
    ),
    (
        "as needed in two forms",
        put(
            put(REQUEST, "dosageInstruction.0.asNeededBoolean", True),
            "dosageInstruction.0.asNeededCodeableConcept",
            {"text": "pain"},
        ),
        (
            "MedicationRequest.dosageInstruction[0].asNeededBoolean "
            "MedicationRequest.dosageInstruction[0].asNeededCodeableConcept"
        ),
        "choice",
    ),
    (
        "not to perform as a text",
        put(REQUEST, "doNotPerform", "no"),
        "MedicationRequest.doNotPerform",
        "boolean",
    ),
    (
        "a uuid that is none",
        put(REQUEST, "extension", [{"url": EXTENSION, "valueUuid": "urn:uuid:1"}]),
        "MedicationRequest.extension[0].valueUuid",
        "form",
    ),
    (
        "an oid that is none",
        put(REQUEST, "extension", [{"url": EXTENSION, "valueOid": "urn:oid:3.1"}]),
        "MedicationRequest.extension[0].valueOid",
        "form",
    ),
    (
        "a statement without status",
        without(STATEMENT, "status"),
        "MedicationStatement.status",
        "missing",
    ),
    (
        "a statement with a status of a request",
        put(STATEMENT, "status", "cancelled"),
        "MedicationStatement.status",
        "allowed",
    ),
    (
        "a statement with an intent",
        put(STATEMENT, "intent", "order"),
        "MedicationStatement.intent",
        "no element",
    ),
    (
        "a statement without medicine",
        without(STATEMENT, "medicationCodeableConcept"),
        "MedicationStatement.medication",
        "missing",
    ),
    (
        "a statement without subject",
        without(STATEMENT, "subject"),
        "MedicationStatement.subject",
        "missing",
    ),
    (
        "a period that ends before it starts",
        put(STATEMENT, "effectivePeriod.end", "2026-01-09"),
        "MedicationStatement.effectivePeriod.end",
        "per-1",
    ),
    (
        "a period that ends before it starts, in another zone",
        put(
            STATEMENT,
            "effectivePeriod",
            {"start": "2026-05-01T10:00:00Z", "end": "2026-05-01T10:30:00+02:00"},
        ),
        "MedicationStatement.effectivePeriod.end",
        "per-1",
    ),
    (
        "an end of another type",
        put(STATEMENT, "effectivePeriod.end", 2026),
        "MedicationStatement.effectivePeriod.end",
        "string",
    ),
]

ALLERGIES: list[Case] = [
    ("no patient", without(ALLERGY, "patient"), "AllergyIntolerance.patient", "missing"),
    (
        "a subject for the patient",
        put(without(ALLERGY, "patient"), "subject", {"reference": "Patient/p1"}),
        "AllergyIntolerance.patient AllergyIntolerance.subject",
        "no element",
    ),
    (
        "a patient that is a group",
        put(ALLERGY, "patient.reference", "Group/1"),
        "AllergyIntolerance.patient.reference",
        "type",
    ),
    (
        "no clinical status",
        without(ALLERGY, "clinicalStatus"),
        "AllergyIntolerance.clinicalStatus",
        "ait-1",
    ),
    (
        "a clinical status of an error",
        put(ALLERGY, "verificationStatus", concept(ALLERGY_VERIFICATION, "entered-in-error")),
        "AllergyIntolerance.clinicalStatus",
        "ait-2",
    ),
    (
        "a clinical status of no value set",
        put(ALLERGY, "clinicalStatus", concept(ALLERGY_CLINICAL, "cured")),
        "AllergyIntolerance.clinicalStatus.coding",
        "value set",
    ),
    (
        "a category of no value set",
        put(ALLERGY, "category", ["drug"]),
        "AllergyIntolerance.category[0]",
        "value set",
    ),
    (
        "one category for the list",
        put(ALLERGY, "category", "medication"),
        "AllergyIntolerance.category",
        "array",
    ),
    (
        "a criticality of no value set",
        put(ALLERGY, "criticality", "severe"),
        "AllergyIntolerance.criticality",
        "allowed",
    ),
    (
        "a reaction without manifestation",
        put(ALLERGY, "reaction", [{"severity": "mild"}]),
        "AllergyIntolerance.reaction[0].manifestation",
        "missing",
    ),
    (
        "a severity of no value set",
        put(ALLERGY, "reaction", [{"manifestation": [{"text": "rash"}], "severity": "bad"}]),
        "AllergyIntolerance.reaction[0].severity",
        "allowed",
    ),
]

NARRATIVES: list[Case] = [
    ("a script", told(DIV.format("<script>alert(1)</script>")), "Patient.text.div", "script"),
    ("a handler", told(DIV.format('<p onclick="alert(1)">a</p>')), "Patient.text.div", "onclick"),
    (
        "a link that runs",
        told(DIV.format('<a href=" JavaScript:alert(1)">a</a>')),
        "Patient.text.div",
        "runs",
    ),
    ("a form", told(DIV.format("<form><input/></form>")), "Patient.text.div", "form"),
    ("a frame", told(DIV.format('<iframe src="https://a"/>')), "Patient.text.div", "iframe"),
    ("a head", told(DIV.format("<head/>")), "Patient.text.div", "head"),
    ("HTML that is no XHTML", told(DIV.format("<p>a<br>b")), "Patient.text.div", "well-formed"),
    (
        "an entity bomb",
        told('<!DOCTYPE d [<!ENTITY a "b">]>' + DIV.format("&a;")),
        "Patient.text.div",
        "document type",
    ),
    ("a div of no namespace", told("<div>a</div>"), "Patient.text.div", "namespace"),
    (
        "a paragraph for the div",
        told('<p xmlns="http://www.w3.org/1999/xhtml">a</p>'),
        "Patient.text.div",
        "div",
    ),
    ("text for the div", told("a"), "Patient.text.div", "well-formed"),
    ("a div that is empty", told(DIV.format("")), "Patient.text.div", "txt-2"),
    ("an image and no text", told(DIV.format("<p/>")), "Patient.text.div", "txt-2"),
    ("no div", put(PATIENT, "text", {"status": "empty"}), "Patient.text.div", "missing"),
    ("no status", put(PATIENT, "text", {"div": DIV.format("a")}), "Patient.text.status", "missing"),
    (
        "a status of no value set",
        put(PATIENT, "text", {**narrative("a"), "status": "made"}),
        "Patient.text.status",
        "allowed",
    ),
    ("a text for the narrative", put(PATIENT, "text", "a"), "Patient.text", "object"),
    (
        "a script in a contained resource",
        holding({**MEDICINE, "text": narrative("<script/>")}),
        "MedicationRequest.contained[0].text.div",
        "script",
    ),
]

BUNDLES: list[Case] = [
    ("no type", without(BUNDLE, "type"), "Bundle.type", "missing"),
    ("a type of no value set", put(BUNDLE, "type", "list"), "Bundle.type", "allowed"),
    (
        "one entry for the list",
        put(BUNDLE, "entry", {"resource": PATIENT}),
        "Bundle.entry",
        "array",
    ),
    ("no entries in the list", put(BUNDLE, "entry", []), "Bundle.entry", "empty"),
    ("an entry that is empty", put(BUNDLE, "entry.1", {}), "Bundle.entry[1]", "empty"),
    (
        "an entry without resource",
        put(BUNDLE, "entry.1", {"fullUrl": "http://a/Patient/1"}),
        "Bundle.entry[1]",
        "bdl-5",
    ),
    ("an entry that is null", put(BUNDLE, "entry.1", None), "Bundle.entry[1]", "object"),
    ("a total of a collection", put(BUNDLE, "total", 2), "Bundle.total", "bdl-1"),
    (
        "a negative total",
        put(put(BUNDLE, "type", "searchset"), "total", -1),
        "Bundle.total",
        "range",
    ),
    (
        "a search in a collection",
        put(BUNDLE, "entry.0.search", {"mode": "match"}),
        "Bundle.entry[0].search",
        "bdl-2",
    ),
    (
        "a request in a collection",
        put(BUNDLE, "entry.0.request", {"method": "GET", "url": "Patient"}),
        "Bundle.entry[0].request",
        "bdl-3",
    ),
    (
        "a response in a collection",
        put(BUNDLE, "entry.0.response", {"status": "200"}),
        "Bundle.entry[0].response",
        "bdl-4",
    ),
    (
        "a batch without request",
        {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": PATIENT}]},
        "Bundle.entry[0].request",
        "bdl-3",
    ),
    (
        "the same fullUrl twice",
        put(BUNDLE, "entry.1.fullUrl", BUNDLE["entry"][0]["fullUrl"]),
        "Bundle.entry[1].fullUrl",
        "bdl-7",
    ),
    (
        "a fullUrl of a version",
        put(BUNDLE, "entry.1.fullUrl", "http://a/Observation/1/_history/2"),
        "Bundle.entry[1].fullUrl",
        "bdl-8",
    ),
    (
        "a fullUrl with a blank",
        put(BUNDLE, "entry.1.fullUrl", "http://a b"),
        "Bundle.entry[1].fullUrl",
        "form",
    ),
    (
        "a document without identifier",
        {
            "resourceType": "Bundle",
            "type": "document",
            "timestamp": "2026-05-28T08:00:00Z",
            "entry": [{"resource": {"resourceType": "Composition"}}],
        },
        "Bundle.identifier",
        "bdl-9",
    ),
    (
        "a document without date",
        {
            "resourceType": "Bundle",
            "type": "document",
            "identifier": {"system": "urn:a", "value": "1"},
            "entry": [{"resource": {"resourceType": "Composition"}}],
        },
        "Bundle.timestamp",
        "bdl-10",
    ),
    (
        "a method of no value set",
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "FETCH", "url": "Patient"}}],
        },
        "Bundle.entry[0].request.method",
        "allowed",
    ),
    (
        "a request without url",
        {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET"}}]},
        "Bundle.entry[0].request.url",
        "missing",
    ),
    (
        "a link without relation",
        put(BUNDLE, "link", [{"url": "http://a"}]),
        "Bundle.link[0].relation",
        "missing",
    ),
    (
        "an invalid entry",
        put(BUNDLE, "entry.1.resource.status", "done"),
        "Bundle.entry[1].resource.status",
        "allowed",
    ),
    (
        "an entry without type",
        without(BUNDLE, "entry.1.resource.resourceType"),
        "Bundle.entry[1].resource.resourceType",
        "resourceType",
    ),
    (
        "a resource that is a text",
        put(BUNDLE, "entry.1.resource", "Patient/p1"),
        "Bundle.entry[1].resource",
        "object",
    ),
    (
        "an invalid entry of a Bundle in a Bundle",
        put(BUNDLE, "entry.1.resource", put(BUNDLE, "entry.0.resource.gender", "F")),
        "Bundle.entry[1].resource.entry[0].resource.gender",
        "allowed",
    ),
    (
        "an invariant broken in an entry",
        put(BUNDLE, "entry.1.resource.dataAbsentReason", {"text": "a"}),
        "Bundle.entry[1].resource.dataAbsentReason",
        "obs-6",
    ),
    (
        "a profile of elements of a resource",
        put(BUNDLE, "text", narrative("a")),
        "Bundle.text",
        "no element",
    ),
]

QUESTIONNAIRES: list[Case] = [
    ("no status", without(QUESTIONNAIRE, "status"), "Questionnaire.status", "missing"),
    (
        "an item without type",
        without(QUESTIONNAIRE, "item.0.item.0.type"),
        "Questionnaire.item[0].item[0].type",
        "missing",
    ),
    (
        "an item of a type unknown",
        put(QUESTIONNAIRE, "item.0.item.0.type", "question"),
        "Questionnaire.item[0].item[0].type",
        "allowed",
    ),
    (
        "a linkId twice",
        put(QUESTIONNAIRE, "item.0.item.1.linkId", "1.1"),
        "Questionnaire.item[0].item[1].linkId",
        "que-2",
    ),
    (
        "a linkId of its own group",
        put(QUESTIONNAIRE, "item.0.item.1.linkId", "1"),
        "Questionnaire.item[0].item[1].linkId",
        "que-2",
    ),
    (
        "a group without items",
        without(QUESTIONNAIRE, "item.0.item"),
        "Questionnaire.item[0]",
        "que-1",
    ),
    (
        "a display with items",
        put(QUESTIONNAIRE, "item.0.item.1.item", [{"linkId": "2", "type": "string"}]),
        "Questionnaire.item[0].item[1].item",
        "que-1",
    ),
    (
        "a display with a code",
        put(QUESTIONNAIRE, "item.0.item.1.code", [{"code": "a"}]),
        "Questionnaire.item[0].item[1].code",
        "que-3",
    ),
    (
        "options beside a value set",
        put(QUESTIONNAIRE, "item.0.item.0.answerValueSet", "http://a"),
        "Questionnaire.item[0].item[0]",
        "que-4",
    ),
    (
        "options of a boolean",
        put(QUESTIONNAIRE, "item.0.item.0.type", "boolean"),
        "Questionnaire.item[0].item[0]",
        "que-5",
    ),
    (
        "a display that is required",
        put(QUESTIONNAIRE, "item.0.item.1.required", True),
        "Questionnaire.item[0].item[1].required",
        "que-6",
    ),
    (
        "a condition of existence without a boolean",
        put(
            QUESTIONNAIRE,
            "item.0.item.1.enableWhen",
            [{"question": "1.1", "operator": "exists", "answerString": "a"}],
        ),
        "Questionnaire.item[0].item[1].enableWhen[0].answer",
        "que-7",
    ),
    (
        "a group with an initial value",
        put(QUESTIONNAIRE, "item.0.initial", [{"valueString": "a"}]),
        "Questionnaire.item[0].initial",
        "que-8",
    ),
    (
        "a display that is read only",
        put(QUESTIONNAIRE, "item.0.item.1.readOnly", True),
        "Questionnaire.item[0].item[1].readOnly",
        "que-9",
    ),
    (
        "a longest length of a choice",
        put(QUESTIONNAIRE, "item.0.item.0.maxLength", 5),
        "Questionnaire.item[0].item[0].maxLength",
        "que-10",
    ),
    (
        "an initial value beside options",
        put(QUESTIONNAIRE, "item.0.item.0.initial", [{"valueString": "a"}]),
        "Questionnaire.item[0].item[0].initial",
        "que-11",
    ),
    (
        "three conditions and no word how they join",
        put(
            QUESTIONNAIRE,
            "item.0.item.1.enableWhen",
            [{"question": "1.1", "operator": "exists", "answerBoolean": True}] * 3,
        ),
        "Questionnaire.item[0].item[1].enableBehavior",
        "que-12",
    ),
    (
        "two initial values of one answer",
        put(
            QUESTIONNAIRE,
            "item.1",
            {
                "linkId": "2",
                "type": "string",
                "initial": [{"valueString": "a"}, {"valueString": "b"}],
            },
        ),
        "Questionnaire.item[1].initial",
        "que-13",
    ),
    (
        "an option without a value",
        put(QUESTIONNAIRE, "item.0.item.0.answerOption.0", {"initialSelected": True}),
        "Questionnaire.item[0].item[0].answerOption[0].value",
        "missing",
    ),
    (
        "a condition without an answer",
        put(QUESTIONNAIRE, "item.0.item.1.enableWhen", [{"question": "1.1", "operator": "="}]),
        "Questionnaire.item[0].item[1].enableWhen[0].answer",
        "missing",
    ),
    (
        "an operator unknown",
        put(
            QUESTIONNAIRE,
            "item.0.item.1.enableWhen",
            [{"question": "1.1", "operator": "==", "answerString": "a"}],
        ),
        "Questionnaire.item[0].item[1].enableWhen[0].operator",
        "allowed",
    ),
    (
        "a subject of no type of R4",
        put(QUESTIONNAIRE, "subjectType", ["Person", "Human"]),
        "Questionnaire.subjectType[1]",
        "value set",
    ),
]

OTHERS: list[Case] = [
    (
        "a parameter without name",
        without(PARAMETERS, "parameter.0.name"),
        "Parameters.parameter[0].name",
        "missing",
    ),
    (
        "a parameter without value",
        without(PARAMETERS, "parameter.0.valueString"),
        "Parameters.parameter[0]",
        "inv-1",
    ),
    (
        "a parameter with a value and a resource",
        put(PARAMETERS, "parameter.0.resource", PATIENT),
        "Parameters.parameter[0]",
        "inv-1",
    ),
    (
        "a parameter with two values",
        put(PARAMETERS, "parameter.0.valueCode", "a"),
        "Parameters.parameter[0].valueCode Parameters.parameter[0].valueString",
        "choice",
    ),
    (
        "an invalid resource in a parameter",
        put(PARAMETERS, "parameter.0", {"name": "data", "resource": put(PATIENT, "gender", "F")}),
        "Parameters.parameter[0].resource.gender",
        "allowed",
    ),
    ("a procedure without status", without(PROCEDURE, "status"), "Procedure.status", "missing"),
    (
        "a detail of an order of nothing",
        put(SERVICE_REQUEST, "orderDetail", [{"text": "a"}]),
        "ServiceRequest.orderDetail",
        "prr-1",
    ),
    (
        "an organization without a name",
        without(ORGANIZATION, "name") | {"active": True},
        "Organization",
        "org-1",
    ),
    (
        "an organization at home",
        put(ORGANIZATION, "address", [{"use": "home", "text": "a"}]),
        "Organization.address[0].use",
        "org-2",
    ),
    ("no resource type", without(PATIENT, "resourceType"), "resourceType", "resourceType"),
    ("a resource type of no R4", put(PATIENT, "resourceType", "Human"), "resourceType", "Human"),
    (
        "an abstract resource type",
        put(PATIENT, "resourceType", "DomainResource"),
        "resourceType",
        "DomainResource",
    ),
    (
        "a resource type as a number",
        put(PATIENT, "resourceType", 1),
        "resourceType",
        "resourceType",
    ),
    ("a list for a resource", [PATIENT], "resourceType", "resourceType"),
    ("null for a resource", None, "resourceType", "resourceType"),
]
INVALID = (
    PATIENTS
    + EXTENSIONS
    + OBSERVATIONS
    + RESPONSES
    + CONDITIONS
    + MEDICINES
    + ALLERGIES
    + NARRATIVES
    + BUNDLES
    + QUESTIONNAIRES
    + OTHERS
)
