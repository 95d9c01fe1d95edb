"""What is missing and worth asking for, as a GuidanceResponse (standards §3.3)."""

from collections.abc import Mapping

import orjson

from app.domain.content import Content
from app.domain.content_parts import ValueType
from app.domain.decision import Decision
from app.domain.frame import Frame
from app.domain.gate import GateLevel
from app.domain.stakes import together
from app.fhir.canon import CANON, FINDING, PLAN_DEFINITION
from app.fhir.characters import without_barred
from app.fhir.writing.care_plan import care_plan_id
from app.fhir.writing.elements import Json, identifier, meta, output_id, patient, profile, written

MESSAGES = "messages"
GUIDANCE = "GuidanceResponse"


def guidance_response(
    decision: Decision,
    content: Content,
    frame: Frame,
    at: str,
    ready: Mapping[str, orjson.Fragment],
) -> Json:
    """``data-required`` while not screened, ``data-requested`` while more would tell.

    ``ready`` are the ``requirements`` of the content.
    """
    asked = decision.open_questions
    status = "success"
    if asked or decision.lists_wanted or decision.entries_wanted:
        is_needed = decision.gate.level is GateLevel.NOT_SCREENED
        status = "data-required" if is_needed else "data-requested"
    resource: Json = {
        "resourceType": "GuidanceResponse",
        "id": output_id(frame, GUIDANCE),
        "meta": meta(profile("painplan-guidance")),
        "identifier": identifier(frame),
        "moduleCanonical": f"{PLAN_DEFINITION}|{content.version}",
        "status": status,
        "subject": patient(frame),
        "occurrenceDateTime": at,
        "performer": {"reference": "Device/painplan"},
        "result": {"reference": f"CarePlan/{care_plan_id(frame)}"},
    }
    if frame.encounter:
        resource["encounter"] = {"reference": frame.encounter}
    if decision.not_used:
        resource["contained"] = [_messages(decision)]
        resource["evaluationMessage"] = [{"reference": f"#{MESSAGES}"}]
    notes = _notes(decision, content)
    if notes:
        resource["note"] = notes
    wanted: list[Json | orjson.Fragment] = [ready[name] for name in asked]
    wanted += [_whole_list(type_) for type_ in decision.lists_wanted]
    if wanted:
        resource["dataRequirement"] = wanted
    return resource


def _notes(decision: Decision, content: Content) -> list[Json]:
    """What would change this plan: each question alone, then what only two answers would do."""
    said = [
        f"{content.inputs[stake.input].label} ({stake.input}) could change: "
        f"{', '.join(stake.could_change)}."
        for stake in decision.stakes
    ]
    said += [
        f"{activity} is possible only when {' and '.join(names)} are both known."
        for activity, names in together(decision.unlocks)
    ]
    said += [f"Some option waits for this: {wanted}." for wanted in decision.entries_wanted]
    return [{"text": without_barred(text)} for text in said]


def _whole_list(type_: str) -> Json:
    """Every active entry of a list, and that it is complete (parameter ``complete``)."""
    return {"type": type_}


def _messages(decision: Decision) -> Json:
    """What came in and was not used, each with its reason, for a program to read."""
    return {
        "resourceType": "OperationOutcome",
        "id": MESSAGES,
        "issue": [
            {
                "severity": "information",
                "code": "informational",
                "diagnostics": without_barred(f"{one.reference}: {one.why}"),
            }
            for one in decision.not_used
        ],
    }


def requirements(content: Content) -> dict[str, orjson.Fragment]:
    """What to ask for, by input; the same in every answer."""
    return {name: written(_requirement(name, content)) for name in content.ask_order}


def _requirement(name: str, content: Content) -> Json:
    known = content.inputs[name]
    if known.value_type is ValueType.DECIMAL and not known.codings:
        # A measurement of which no code is verified (sodium): the words alone.
        return {"type": "Observation", "codeFilter": [_by_code({"display": known.label})]}
    system, value = (FINDING, name)
    if known.codings and known.value_type is not ValueType.BOOLEAN:
        system, value = known.codings[0]
    if system.startswith(CANON) or not known.codings:
        coding = {"system": system, "code": value, "display": known.label}
    else:
        coding = {"system": system, "code": value}
    return {"type": "Observation", "codeFilter": [_by_code(coding)]}


def _by_code(coding: Json) -> Json:
    return {"path": "code", "code": [coding]}
