"""Read and vread: what was received, derived, rendered or published (F-07)."""

import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from app.api.access import require_audit_reader, seen
from app.api.answers import resource_body, version_headers
from app.api.offers import require
from app.api.provenances import provenance_body
from app.api.rendering import NOT_MODIFIED, is_known, rendered
from app.api.requests import answer_type, caller_of
from app.api.trail import shown, trail_of
from app.api.types import AUDIT, PUBLISHED
from app.domain.problem import NotFound, Problem
from app.fhir.searching.shape import shape_of
from app.fhir.searching.summary import part_of
from app.fhir.writing.audit_event import audit_event

ALLOW = ("GET", "HEAD")
VERSION = re.compile("[1-9][0-9]{0,8}")


async def read(request: Request) -> Response:
    """``GET /fhir/{type}/{id}``."""
    type_, _ = require(request, "read")
    return await _read(request, type_, None)


async def vread(request: Request) -> Response:
    """``GET /fhir/{type}/{id}/_history/{vid}``."""
    type_, _ = require(request, "vread")
    text = request.path_params["vid"]
    if not VERSION.fullmatch(text):
        raise NotFound(Problem("There is no such version.", code="not-found"))
    return await _read(request, type_, int(text))


async def _read(request: Request, type_: str, version: int | None) -> Response:
    media = answer_type(request)
    shape = shape_of(request.query_params.multi_items())
    body, headers, modified = await _found(request, type_, version)
    if is_known(request, headers["ETag"], modified):
        return Response(b"", NOT_MODIFIED, headers)
    part = part_of(body, type_, summary=shape.summary, elements=shape.elements)
    return rendered(request, part, media, 200, headers)


async def _found(
    request: Request, type_: str, version: int | None
) -> tuple[bytes, dict[str, str], datetime | None]:
    """The bytes, their headers, and since when they are so."""
    id_, state = request.path_params["id"], request.app.state
    if type_ in PUBLISHED or (type_, id_) in state.published:
        body, digest = _published(request, type_, id_, version)
        return body, {"ETag": f'W/"{digest[:16]}"'}, None
    if type_ == AUDIT:
        return await _audit_event(request, id_)
    if type_ == "Provenance":
        if version not in (None, 1):
            raise NotFound(Problem("There is no such version.", code="not-found"))
        body, at = await provenance_body(request, id_)
        return body, version_headers(1, at), at
    tenant = caller_of(request).tenant
    stored = seen(request, await state.read_history.resource(tenant, type_, id_, version))
    shown(request, stored)
    at = stored.committed_at
    return resource_body(stored), version_headers(stored.version.version, at), at


async def _audit_event(request: Request, id_: str) -> tuple[bytes, dict[str, str], datetime | None]:
    require_audit_reader(request)
    state = request.app.state
    tenant = caller_of(request).tenant
    kept = await state.read_audit.event(tenant, id_)
    trail_of(request).shows(kept.record.patient)
    body = audit_event(kept.record, kept.committed_at, state.settings.public_url)
    return body, version_headers(1, kept.committed_at), kept.committed_at


def _published(request: Request, type_: str, id_: str, version: int | None) -> tuple[bytes, str]:
    found: tuple[bytes, str] | None = request.app.state.published.get((type_, id_))
    if found is None or version is not None:
        raise NotFound(Problem(f"There is no {type_}/{id_[:64]}.", code="not-found"))
    return found
