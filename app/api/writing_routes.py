"""Create and update, by id or by condition (F-08 to F-12)."""

import uuid

from starlette.requests import Request
from starlette.responses import Response

from app.api.access import confined_to, require_patient
from app.api.answers import resource_body, version_headers
from app.api.conditions import condition_of
from app.api.interactions import allowed_on_instance, allowed_on_type
from app.api.offers import not_allowed, offer_of
from app.api.preferences import preferences_of
from app.api.rendering import rendered
from app.api.requests import (
    answer_type,
    caller_of,
    if_match,
    if_none_match,
    read_body,
    require_json,
)
from app.api.trail import kept
from app.domain.problem import NotUnderstood, Problem
from app.domain.submission import Received
from app.fhir.reading.dangling import require_resolved
from app.fhir.reading.parameters import ID
from app.fhir.reading.submission import read_one
from app.fhir.writing import operation_outcome
from app.use_cases.record_resource import Wish, Written

IF_NONE_EXIST = "if-none-exist"


async def create(request: Request) -> Response:
    """``POST /fhir/{type}``: under an id of ours, unless If-None-Exist finds one."""
    type_, offer = offer_of(request)
    if not offer.takes("create"):
        raise not_allowed(f"{type_} is only read here.", allowed_on_type(offer))
    media = answer_type(request)
    criteria = request.headers.get(IF_NONE_EXIST)
    condition = None if criteria is None else condition_of(request, type_, _in_utf_8(criteria))
    received = await _received(request, type_)
    wish = Wish(type_, str(uuid.uuid4()), condition=condition)
    return await _written(request, wish, received, media)


def _in_utf_8(header: str) -> str:
    """A header is Latin-1 to HTTP; clients that send other letters send them in UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


async def update(request: Request) -> Response:
    """``PUT /fhir/{type}/{id}``: a new version, or the first one under the client's id."""
    type_, offer = offer_of(request)
    if not offer.takes("update"):
        raise not_allowed(f"{type_} is only read here.", allowed_on_instance(offer))
    media = answer_type(request)
    id_ = request.path_params["id"]
    if not ID.fullmatch(id_):
        raise _wrong_id(type_, "The id in the address has other characters than ids have.")
    allowed, barred = if_match(request), if_none_match(request)
    received = await _received(request, type_)
    if _own_id(received) != id_:
        raise _wrong_id(type_, "The id in the body is not the one in the address.")
    wish = Wish(
        type_, id_, id=id_, is_update=True, if_match=allowed, if_none_match=barred,
        of_patient=confined_to(request),
    )  # fmt: skip
    return await _written(request, wish, received, media)


async def update_by_condition(request: Request) -> Response:
    """``PUT /fhir/{type}?...``: what the criteria find, or something new."""
    type_, offer = offer_of(request)
    if not offer.takes("update"):
        raise not_allowed(f"{type_} is only read here.", allowed_on_type(offer))
    media = answer_type(request)
    condition = condition_of(request, type_, request.url.query)
    allowed, barred = if_match(request), if_none_match(request)
    received = await _received(request, type_)
    id_ = _own_id(received)
    wish = Wish(
        type_, id_ or str(uuid.uuid4()), id=id_, condition=condition, is_update=True,
        if_match=allowed, if_none_match=barred, of_patient=confined_to(request),
    )  # fmt: skip
    return await _written(request, wish, received, media)


async def refuse_on_type(request: Request) -> Response:
    """Any other method on ``/fhir/{type}``: nothing is deleted."""
    type_, offer = offer_of(request)
    raise not_allowed(f"{type_} does not take {request.method} here.", allowed_on_type(offer))


async def refuse_on_instance(request: Request) -> Response:
    """Any other method on ``/fhir/{type}/{id}``: nothing is deleted, what we derive is ours."""
    type_, offer = offer_of(request)
    raise not_allowed(f"{type_} does not take {request.method} here.", allowed_on_instance(offer))


async def _received(request: Request, type_: str) -> Received:
    """The body, valid and within the ranges that the content knows."""
    require_json(request)
    state = request.app.state
    received = read_one(await read_body(request), expected_type=type_, validator=state.validator)
    require_resolved(received)
    state.reader.check(received, state.library.current.content, as_of=state.clock())
    if type_ != "Patient":
        require_patient(request, received.patient)
    return received


def _own_id(received: Received) -> str | None:
    """The id that stands in the body."""
    parsed = received.parsed
    return parsed.get("id") if isinstance(parsed, dict) else None


def _wrong_id(type_: str, what: str) -> NotUnderstood:
    mend = "Send the resource with its id, 1 to 64 letters, digits, hyphens and dots."
    return NotUnderstood(Problem(what, where=f"{type_}.id", mend=mend, code="value"))


async def _written(request: Request, wish: Wish, received: Received, media: str) -> Response:
    if wish.type == "Patient":
        require_patient(request, wish.id)
    written: Written = await request.app.state.record_resource.one(
        wish, received, caller_of(request)
    )
    kept(request, (written,))
    body, status, headers = parts_of(request, written)
    if not body:
        return Response(b"", status, headers)
    return rendered(request, body, media, status, headers)


def parts_of(request: Request, written: Written) -> tuple[bytes, int, dict[str, str]]:
    """201 for what is new, 200 for the rest, with as much as Prefer asks for."""
    version = written.stored.version
    headers = version_headers(version.version, written.stored.committed_at)
    base = f"{request.app.state.settings.public_url}/fhir"
    headers["Location"] = f"{base}/{version.type}/{version.id}/_history/{version.version}"
    status = 201 if written.is_new else 200
    match preferences_of(request).returns:
        case "minimal":
            return b"", status, headers
        case "OperationOutcome":
            return operation_outcome((_told(written),), "information"), status, headers
        case "representation":
            return resource_body(written.stored), status, headers


def _told(written: Written) -> Problem:
    version = written.stored.version
    if written.is_left:
        what = "is there already; nothing was written"
    else:
        what = "was created" if written.is_new else "was updated"
    name = f"{version.type}/{version.id} in version {version.version}"
    return Problem(f"{name} {what}.", code="informational")
