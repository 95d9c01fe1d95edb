"""History of one resource and of a type, newest first (F-19)."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.api import cursors
from app.api.access import patient_of, seen
from app.api.answers import resource_body, version_headers
from app.api.offers import not_allowed, require
from app.api.preferences import preferences_of
from app.api.rendering import rendered
from app.api.requests import answer_type, caller_of, pairs_of
from app.api.trail import shown
from app.domain.history import Stored
from app.domain.problem import NotUnderstood, Problem
from app.domain.searching import Cursor, Versions
from app.fhir.reading.times import instant
from app.fhir.searching.dates import span_of
from app.fhir.searching.shape import COUNT, count_of
from app.fhir.searching.telling import wrong
from app.fhir.writing.bundles import Entry, bundle

ALLOW = ("GET", "HEAD")
KNOWN = frozenset({"_count", "_since", "_at", "_format", "_pretty", cursors.NAME})
ONCE = ("_count", "_since", "_at", cursors.NAME)
Pairs = Sequence[tuple[str, str]]


async def of_instance(request: Request) -> Response:
    """``GET /fhir/{type}/{id}/_history``."""
    type_, _ = require(request, "history-instance", allow=())
    return await _history(request, type_, request.path_params["id"])


async def of_type(request: Request) -> Response:
    """``GET /fhir/{type}/_history``."""
    type_, _ = require(request, "history-type", allow=())
    return await _history(request, type_, None)


async def refuse_on_reading(request: Request) -> Response:
    """Any other method on what is only read: histories, their versions, what is kept of someone."""
    if "type" in request.path_params:
        require(request, "read")
    raise not_allowed(f"This is only read; it does not take {request.method}.", ALLOW)


async def _history(request: Request, type_: str, id_: str | None) -> Response:
    media = answer_type(request)
    pairs = pairs_of(request.url.query)
    given = _given(request, pairs)
    count = count_of(given.get("_count") or str(COUNT))
    since, at = _moment(given, "_since"), _time(given, "_at")
    cursor = cursors.read(given[cursors.NAME]) if cursors.NAME in given else None
    tenant, use_case = caller_of(request).tenant, request.app.state.search_resources
    wanted = Versions(type_, id_, since, at, patient_of(request, type_))
    page = await use_case.versions(tenant, wanted, cursor=cursor, count=count)
    if id_ is not None and not page.total:
        await _require_there(request, type_, id_)
    hits = page.resources if count else ()
    for stored in hits:
        shown(request, stored)
    entries = [_entry(request, stored) for stored in hits]
    links = _links(request, pairs, page.next if count else None)
    body = bundle("history", entries, links=links, total=page.total)
    return rendered(request, body, media)


async def _require_there(request: Request, type_: str, id_: str) -> None:
    """A resource that has no version in the time asked for is no resource that is not there.

    NotFound, or Gone when all its versions were erased.
    """
    wanted = Versions(type_, id_, patient=patient_of(request, type_))
    tenant, state = caller_of(request).tenant, request.app.state
    page = await state.search_resources.versions(tenant, wanted, cursor=None, count=0)
    if not page.total:
        seen(request, await state.read_history.resource(tenant, type_, id_))


def _given(request: Request, pairs: Pairs) -> dict[str, str]:
    """What is known of the query, each at most once; the rest is ignored or refused."""
    unknown = [key for key, _ in pairs if key not in KNOWN]
    if unknown and preferences_of(request).is_strict:
        problem = Problem(
            f"The parameter {unknown[0][:64]!r} is not known here.",
            where=unknown[0][:64],
            code="not-supported",
        )
        raise NotUnderstood(problem)
    names = [key for key, _ in pairs]
    for name in ONCE:
        if names.count(name) > 1:
            raise wrong(f"{name} comes twice.", name, "Send it once.", "value")
    return {key: value for key, value in pairs if key in KNOWN}


def _moment(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name)
    if not text:
        return None
    moment = instant(text.replace(" ", "+"))
    if moment is None:
        raise wrong(f"{name} is no instant.", name, code="value")
    return moment


def _time(given: dict[str, str], name: str) -> tuple[datetime, datetime] | None:
    """From the first instant of what is given to before the one after: a day is a whole day."""
    text = given.get(name)
    if not text:
        return None
    span = span_of(text.replace(" ", "+"))
    if span is None:
        raise wrong(f"{name} is no date or instant.", name, code="value")
    first, after = span
    return datetime.fromisoformat(first), datetime.fromisoformat(after)


def _entry(request: Request, stored: Stored) -> Entry:
    version = stored.version
    url = f"{version.type}/{version.id}"
    headers = version_headers(version.version, stored.committed_at)
    is_first = version.version == 1
    asked = {"method": "POST", "url": version.type} if is_first else {"method": "PUT", "url": url}
    at = stored.committed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    answered = {
        "status": "201" if is_first else "200",
        "location": f"{url}/_history/{version.version}",
        "etag": headers["ETag"],
        "lastModified": at,
    }
    base = f"{request.app.state.settings.public_url}/fhir"
    return Entry(f"{base}/{url}", resource_body(stored), {"request": asked, "response": answered})


def _links(request: Request, pairs: Pairs, following: Cursor | None) -> list[tuple[str, str]]:
    address = f"{request.app.state.settings.public_url}{request.url.path}"
    known = [(key, value) for key, value in pairs if key in KNOWN]
    links = [("self", _with(address, known))]
    if following is not None:
        rest = [(key, value) for key, value in known if key != cursors.NAME]
        next_ = _with(address, [*rest, (cursors.NAME, cursors.written(following))])
        links.append(("next", next_))
    return links


def _with(address: str, pairs: Pairs) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address
