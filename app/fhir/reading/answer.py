"""The Parameters of ``$respond``: what a clinician answers to a plan (contract §3)."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.domain.problem import Problem, Refused
from app.domain.response import ActivityAnswer, Outcome, Reason, Response
from app.fhir.reading.draft import Validator
from app.fhir.reading.parameters import named, require_valid, text_of, unknown, wrong
from app.fhir.reading.parsing import parse

OUTCOMES = tuple(outcome.value for outcome in Outcome)
ONCE = frozenset({"outcome", "practitioner", "note", "id", "reason"})


class ReadAnswer(NamedTuple):
    """The response, and what else came that nobody reads."""

    response: Response
    warnings: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Draft:
    """The response in the making."""

    outcome: Outcome | None = None
    activities: list[ActivityAnswer] = field(default_factory=list)
    practitioner: str | None = None
    note: str = ""
    warnings: list[Problem] = field(default_factory=list)


def read_answer(body: bytes, *, validator: Validator) -> ReadAnswer:
    """NotUnderstood for what is no answer, Refused for an outcome that there is not."""
    document = parse(body, ("Parameters",))
    require_valid(validator.problems(document, expected_type="Parameters"))
    draft = _Draft()
    parameters = document.get("parameter", [])
    _require_once(parameters, "Parameters.parameter")
    for number, parameter in enumerate(parameters):
        _read(parameter, f"Parameters.parameter[{number}]", draft)
    if draft.outcome is None:
        raise wrong("There is no outcome.", "Parameters.parameter", code="required")
    response = Response(draft.outcome, tuple(draft.activities), draft.practitioner, draft.note)
    return ReadAnswer(response, tuple(draft.warnings))


def _read(parameter: dict[str, Any], where: str, draft: _Draft) -> None:
    match parameter.get("name", ""):
        case "outcome":
            draft.outcome = _outcome(parameter, where)
        case "activity":
            draft.activities.append(_activity(parameter, where, draft))
        case "practitioner" as name:
            draft.practitioner = named(name, text_of(parameter, where), where)
        case "note":
            draft.note = text_of(parameter, where)
        case other:
            draft.warnings.append(unknown(other, where))


def _require_once(parameters: list[dict[str, Any]], where: str) -> None:
    """Of two outcomes nobody could say which is meant."""
    seen: set[str] = set()
    for number, parameter in enumerate(parameters):
        name = parameter.get("name", "")
        if name in seen:
            raise wrong(f"{name} comes twice.", f"{where}[{number}]", code="structure")
        seen.update({name} & ONCE)


def _activity(parameter: dict[str, Any], where: str, draft: _Draft) -> ActivityAnswer:
    parts = parameter.get("part", [])
    _require_once(parts, f"{where}.part")
    activity, place = "", where
    outcome: Outcome | None = None
    reason = Reason()
    for number, part in enumerate(parts):
        at = f"{where}.part[{number}]"
        match part.get("name", ""):
            case "id":
                activity, place = _code(part, at), at
            case "outcome":
                outcome = _outcome(part, at)
            case "reason":
                reason = _reason(part, at)
            case other:
                draft.warnings.append(unknown(other, at))
    if not activity:
        raise wrong("The activity has no id.", f"{where}.part", code="required")
    if outcome is None:
        raise wrong("The activity has no outcome.", f"{where}.part", code="required")
    return ActivityAnswer(activity, outcome, reason, place)


def _outcome(parameter: dict[str, Any], where: str) -> Outcome:
    text = _code(parameter, where)
    if text in OUTCOMES:
        return Outcome(text)
    raise Refused(
        Problem(
            f"There is no outcome {text[:32]!r}.",
            where=where,
            mend=f"Send one of {', '.join(OUTCOMES)}.",
            code="business-rule",
        )
    )


def _code(parameter: dict[str, Any], where: str) -> str:
    """A code as any text, or as a Coding."""
    coding = parameter.get("valueCoding")
    if isinstance(coding, dict) and isinstance(coding.get("code"), str):
        return str(coding["code"])
    return text_of(parameter, where)


def _reason(part: dict[str, Any], where: str) -> Reason:
    """Words, a Coding, or a CodeableConcept."""
    concept = part.get("valueCodeableConcept")
    if isinstance(concept, dict):
        return Reason(concept.get("text", ""), _codings(concept.get("coding", [])))
    if isinstance(part.get("valueCoding"), dict):
        return Reason(codings=_codings([part["valueCoding"]]))
    return Reason(text_of(part, where))


def _codings(codings: list[dict[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    parts = ("system", "code", "display")
    found = ([str(c.get(p, "")) for p in parts] for c in codings if "code" in c)
    return tuple((system, code, display) for system, code, display in found)
