"""A CarePlan after its clinician's answer: the stored bytes, edited into the next version."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

import orjson

from app.domain.frame import Output
from app.domain.history import ResourceVersion
from app.domain.response import ActivityAnswer, Change, Outcome, Response
from app.fhir.canon import ACTIVITY
from app.fhir.searching.values import search_values
from app.fhir.writing.elements import Json
from app.fhir.writing.narrative import OPENING

ACCEPTED_INTENT = "plan"
CANCELLED = "cancelled"
NO_REASON = "Declined; no reason was given."
# Annotation.author of R4 takes no PractitionerRole; as a contributor it is named all the same.
ROLE = "PractitionerRole/"


def answered(version: ResourceVersion, change: Change, at: datetime) -> Output:
    """The same plan, change and instant give the same bytes."""
    plan = orjson.loads(version.body)
    plan["status"] = change.status.value
    if change.response is not None:
        _answer(plan, change.response, at)
    _replace(plan, change)
    said = "".join(f"<p>{escape(text, quote=False)}</p>" for text in _said(plan, change, at))
    div = plan["text"]["div"]
    plan["text"]["div"] = OPENING + said + div.removeprefix(OPENING)
    return Output(
        type=version.type,
        id=version.id,
        status=plan["status"],
        body=orjson.dumps(plan),
        search=search_values(plan),
    )


def _answer(plan: Json, response: Response, at: datetime) -> None:
    if response.is_acceptance:
        plan["intent"] = ACCEPTED_INTENT
    answers = {answer.activity: answer for answer in response.activities}
    for row in plan.get("activity", ()):
        answer = answers.get(_id(row))
        if answer is not None:
            _answer_row(row["detail"], answer)
    if response.practitioner is not None:
        _name(plan, response.practitioner)
    if response.note:
        plan["note"] = [*plan.get("note", ()), _note(response, at)]


def _answer_row(detail: Json, answer: ActivityAnswer) -> None:
    match answer.outcome:
        case Outcome.ACCEPTED:
            return
        case Outcome.DECLINED:
            detail["status"] = CANCELLED
            detail["statusReason"] = _reason(answer)
        case Outcome.CHANGED:
            detail["statusReason"] = _reason(answer)


def _reason(answer: ActivityAnswer) -> Json:
    reason = answer.reason
    if not reason.is_given:
        return {"text": NO_REASON}
    concept: Json = {}
    if reason.codings:
        concept["coding"] = [_coding(*coding) for coding in reason.codings]
    if reason.text:
        concept["text"] = reason.text
    return concept


def _coding(system: str, code: str, display: str) -> Json:
    named = {"system": system, "code": code, "display": display}
    return {name: value for name, value in named.items() if value}


def _name(plan: Json, practitioner: str) -> None:
    """Who answered stands among those who made the plan, once."""
    contributors = plan.setdefault("contributor", [])
    if not any(c.get("reference") == practitioner for c in contributors):
        contributors.append({"reference": practitioner})


def _note(response: Response, at: datetime) -> Json:
    note: Json = {"time": _instant(at), "text": response.note}
    by = response.practitioner
    if by is not None and ROLE not in by:
        note = {"authorReference": {"reference": by}, **note}
    return note


def _replace(plan: Json, change: Change) -> None:
    """The plans that end with this one stand beside the one that it was derived after."""
    named = [r["reference"] for r in plan.get("replaces", ())]
    ended = [f"CarePlan/{id_}" for id_ in change.replaces]
    references = dict.fromkeys((*named, *ended))
    if references:
        plan["replaces"] = [{"reference": reference} for reference in references]


def _said(plan: Json, change: Change, at: datetime) -> Iterator[str]:
    """What a reader must know before the rest."""
    day = at.date().isoformat()
    response = change.response
    if response is None:
        yield f"Revoked on {day}: CarePlan/{change.replaced_by} was accepted in its place."
        return
    verb = "Accepted" if response.is_acceptance else "Declined"
    by = f" by {response.practitioner}" if response.practitioner else ""
    yield f"{verb} on {day}{by}."
    answers = {answer.activity: answer for answer in response.activities}
    for row in plan.get("activity", ()):
        answer = answers.get(_id(row))
        if answer is not None and answer.outcome is not Outcome.ACCEPTED:
            label = row["detail"]["code"]["text"]
            why = answer.reason.words or "no reason was given"
            yield f"{answer.outcome.value.capitalize()}: {answer.activity} {label} ({why})."
    if response.note:
        yield f"Note: {response.note}"


def _id(row: Json) -> str:
    """The code of the activity (contract §3: the first coding)."""
    codings = row["detail"]["code"]["coding"]
    return next(str(c["code"]) for c in codings if c["system"] == ACTIVITY)


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
