"""A transaction: every write of a Bundle or none, and what it reads, as of afterwards (F-21)."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request

from app.api.access import confined_to, require_patient, require_scope
from app.api.batches import LARGEST, no_room
from app.api.conditions import condition_of
from app.api.inner_requests import InnerAnswer, answer_to, tried
from app.api.interactions import OFFERED, allowed_on_instance, allowed_on_type
from app.api.media import OutOfScope
from app.api.requests import allowed_versions, caller_of
from app.api.trail import kept
from app.api.turns import in_turns
from app.domain.problem import (
    NotAllowed,
    NotFound,
    NotUnderstood,
    PreconditionFailed,
    Problem,
    Refusal,
)
from app.domain.searching import Search, matches
from app.domain.submission import Received
from app.fhir.reading.bundle_requests import Asked
from app.fhir.reading.dangling import require_resolved
from app.fhir.reading.parameters import ID
from app.fhir.reading.rewriting import references_in, rewritten
from app.fhir.reading.submission import read_one
from app.fhir.searching.values import search_values
from app.use_cases.record_resource import Target, Wish, Written

READS = ("GET", "HEAD")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)\Z", re.DOTALL)
_RESTFUL = re.compile(r"\S*/([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})\Z")
FAILED, ABSENT = 400, (404, 410)
KINDS: Mapping[int, type[Refusal]] = {403: OutOfScope, 404: NotFound, 410: NotFound}
Outcome = Written | InnerAnswer


@dataclass(slots=True)
class Transaction:
    """One transaction on its way: its writes as wishes, and the searches in its references."""

    request: Request
    writes: Sequence[Asked]
    wishes: Sequence[Wish]
    conditional: Mapping[str, Search]
    places: Mapping[str, str]
    stored: Mapping[str, str | None]

    async def prepare(self, targets: Sequence[Target]) -> list[Received]:
        """Every resource with its references rewritten, valid and within its ranges."""
        names = _names(self.writes, targets)
        own = [
            (t, search_values(asked.resource or {}))
            async for asked, t in in_turns(zip(self.writes, targets, strict=True))
            if self.conditional
        ]
        async for text, search in in_turns(self.conditional.items()):
            here = {
                t.id
                for t, values in own
                if matches(search, t.type, t.id, t.id if t.type == "Patient" else None, values)
            }
            found = here | ({self.stored[text]} - {None})
            names[text] = f"{search.types[0]}/{_only(found, text, self.places[text])}"
        return [
            _received(self.request, asked, wish, names)
            async for asked, wish in in_turns(zip(self.writes, self.wishes, strict=True))
        ]


async def carried_out(request: Request, entries: Sequence[Asked]) -> list[Outcome]:
    """What became of each entry, in their order. A Refusal: nothing was written."""
    for asked in entries:
        if asked.method in ("DELETE", "PATCH"):
            raise _refused_method(asked)
    writes = [asked for asked in entries if asked.method not in READS]
    wishes = [_wish(request, asked) for asked in writes]
    await _require_reads(request, entries, writes, wishes)
    written = await _written(request, writes, wishes) if writes else ()
    by_number: dict[int, Outcome] = {
        asked.number: one for asked, one in zip(writes, written, strict=True)
    }
    for asked in entries:
        if asked.number not in by_number:
            by_number[asked.number] = await answer_to(request, asked)
    return [by_number[asked.number] for asked in entries]


async def _written(
    request: Request, writes: Sequence[Asked], wishes: Sequence[Wish]
) -> tuple[Written, ...]:
    use_case, caller = request.app.state.record_resource, caller_of(request)
    conditional, places = await _conditional(request, writes)
    stored = {
        text: await use_case.match(search, caller.tenant, places[text])
        for text, search in conditional.items()
    }
    transaction = Transaction(request, writes, wishes, conditional, places, stored)
    done: tuple[Written, ...] = await use_case(wishes, transaction.prepare, caller)
    kept(request, done)
    return done


def _refused_method(asked: Asked) -> NotAllowed:
    type_ = asked.url.partition("?")[0].partition("/")[0]
    offer = OFFERED.get(type_)
    problem = Problem(
        f"{asked.method} is not offered; nothing is ever deleted or patched.",
        where=f"{asked.where}.request.method",
        code="not-supported",
    )
    return NotAllowed(problem, allow=allowed_on_instance(offer) if offer else READS)


def _wish(request: Request, asked: Asked) -> Wish:
    """What an entry wants to write; an operation is none of it."""
    path, _, query = asked.url.partition("?")
    type_, _, id_ = path.partition("/")
    offer = OFFERED.get(type_)
    if offer is None:
        what = f"The resource type {type_[:64]!r} is not served here."
        raise NotFound(Problem(what, f"{asked.where}.request.url", "", "not-supported"))
    interaction = "create" if asked.method == "POST" else "update"
    if not offer.takes(interaction):
        allow = allowed_on_type(offer) if asked.method == "POST" else allowed_on_instance(offer)
        what = f"{type_} is only read here."
        raise NotAllowed(Problem(what, f"{asked.where}.request", "", "not-supported"), allow=allow)
    require_scope(request, type_, "c" if asked.method == "POST" else "u")
    if asked.method == "POST":
        return _creation(request, asked, type_, is_plain=not (id_ or query))
    return _change(request, asked, type_, id_, query)


def _creation(request: Request, asked: Asked, type_: str, *, is_plain: bool) -> Wish:
    if not is_plain:
        what = "Only create, update and read stand in a transaction."
        raise NotUnderstood(Problem(what, f"{asked.where}.request.url", "", "not-supported"))
    criteria = asked.request.get("ifNoneExist")
    where = f"{asked.where}.request.ifNoneExist"
    condition = None if criteria is None else condition_of(request, type_, criteria, where)
    at = asked.where if condition is None else where
    return Wish(type_, str(uuid.uuid4()), condition=condition, where=at)


def _change(request: Request, asked: Asked, type_: str, id_: str, query: str) -> Wish:
    own = (asked.resource or {}).get("id")
    where = f"{asked.where}.request.url"
    condition = None
    if query and not id_:
        condition = condition_of(request, type_, query, where)
        id_ = own if isinstance(own, str) else ""
    elif not ID.fullmatch(id_) or own != id_:
        what = "The id in the url is none, or not the one in the resource."
        raise NotUnderstood(Problem(what, where, "Send the resource with its id.", "value"))
    return Wish(
        type_,
        id_ or str(uuid.uuid4()),
        id=id_ or None,
        condition=condition,
        is_update=True,
        if_match=_versions(asked, "ifMatch"),
        if_none_match=_versions(asked, "ifNoneMatch"),
        where=asked.where,
        of_patient=confined_to(request),
    )


def _versions(asked: Asked, name: str) -> frozenset[str] | None:
    return allowed_versions(asked.request.get(name), f"{asked.where}.request.{name}")


async def _require_reads(
    request: Request, entries: Sequence[Asked], writes: Sequence[Asked], wishes: Sequence[Wish]
) -> None:
    """A read that cannot succeed fails the whole before anything is written, and so does too much.

    ``wishes`` are what ``writes`` ask for, in their order.
    """
    promised = {
        f"{wish.type}/{wish.id}": len(asked.body)
        for asked, wish in zip(writes, wishes, strict=True)
        if wish.is_update and wish.id
    }
    room = LARGEST
    for asked in entries:
        if asked.method not in READS:
            continue
        if room <= 0:
            raise no_room(asked.where)
        read = "/".join(_path(asked)[:2])
        if read in promised:
            require_scope(request, read.partition("/")[0], "r")
        answer = await tried(request, asked)
        is_yet_to_come = answer.status in ABSENT and read in promised
        if answer.status >= FAILED and not (is_yet_to_come and await _comes(request, asked)):
            kind = KINDS.get(answer.status, NotUnderstood)
            what = f"This read is answered with {answer.status}, so nothing was written."
            raise kind(Problem(what, f"{asked.where}.request.url", "", "processing"))
        room -= max(len(answer.body), promised.get(read, 0))


def _path(asked: Asked) -> list[str]:
    return asked.url.partition("?")[0].split("/")


async def _comes(request: Request, asked: Asked) -> bool:
    """Whether what is not there yet will be once the resource in the address is written.

    An operation with parameters might still refuse them then, so it is not counted on.
    """
    type_, id_, *rest = _path(asked)
    match rest:
        case [] | ["_history"]:
            return True
        case ["_history", version]:
            history, tenant = request.app.state.history, caller_of(request).tenant
            known = (await history.current_versions(tenant, [(type_, id_)])).get((type_, id_))
            return version == str(1 if known is None else known.version + 1)
        case [operation]:
            offered = (f"${one.name}" for one in OFFERED[type_].operations)
            return "?" not in asked.url and operation in offered
        case _:
            return False


async def _conditional(
    request: Request, writes: Iterable[Asked]
) -> tuple[dict[str, Search], dict[str, str]]:
    """The references that are searches, each once, and where each stands first."""
    found: dict[str, Search] = {}
    places: dict[str, str] = {}
    async for asked in in_turns(writes):
        for text in references_in(asked.body):
            match = _CONDITIONAL.match(text)
            if match is not None and text not in found:
                where = f"{asked.where}.resource"
                found[text] = condition_of(request, match[1], match[2], where)
                places[text] = where
    return found, places


def _only(found: Iterable[str | None], text: str, where: str) -> str:
    ids = [id_ for id_ in found if id_ is not None]
    if len(ids) == 1:
        return ids[0]
    raise PreconditionFailed(
        Problem(
            f"The reference {text[:64]!r} matches {'several resources' if ids else 'nothing'}.",
            where=where,
            mend="A conditional reference has to match one resource.",
            code="multiple-matches" if ids else "not-found",
        )
    )


def _names(writes: Sequence[Asked], targets: Sequence[Target]) -> dict[str, str]:
    """From what entries are called in the Bundle to what they are called from now on."""
    names: dict[str, str] = {}
    for asked, target in zip(writes, targets, strict=True):
        if asked.full_url is None:
            continue
        names[asked.full_url] = target.reference
        restful = _RESTFUL.match(asked.full_url)
        if asked.method == "POST" and restful is not None:
            names[restful[1]] = target.reference
    return names


def _received(request: Request, asked: Asked, wish: Wish, names: Mapping[str, str]) -> Received:
    body = rewritten(asked.body, names)
    state = request.app.state
    place = f"{asked.where}.resource"
    try:
        received = read_one(body, expected_type=wish.type, validator=state.validator)
        require_resolved(received)
        state.reader.check(received, state.library.current.content, as_of=state.clock())
    except Refusal as refusal:
        raise _placed(refusal, wish.type, place) from refusal
    require_patient(request, wish.id if wish.type == "Patient" else received.patient)
    return replace(received, where=place)


def _inside(place: str, where: str, type_: str) -> str:
    """``Observation.status`` and ``resourceType`` below the place of the resource."""
    element = where.removeprefix(type_).removeprefix(".")
    return f"{place}.{element}" if element else place


def _placed(refusal: Refusal, type_: str, place: str) -> Refusal:
    """The same refusal, told by the entry's place in the Bundle."""
    problems = [p._replace(where=_inside(place, p.where, type_)) for p in refusal.problems]
    if isinstance(refusal, NotAllowed):
        return NotAllowed(*problems, allow=refusal.allow)
    return type(refusal)(*problems)
