"""Search: ``GET /fhir/{type}?...`` and ``POST /fhir/{type}/_search``."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.api import cursors
from app.api.found import Found, found_of
from app.api.interactions import Offer
from app.api.media import UnsupportedMedia
from app.api.offers import not_allowed, require
from app.api.preferences import preferences_of
from app.api.rendering import rendered
from app.api.requests import answer_type_of, pairs_of, read_body
from app.api.trail import trail_of
from app.domain.problem import NotUnderstood, Problem
from app.domain.searching import Cursor
from app.fhir.searching.query import Understood, understand
from app.fhir.writing.bundles import Entry, bundle, outcome_entry

FORM = "application/x-www-form-urlencoded"
QUERY_AT_MOST = 64 * 1024
Pairs = Sequence[tuple[str, str]]


async def search(request: Request) -> Response:
    """``GET /fhir/{type}?...``."""
    return await _search(request, pairs_of(request.url.query))


async def search_by_post(request: Request) -> Response:
    """``POST /fhir/{type}/_search``: parameters in the form, in the address, or in both."""
    require(request, "search-type")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request)
    if body and media != FORM:
        problem = Problem(
            f"The body type {media[:64]!r} is not supported.",
            mend=f"Send {FORM}.",
            code="not-supported",
        )
        raise UnsupportedMedia(problem)
    try:
        form = body.decode()
    except UnicodeDecodeError:
        raise NotUnderstood(Problem("The form is not UTF-8.", code="structure")) from None
    return await _search(request, [*pairs_of(request.url.query), *pairs_of(form)], body)


async def refuse_on_search(request: Request) -> Response:
    """Any other method on ``/fhir/{type}/_search``."""
    require(request, "search-type")
    raise not_allowed(f"{request.method} does not search.", ("POST",))


async def _search(request: Request, pairs: Pairs, form: bytes = b"") -> Response:
    trail = trail_of(request)
    trail.query = _as_sent(request, form)
    type_, offer = require(request, "search-type")
    formats = [value for key, value in pairs if key == "_format"]
    media = answer_type_of(request, formats[0] if formats else None)
    cursor, wanted = _cursor(pairs)
    understood = _understood(request, wanted, type_, offer)
    for patients in understood.search.patients:
        trail.names(patients)
    found = await found_of(request, type_, understood, cursor)
    links = _links(request, type_, understood, cursor, found)
    entries = [*found.entries, *_told([*understood.ignored, *found.told])]
    body = bundle("searchset", entries, links=links, total=found.total)
    return rendered(request, body, media)


def _as_sent(request: Request, form: bytes) -> bytes:
    """The request line with its query and the form below it: what the audit keeps of a search."""
    query: bytes = request.scope["query_string"]
    line = f"{request.method} {request.url.path}".encode() + (b"?" + query if query else b"")
    return (line + b"\n\n" + form if form else line)[:QUERY_AT_MOST]


def _understood(request: Request, wanted: Pairs, type_: str, offer: Offer) -> Understood:
    state = request.app.state
    return understand(
        wanted,
        type_=type_,
        now=state.clock(),
        base=f"{state.settings.public_url}/fhir",
        is_strict=preferences_of(request).is_strict,
        includes=offer.includes,
        revincludes=offer.revincludes,
    )


def _cursor(pairs: Pairs) -> tuple[Cursor | None, Pairs]:
    """The cursor of a link that we wrote, and the pairs of the search itself."""
    written = [value for key, value in pairs if key == cursors.NAME]
    rest = [pair for pair in pairs if pair[0] != cursors.NAME]
    return (cursors.read(written[0]) if written else None), rest


def _links(
    request: Request, type_: str, understood: Understood, cursor: Cursor | None, found: Found
) -> list[tuple[str, str]]:
    """Self names what counted and nothing else (F-16); next goes on where this page ends."""
    address = f"{request.app.state.settings.public_url}/fhir/{type_}"
    own = list(understood.used)
    if cursor is not None:
        own.append((cursors.NAME, cursors.written(cursor)))
    links = [("self", _with(address, own)), ("first", _with(address, understood.used))]
    if found.next is not None:
        following = [*understood.used, (cursors.NAME, cursors.written(found.next))]
        links.append(("next", _with(address, following)))
    return links


def _with(address: str, pairs: Pairs) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address


def _told(problems: Sequence[Problem]) -> list[Entry]:
    """What was ignored or left out, as an entry that is no match."""
    return [outcome_entry(problems)] if problems else []
