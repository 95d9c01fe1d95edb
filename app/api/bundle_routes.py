"""``POST /fhir``: a batch, each entry for itself, or a transaction, all or nothing (F-20, F-21)."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.batches import answered
from app.api.inner_requests import InnerAnswer
from app.api.offers import not_allowed
from app.api.rendering import rendered
from app.api.requests import answer_type, read_body, require_json
from app.api.transactions import Outcome, carried_out
from app.api.turns import in_turns
from app.api.writing_routes import parts_of
from app.fhir.reading.bundle_requests import Asked, read_requests
from app.fhir.writing.bundles import Entry, bundle

OUTCOME = b'{"resourceType":"OperationOutcome"'
REFUSED = 400


async def take(request: Request) -> Response:
    """``POST /fhir``."""
    media = answer_type(request)
    require_json(request)
    base = f"{request.app.state.settings.public_url}/fhir"
    body = await read_body(request)
    kind, entries = read_requests(body, base=base, validator=request.app.state.validator)
    if kind == "batch":
        answers: Sequence[Outcome] = await answered(request, entries)
    else:
        answers = await carried_out(request, entries)
    told = [
        _entry(request, asked, answer)
        async for asked, answer in in_turns(zip(entries, answers, strict=True))
    ]
    return rendered(request, bundle(f"{kind}-response", told), media)


async def refuse_on_base(request: Request) -> Response:
    """Any other method on ``/fhir``."""
    raise not_allowed(f"{request.method} is not offered on the whole.", ("POST",))


def _entry(request: Request, asked: Asked, answer: Outcome) -> Entry:
    """What became of one entry; a refusal stands in ``response.outcome``."""
    if not isinstance(answer, InnerAnswer):
        body, status, headers = parts_of(request, answer)
        named = {name.lower(): value for name, value in headers.items()}
        answer = InnerAnswer(status, named, body)
    response: dict[str, object] = {"status": _status(answer.status)}
    for name, header in (("location", "location"), ("etag", "etag")):
        if header in answer.headers:
            response[name] = answer.headers[header]
    if "last-modified" in answer.headers:
        at = parsedate_to_datetime(answer.headers["last-modified"])
        response["lastModified"] = _instant(at)
    body = answer.body if asked.method != "HEAD" else b""
    if body and (answer.status >= REFUSED or body.startswith(OUTCOME)):
        response["outcome"] = orjson.Fragment(body)
        body = b""
    full_url = answer.headers.get("location", "").partition("/_history/")[0]
    return Entry(full_url if body else "", body, {"response": response})


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
