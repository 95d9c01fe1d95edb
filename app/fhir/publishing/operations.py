"""OperationDefinitions painplan-apply, -derive, -respond, with every parameter of contract §3."""

from app.domain.content import Content
from app.fhir.canon import PLAN_DEFINITION
from app.fhir.publishing.resource import Json, published

ALLOWED_TYPE = "http://hl7.org/fhir/StructureDefinition/operationdefinition-allowed-type"
CORE_APPLY = "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply"
OUTCOMES = "accepted, declined or changed"
IN_THE_URL = "Given in the URL, as ?persist=false, not in the body."


def operations(content: Content) -> list[Json]:
    """All store what they read and what they conclude, so all are POST only."""
    return [_apply(content), _derive(content), _respond(content)]


def _apply(content: Content) -> Json:
    operation = _operation(
        content,
        "painplan-apply",
        "apply",
        title="Apply the protocol to a patient",
        description=(
            "The core operation $apply for this service's one protocol. It differs from the core "
            "in three ways: facts may come with the call (data), what was read and concluded is "
            "stored, and the CarePlan returned holds its activities as activity.detail."
        ),
    )
    operation |= {
        "base": CORE_APPLY,
        "resource": ["PlanDefinition"],
        "system": False,
        "type": True,
        "instance": True,
        "parameter": [
            _plan_definition(),
            _in("url", "uri", "The canonical of the protocol, in place of planDefinition."),
            _in("version", "string", "The version wanted; the current one is applied."),
            *_parameters(subject_min=1),
            _out("CarePlan", "The plan: a proposal that no clinician has accepted yet."),
        ],
    }
    return operation


def _derive(content: Content) -> Json:
    operation = _operation(
        content,
        "painplan-derive",
        "derive",
        title="Derive gate, phenotype and plan",
        description=(
            "The same derivation as $apply, with all that it concludes in one Bundle. The body is "
            "Parameters, or a plain Bundle (collection, batch or transaction) whose single Patient "
            "is the subject; then asOf, guidelineProfile and complete stand in the URL."
        ),
    )
    operation |= {
        "system": True,
        "type": False,
        "instance": False,
        "parameter": [
            *_parameters(subject_min=0),
            _out(
                "Bundle",
                "A collection: the CarePlan first, then Goals, Observations, GuidanceResponse and "
                "Provenance.",
            ),
        ],
    }
    return operation


def _respond(content: Content) -> Json:
    operation = _operation(
        content,
        "painplan-respond",
        "respond",
        title="Answer a proposed plan",
        description=(
            "A clinician accepts, declines or changes a plan that is a draft. Accepted, a new "
            "version is active and every earlier draft or active plan of the patient is revoked; "
            "declined, the plan itself is revoked. An activity that is declined counts as refused "
            "in every later plan. The same answer again changes nothing, another one is a "
            "conflict; If-Match is honoured."
        ),
    )
    operation |= {
        "resource": ["CarePlan"],
        "system": False,
        "type": False,
        "instance": True,
        "parameter": [
            _once(
                "outcome", "code", f"{OUTCOMES}. changed is accepted with answers to activities."
            ),
            _activity(),
            _in("practitioner", "string", "Who answers, as a reference.", search="reference"),
            _in("note", "string", "A word on the whole; it stands in CarePlan.note."),
            _out("CarePlan", "The plan in the version that carries the answer."),
        ],
    }
    return operation


def _activity() -> Json:
    reason = _in("reason", "Element", "Why, in words or codes; it becomes statusReason.")
    reason["extension"] = _allowed("string", "CodeableConcept", "Coding")
    return {
        "name": "activity",
        "use": "in",
        "min": 0,
        "max": "*",
        "documentation": "The answer to one activity. What is not named is taken as the whole is.",
        "part": [
            _once("id", "code", "The activity, by its code in the plan (EX-01)."),
            _once("outcome", "code", f"{OUTCOMES}. changed asks for the reason to say how."),
            reason,
        ],
    }


def _once(name: str, type_: str, text: str) -> Json:
    return {**_in(name, type_, text), "min": 1}


def _operation(content: Content, id_: str, code: str, *, title: str, description: str) -> Json:
    name = "".join(part.capitalize() for part in id_.split("-"))
    made = published(
        content, "OperationDefinition", id_, name=name, title=title, description=description
    )
    return {**made, "kind": "operation", "affectsState": True, "code": code}


def _parameters(*, subject_min: int) -> list[Json]:
    return [
        _subject(subject_min),
        _in(
            "data",
            "Bundle",
            "Resources of the patient. Stored under the ids they carry; one that is invalid "
            "refuses the whole call.",
            most="*",
        ),
        _in("encounter", "string", "The encounter, as a reference.", search="reference"),
        _in("practitioner", "string", "Who asks, as a reference.", search="reference"),
        _in("organization", "string", "For whom, as a reference.", search="reference"),
        _in(
            "useServerData",
            "boolean",
            "Whether what is stored of the patient counts too. Default true.",
        ),
        _in(
            "complete",
            "code",
            "A list known to be complete: Condition, MedicationRequest or AllergyIntolerance. What "
            "such a list leaves out is absent; otherwise it is unknown.",
            most="*",
        ),
        _in(
            "parameters",
            "Parameters",
            "Holds guidelineProfile and asOf; both may also stand beside it.",
        ),
        _in("guidelineProfile", "code", "Whose guidelines lead: who (default), uk or us."),
        _in("asOf", "dateTime", "The instant of evaluation. Default: the time of the request."),
        _in("persist", "boolean", f"false stores no resource and no decision. {IN_THE_URL}"),
    ]


def _subject(minimum: int) -> Json:
    parameter = _in(
        "subject",
        "Element",
        "The patient: a reference as string, uri or Reference. A Bundle with one Patient says it "
        "itself.",
    )
    parameter["min"] = minimum
    parameter["extension"] = _allowed("string", "uri", "Reference")
    return parameter


def _plan_definition() -> Json:
    """R4's own $apply takes the resource, CPG's a canonical; both are understood."""
    parameter = _in(
        "planDefinition",
        "Any",
        f"The protocol: {PLAN_DEFINITION}, as its canonical, a reference to it or the resource "
        "itself (only its url is looked at). At type level this or url is given, at instance level "
        "neither need be.",
    )
    parameter["extension"] = _allowed("PlanDefinition", "canonical", "uri", "string", "Reference")
    return parameter


def _allowed(*types: str) -> list[Json]:
    """The types that a parameter of an abstract type takes."""
    return [{"url": ALLOWED_TYPE, "valueUri": type_} for type_ in types]


def _in(name: str, type_: str, text: str, *, most: str = "1", search: str = "") -> Json:
    parameter: Json = {
        "name": name,
        "use": "in",
        "min": 0,
        "max": most,
        "documentation": text,
        "type": type_,
    }
    return {**parameter, "searchType": search} if search else parameter


def _out(type_: str, text: str) -> Json:
    return {
        "name": "return",
        "use": "out",
        "min": 1,
        "max": "1",
        "documentation": text,
        "type": type_,
    }
