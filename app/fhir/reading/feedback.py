"""Feedback to a service, read strictly: it is ours to define what counts (CH-54, CH-55)."""

import re
from datetime import datetime

from app.domain.orders.feedback import Feedback, Reason
from app.domain.problem import Problem, Refused, TooLarge
from app.fhir.characters import is_barred
from app.fhir.reading.lenient import Json
from app.fhir.reading.parsing import parse_json
from app.fhir.reading.times import instant

AT_MOST = 500
LONGEST = 2000
ACCEPTED, OVERRIDDEN = "accepted", "overridden"
FULL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_feedback(body: bytes) -> tuple[Feedback, ...]:
    """Each entry in its order. Refused names the entry and the element."""
    document = parse_json(body, "Send feedback as JSON in UTF-8.")
    entries = document.get("feedback") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _refused("feedback is required: a list that is not empty.", "feedback")
    if len(entries) > AT_MOST:
        what = f"There are {len(entries)} entries; {AT_MOST} is the most at a time."
        raise TooLarge(Problem(what, where="feedback", code="too-costly"))
    return tuple(_read(entry, f"feedback[{n}]") for n, entry in enumerate(entries))


def _read(entry: object, where: str) -> Feedback:
    if not isinstance(entry, dict):
        raise _refused("The entry is not an object.", where)
    outcome = _text(entry, "outcome", where)
    if outcome not in (ACCEPTED, OVERRIDDEN):
        raise _refused("outcome is neither accepted nor overridden.", f"{where}.outcome")
    suggestions: tuple[str, ...] = ()
    reason, comment = None, ""
    if outcome == ACCEPTED or entry.get("acceptedSuggestions") is not None:
        suggestions = _suggestions(entry, where)
    if entry.get("overrideReason") is not None:
        reason, comment = _override(entry["overrideReason"], f"{where}.overrideReason")
    return Feedback(
        card=_text(entry, "card", where),
        outcome=outcome,
        at=_timestamp(entry, where),
        suggestions=suggestions,
        reason=reason,
        comment=comment,
    )


def _timestamp(entry: Json, where: str) -> datetime:
    said = _text(entry, "outcomeTimestamp", where)
    at = instant(said) if FULL.fullmatch(said) else None
    if at is None:
        what = "outcomeTimestamp is no RFC 3339 instant."
        raise _refused(what, f"{where}.outcomeTimestamp")
    return at


def _suggestions(entry: Json, where: str) -> tuple[str, ...]:
    said = entry.get("acceptedSuggestions")
    if not isinstance(said, list) or not said:
        what = "acceptedSuggestions is required when a card was accepted."
        raise _refused(what, f"{where}.acceptedSuggestions")
    found = []
    for number, one in enumerate(said):
        place = f"{where}.acceptedSuggestions[{number}]"
        if not isinstance(one, dict):
            raise _refused("The accepted suggestion is not an object.", place)
        found.append(_text(one, "id", place))
    return tuple(found)


def _override(said: object, where: str) -> tuple[Reason | None, str]:
    if not isinstance(said, dict):
        raise _refused("overrideReason is not an object.", where)
    reason, comment = said.get("reason"), said.get("userComment")
    if reason is None and comment is None:
        raise _refused("overrideReason has neither reason nor userComment.", where)
    if comment is not None:
        comment = _text(said, "userComment", where)
    if reason is None:
        return None, comment or ""
    if not isinstance(reason, dict):
        raise _refused("reason is not an object.", f"{where}.reason")
    place = f"{where}.reason"
    system = "" if reason.get("system") is None else _text(reason, "system", place)
    return Reason(system, _text(reason, "code", place)), comment or ""


def _text(node: Json, name: str, where: str) -> str:
    value = node.get(name)
    if not isinstance(value, str) or not value.strip():
        what = f"{name} is required: a string that is not empty."
        raise _refused(what, f"{where}.{name}", "required")
    if len(value) > LONGEST:
        raise _refused(f"{name} is longer than {LONGEST} characters.", f"{where}.{name}")
    if is_barred(value):
        raise _refused(f"{name} holds a control character.", f"{where}.{name}")
    return value


def _refused(what: str, where: str, code: str = "invalid") -> Refused:
    return Refused(Problem(what, where=where, code=code))
