"""The Prefer header: how much to answer, and how strictly to read a search (RFC 7240)."""

import re
from typing import Literal, NamedTuple

from starlette.requests import Request

Return = Literal["minimal", "representation", "OperationOutcome"]
_PREFERENCE = re.compile(r'\s*([A-Za-z\-]+)\s*=\s*"?([A-Za-z\-]+)"?\s*')


class Preferences(NamedTuple):
    """What we understand of it; the rest is a wish that is not granted."""

    returns: Return = "representation"
    is_strict: bool = False


def preferences_of(request: Request) -> Preferences:
    """The first of each preference counts."""
    said: dict[str, str] = {}
    for header in request.headers.getlist("prefer"):
        for part in re.split("[,;]", header):
            match = _PREFERENCE.fullmatch(part)
            if match is not None:
                said.setdefault(match[1].lower(), match[2])
    return Preferences(_returns(said.get("return", "")), said.get("handling") == "strict")


def _returns(text: str) -> Return:
    match text:
        case "minimal" | "OperationOutcome":
            return text
        case _:
            return "representation"
