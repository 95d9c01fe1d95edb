"""What a search found, as entries: from the history, from decisions, or from what we publish."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from app.api.access import confined_to, is_visible, may, narrowed, require_audit_reader
from app.api.answers import resource_body
from app.api.provenances import provenance_body
from app.api.requests import caller_of
from app.api.trail import shown
from app.api.types import AUDIT, PUBLISHED
from app.domain.history import Stored
from app.domain.problem import Gone, NotFound, NotUnderstood, Problem
from app.domain.searching import Cursor, Search, matches
from app.fhir.searching.includes import target_of, targets
from app.fhir.searching.query import Understood
from app.fhir.searching.shape import Shape
from app.fhir.searching.summary import part_of
from app.fhir.writing.audit_event import audit_event
from app.fhir.writing.bundles import Entry

COUNT_ONLY = "count"
ACCURATE = ("accurate", "estimate")


@dataclass(slots=True)
class Found:
    """The entries of one page, where the next begins, and how many there are where it is known."""

    entries: list[Entry] = field(default_factory=list)
    next: Cursor | None = None
    total: int | None = None


async def found_of(
    request: Request, type_: str, understood: Understood, cursor: Cursor | None
) -> Found:
    """One page of a search."""
    if type_ == "Provenance":
        return await _provenances(request, understood, cursor)
    if type_ == AUDIT:
        return await _audited(request, understood, cursor)
    if type_ in PUBLISHED:
        return _published(request, type_, understood, cursor)
    return await _kept(request, understood, cursor)


async def _kept(request: Request, understood: Understood, cursor: Cursor | None) -> Found:
    use_case, tenant = request.app.state.search_resources, caller_of(request).tenant
    shape, search = understood.shape, narrowed(request, understood.search)
    if shape.summary == COUNT_ONLY:
        return Found(total=await use_case.number(tenant, search))
    page = await use_case.page(
        tenant,
        search,
        cursor=cursor,
        order=shape.order,
        count=shape.count,
        is_total_wanted=shape.total in ACCURATE,
    )
    entries = [_match(request, stored, shape) for stored in page.hits]
    entries += await _included(request, page.hits, shape)
    return Found(entries, page.next, None if shape.total == "none" else page.total)


def _match(request: Request, stored: Stored, shape: Shape) -> Entry:
    return _entry(request, stored, shape, "match")


def _entry(request: Request, stored: Stored, shape: Shape, mode: str) -> Entry:
    version = stored.version
    shown(request, stored)
    body = part_of(
        resource_body(stored), version.type, summary=shape.summary, elements=shape.elements
    )
    return Entry(_url(request, version.type, version.id), body, {"search": {"mode": mode}})


def _url(request: Request, type_: str, id_: str) -> str:
    return f"{request.app.state.settings.public_url}/fhir/{type_}/{id_}"


async def _included(request: Request, hits: Sequence[Stored], shape: Shape) -> list[Entry]:
    """What the matches refer to, and the Provenance of what was made; each once.

    What the caller may not read stays out, as it would from a search (SMART lets us filter).
    """
    tenant, history = caller_of(request).tenant, request.app.state.read_history
    there = {(s.version.type, s.version.id) for s in hits}
    entries: list[Entry] = []
    wanted = [
        target
        for stored in hits
        for include in shape.include
        for target in targets(stored.version.body, stored.version.type, include)
    ]
    for type_, id_, version in dict.fromkeys(wanted):
        if (type_, id_) in there or not may(request, type_, "r"):
            continue
        there.add((type_, id_))
        try:
            stored = await history.resource(tenant, type_, id_, version)
        except (NotFound, Gone):
            continue  # a reference to what never came here, or is here no more
        if not is_visible(request, stored):
            continue
        entries.append(_entry(request, stored, shape, "include"))
    if shape.revinclude and may(request, "Provenance", "s"):
        made = await _makers(request, hits)
        entries += [await _provenance(request, id_, shape, "include") for id_ in made]
    return entries


async def _makers(request: Request, hits: Iterable[Stored]) -> list[str]:
    """The decisions that made any version of these, without the same twice."""
    tenant, history = caller_of(request).tenant, request.app.state.read_history
    by_patient: dict[str, set[tuple[str, str]]] = {}
    for stored in hits:
        version = stored.version
        if version.patient is not None and version.origin == "derived":
            by_patient.setdefault(version.patient, set()).add((version.type, version.id))
    found: dict[str, None] = {}
    for patient, made in by_patient.items():
        found.update(dict.fromkeys(await history.made_by(tenant, patient, made)))
    return list(found)


async def _provenance(request: Request, id_: str, shape: Shape, mode: str) -> Entry:
    body, _ = await provenance_body(request, id_)
    part = part_of(body, "Provenance", summary=shape.summary, elements=shape.elements)
    return Entry(_url(request, "Provenance", id_), part, {"search": {"mode": mode}})


async def _provenances(request: Request, understood: Understood, cursor: Cursor | None) -> Found:
    """By target, or by id."""
    search = understood.search
    if not (search.criteria or search.ids):
        raise NotUnderstood(
            Problem("Which Provenance?", "target", "Name a target or an _id.", "required")
        )
    ids = await _wanted_provenances(request, search)
    chosen, next_ = _slice(ids, understood.shape, cursor)
    if understood.shape.summary == COUNT_ONLY:
        return Found(total=len(ids))
    entries = [await _provenance(request, id_, understood.shape, "match") for id_ in chosen]
    return Found(entries, next_, len(ids))


async def _wanted_provenances(request: Request, search: Search) -> list[str]:
    tenant, history = caller_of(request).tenant, request.app.state.read_history
    found: list[str] | None = None
    for criterion in search.criteria:
        texts = (c.text for alternative in criterion.any_of for c in alternative)
        named = [target for text in texts if (target := target_of(text)) is not None]
        made = await history.makers_of(tenant, [(t, i) for t, i, _ in named])
        found = made if found is None else [id_ for id_ in found if id_ in made]
    for ids in search.ids:
        if found is None:
            found = [id_ for id_ in sorted(ids) if await history.is_decision(tenant, id_)]
        else:
            found = [id_ for id_ in found if id_ in ids]
    confined = confined_to(request)
    if confined is None:
        return found or []
    records = [await history.record_of(tenant, id_) for id_ in found or []]
    return [record.id for record in records if record.patient == confined]


async def _audited(request: Request, understood: Understood, cursor: Cursor | None) -> Found:
    """Newest first. What a search of the audit shows is told by its query, patient by patient."""
    require_audit_reader(request)
    state, shape, tenant = request.app.state, understood.shape, caller_of(request).tenant
    if shape.summary == COUNT_ONLY:
        return Found(total=await state.read_audit.number(tenant, understood.search))
    page = await state.read_audit.page(
        tenant,
        understood.search,
        cursor=cursor,
        order=shape.order,
        count=shape.count,
        is_total_wanted=shape.total in ACCURATE,
    )
    entries = []
    for kept in page.hits:
        body = audit_event(kept.record, kept.committed_at, state.settings.public_url)
        part = part_of(body, AUDIT, summary=shape.summary, elements=shape.elements)
        url = _url(request, AUDIT, kept.record.id)
        entries.append(Entry(url, part, {"search": {"mode": "match"}}))
    return Found(entries, page.next, None if shape.total == "none" else page.total)


def _published(
    request: Request, type_: str, understood: Understood, cursor: Cursor | None
) -> Found:
    state, shape = request.app.state, understood.shape
    ids = [
        id_
        for (of, id_), values in sorted(state.published_values().items())
        if matches(understood.search, of, id_, None, values)
    ]
    if shape.summary == COUNT_ONLY:
        return Found(total=len(ids))
    if shape.order == "-_id":
        ids.reverse()
    chosen, next_ = _slice(ids, shape, cursor)
    entries = []
    for id_ in chosen:
        body, _ = state.published[(type_, id_)]
        part = part_of(body, type_, summary=shape.summary, elements=shape.elements)
        entries.append(Entry(_url(request, type_, id_), part, {"search": {"mode": "match"}}))
    return Found(entries, next_, len(ids))


def _slice(
    ids: Sequence[str], shape: Shape, cursor: Cursor | None
) -> tuple[Sequence[str], Cursor | None]:
    """A page of what is all at hand: its cursor counts."""
    start = cursor.position if cursor is not None else 0
    end = start + shape.count
    return ids[start:end], Cursor(0, "", 0, end) if end < len(ids) else None
