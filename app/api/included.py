"""What stands beside the matches of a page: what they refer to, and the Provenance of them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from app.api.access import is_visible, may
from app.api.requests import caller_of
from app.domain.history import Stored
from app.domain.problem import Gone, NotFound, Problem
from app.domain.searching import LONGEST_PAGE
from app.fhir.searching.includes import targets
from app.fhir.searching.shape import Shape

Key = tuple[str, str]


@dataclass(slots=True)
class Included:
    """For how many of the matches there is room, what they refer to, and what was left out."""

    matches: int
    resources: list[Stored] = field(default_factory=list)
    told: list[Problem] = field(default_factory=list)


async def included(request: Request, hits: Sequence[Stored], shape: Shape) -> Included:
    """What the matches refer to, each once.

    What would make the page too long ends it before the match that refers to it: the next page
    begins there. Only of the first match a part may be left out, which is told.
    """
    found: dict[Key, Stored] = {}
    to_come, passed = {_key(stored): stored for stored in hits}, set[Key]()
    room = LONGEST_PAGE
    for number, stored in enumerate(hits if shape.include else ()):
        del to_come[_key(stored)]
        passed.add(_key(stored))
        room -= len(stored.version.body)
        beside: dict[Key, Stored] = {}
        async for one in _targets(request, stored, shape, passed, to_come):
            room -= len(one.version.body)
            if room < 0:
                break
            beside[_key(one)] = one
        if room < 0 and number:
            return _without_matches(found, hits[:number])
        if room < 0:
            return replace(_without_matches(beside, hits[:1]), told=[_left_out()])
        found |= beside
        passed |= beside.keys()
    return _without_matches(found, hits)


def _without_matches(found: Mapping[Key, Stored], hits: Sequence[Stored]) -> Included:
    there = {_key(stored) for stored in hits}
    return Included(len(hits), [one for key, one in found.items() if key not in there])


async def _targets(
    request: Request,
    stored: Stored,
    shape: Shape,
    passed: AbstractSet[Key],
    to_come: Mapping[Key, Stored],
) -> AsyncIterator[Stored]:
    """What one match refers to and was not passed yet; matches to come are read already.

    What the caller may not read stays out, as it would from a search (SMART lets us filter).
    """
    tenant, history = caller_of(request).tenant, request.app.state.read_history
    version = stored.version
    wanted = (
        target
        for include in shape.include
        for target in targets(version.body, version.type, include)
    )
    for type_, id_, number in dict.fromkeys(wanted):
        if (type_, id_) in passed or not may(request, type_, "r"):
            continue
        try:
            one = to_come.get((type_, id_)) or await history.resource(tenant, type_, id_, number)
        except (NotFound, Gone):
            continue  # a reference to what never came here, or is here no more
        if is_visible(request, one):
            yield one


def _left_out() -> Problem:
    return Problem(
        f"What is included is longer than {LONGEST_PAGE // 1024 // 1024} MB: some was left out.",
        where="_include",
        mend="Read what is missing by its reference.",
        code="too-costly",
    )


async def makers(request: Request, hits: Iterable[Stored]) -> list[str]:
    """The decisions that made any version of these, without the same twice."""
    tenant, history = caller_of(request).tenant, request.app.state.read_history
    by_patient: dict[str, set[Key]] = {}
    for stored in hits:
        version = stored.version
        if version.patient is not None and version.origin == "derived":
            by_patient.setdefault(version.patient, set()).add(_key(stored))
    found: dict[str, None] = {}
    for patient, made in by_patient.items():
        found.update(dict.fromkeys(await history.made_by(tenant, patient, made)))
    return list(found)


def _key(stored: Stored) -> Key:
    return stored.version.type, stored.version.id
