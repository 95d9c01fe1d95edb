"""``Patient/{id}/$everything``: all that is kept about one patient, received and derived."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.api import cursors
from app.api.access import may, require_scope, seen
from app.api.answers import resource_body
from app.api.preferences import preferences_of
from app.api.rendering import rendered
from app.api.requests import answer_type, caller_of, pairs_of, read_body, require_json
from app.api.trail import trail_of
from app.domain.problem import NotUnderstood, Problem
from app.domain.searching import Criterion, Search
from app.fhir.reading.operation_input import read_input
from app.fhir.searching.dates import alternatives, span_of
from app.fhir.searching.parameters import STORED
from app.fhir.searching.shape import COUNT, count_of
from app.fhir.searching.telling import wrong
from app.fhir.writing.bundles import Entry, bundle, outcome_entry

KNOWN = ("_since", "_type", "_count", "_format", "_pretty", cursors.NAME)
OLDEST_FIRST = "_lastUpdated"
MATCH: dict[str, object] = {"search": {"mode": "match"}}


async def everything(request: Request) -> Response:
    """``GET|POST /fhir/Patient/{id}/$everything``; NotFound when the patient is not kept."""
    media = answer_type(request)
    id_, tenant, state = request.path_params["id"], caller_of(request).tenant, request.app.state
    seen(request, await state.read_history.resource(tenant, "Patient", id_))
    trail_of(request).shows(id_)
    pairs = await _pairs(request)
    given = _given(pairs)
    told = _told(request, [key for key, _ in pairs if key not in KNOWN])
    cursor = cursors.read(given.pop(cursors.NAME)) if cursors.NAME in given else None
    page = await state.search_resources.page(
        tenant,
        _search(request, id_, given),
        cursor=cursor,
        order=OLDEST_FIRST,
        count=max(count_of(given.get("_count", str(COUNT))), 1),
        is_total_wanted=cursor is None,
    )
    base = f"{state.settings.public_url}/fhir"
    entries = [
        Entry(f"{base}/{s.version.type}/{s.version.id}", resource_body(s), MATCH)
        for s in page.resources
    ]
    address = f"{base}/Patient/{id_}/$everything"
    own = {} if cursor is None else {cursors.NAME: cursors.written(cursor)}
    links = [("self", _with(address, {**given, **own}))]
    if page.next is not None:
        links.append(("next", _with(address, {**given, cursors.NAME: cursors.written(page.next)})))
    body = bundle("searchset", [*entries, *told], links=links, total=page.total)
    return rendered(request, body, media)


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """The query; by POST also Parameters, where some came."""
    pairs = pairs_of(request.url.query)
    body = await read_body(request) if request.method == "POST" else b""
    if not body:
        return pairs
    require_json(request)
    given = read_input(body, name="", validator=request.app.state.validator)
    if given.resource is not None:
        what = f"The body is a {given.where[:64]}; expected is Parameters."
        raise wrong(what, "resourceType", code="structure")
    return [*pairs, *given.settings.items()]


def _given(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """What is known of it; types add up, of anything else the last counts."""
    given = {key: value for key, value in pairs if key in KNOWN and value}
    types = [value for key, value in pairs if key == "_type" and value]
    return {**given, "_type": ",".join(types)} if types else given


def _told(request: Request, unknown: list[str]) -> list[Entry]:
    """What was not used: refused where the client is strict."""
    problems = [
        Problem(f"The parameter {key[:64]!r} was not used.", key[:64], "", "not-supported")
        for key in unknown
    ]
    if not problems:
        return []
    if preferences_of(request).is_strict:
        raise NotUnderstood(*problems)
    return [outcome_entry(problems)]


def _search(request: Request, id_: str, given: dict[str, str]) -> Search:
    types = tuple(t for t in given.get("_type", "").split(",") if t)
    strange = [t for t in types if t not in STORED]
    if strange:
        raise wrong(f"{strange[0][:64]!r} is no type that is kept here.", "_type", code="value")
    for type_ in types:
        require_scope(request, type_, "s")
    types = types or _open_types(request)
    updated: tuple[Criterion, ...] = ()
    if "_since" in given:
        span = span_of(given["_since"].replace(" ", "+"))
        if span is None:
            raise wrong("_since is no instant.", "_since", code="value")
        now = request.app.state.clock()
        updated = (Criterion("_lastUpdated", alternatives("ge", span, now)),)
    return Search(types=types, patients=(frozenset({id_}),), updated=updated)


def _open_types(request: Request) -> tuple[str, ...]:
    """Where no types are named: those that the caller may search; none stands for all."""
    kept = tuple(type_ for type_ in STORED if may(request, type_, "s"))
    return () if len(kept) == len(STORED) else kept or ("Patient",)


def _with(address: str, pairs: dict[str, str]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address
