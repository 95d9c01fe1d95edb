"""``$validate``: 200 whether a resource is valid or not, with every problem found (F-25)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import seen
from app.api.answers import resource_body
from app.api.offers import not_allowed, offer_of
from app.api.provenances import provenance_body
from app.api.rendering import rendered
from app.api.requests import answer_type, caller_of, read_body, require_json
from app.api.trail import shown
from app.api.types import WRITABLE
from app.domain.problem import NotUnderstood, Problem, Refusal, Refused
from app.fhir.reading.dangling import require_resolved
from app.fhir.reading.operation_input import OperationInput, read_input
from app.fhir.reading.submission import read_one
from app.fhir.validation.profiles import Profiles
from app.fhir.writing import verdict

MODES = ("create", "update", "delete", "profile")
WRITES = ("create", "update")
BASE = "http://hl7.org/fhir/StructureDefinition/"


async def of_type(request: Request) -> Response:
    """``POST /fhir/{type}/$validate``: a bare resource, or Parameters."""
    type_ = _type(request)
    media = answer_type(request)
    given = await _given(request)
    return _answer(request, type_, given, None, media)


async def of_instance(request: Request) -> Response:
    """``GET|POST /fhir/{type}/{id}/$validate``: the body, or what is there without one."""
    type_, id_ = _type(request), request.path_params["id"]
    media = answer_type(request)
    body = await _kept(request, type_, id_)
    given = OperationInput(None, b"", type_, {})
    if request.method == "POST":
        given = await _given(request)
    if given.resource is None and given.settings.get("mode") != "delete":
        given = replace(given, resource=orjson.loads(body), body=body)
    return _answer(request, type_, given, id_, media)


async def _kept(request: Request, type_: str, id_: str) -> bytes:
    """What is there under the id, as it is read."""
    if type_ == "Provenance":
        body, _ = await provenance_body(request, id_)
        return body
    history, tenant = request.app.state.read_history, caller_of(request).tenant
    stored = seen(request, await history.resource(tenant, type_, id_))
    shown(request, stored)
    return resource_body(stored)


async def refuse_on_validate(request: Request) -> Response:
    """Any other method."""
    offer_of(request)
    raise not_allowed(f"{request.method} does not call an operation.", ("POST",))


def _type(request: Request) -> str:
    type_, offer = offer_of(request)
    if not offer.is_validated:
        raise not_allowed(f"{type_} is only published here, so nothing of it is validated.", ())
    return type_


async def _given(request: Request) -> OperationInput:
    body = await read_body(request)
    if not body and "id" in request.path_params:
        return OperationInput(None, b"", "", {})
    require_json(request)
    return read_input(body, name="resource", validator=request.app.state.validator)


def _answer(
    request: Request, type_: str, given: OperationInput, id_: str | None, media: str
) -> Response:
    settings = {**dict(request.query_params), **given.settings}
    mode = _mode(settings)
    profile = settings.get("profile")
    _require_known(request.app.state.profiles, profile, type_, mode)
    ours = _ours(request.app.state.profiles, given.resource, profile)
    problems = tuple(_problems(request, type_, given, mode, id_, is_ours=bool(ours)))
    if not problems and given.resource is not None:
        at, profiles = given.where or type_, request.app.state.profiles
        problems = tuple(p for one in ours for p in profiles.problems(given.resource, one, at))
    unchecked = tuple(_unchecked(request.app.state.profiles, given, type_))
    return rendered(request, verdict(problems, unchecked), media)


def _mode(settings: dict[str, str]) -> str:
    mode = settings.get("mode", "")
    if mode and mode not in MODES:
        what = f"The mode {mode[:32]!r} is none of {', '.join(MODES)}."
        raise NotUnderstood(Problem(what, where="mode", code="value"))
    return mode


def _require_known(profiles: Profiles, profile: str | None, type_: str, mode: str) -> None:
    """A profile that we cannot check is an error, never a silent pass."""
    if profile is None and mode == "profile":
        raise NotUnderstood(Problem("Which profile?", "profile", "Name one.", "required"))
    if profile is None or _is_checked(profiles, profile, type_):
        return
    raise Refused(
        Problem(
            f"The profile {profile[:128]!r} is none that is checked here.",
            where="profile",
            mend=f"Leave it out, or name {BASE}{type_} or a profile of ours for {type_}.",
            code="not-supported",
        )
    )


def _unchecked(profiles: Profiles, given: OperationInput, type_: str) -> Iterator[Problem]:
    """Profiles that the resource claims and nobody here can check: US Core's, for example."""
    meta = (given.resource or {}).get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    for number, text in enumerate(claimed if isinstance(claimed, list) else ()):
        if not isinstance(text, str) or _is_checked(profiles, text, type_):
            continue
        yield Problem(
            f"The profile {text[:128]!r} is claimed and was not checked: it is none of ours.",
            where=f"{given.where or type_}.meta.profile[{number}]",
            mend="Check it with HL7's validator and the package that it comes from.",
            code="not-supported",
        )


def _is_checked(profiles: Profiles, profile: str, type_: str) -> bool:
    """R4's own definition of the type, or a profile of ours for it."""
    is_core = profile in (f"{BASE}{type_}", f"{BASE}{type_}|4.0.1")
    return is_core or profiles.type_of(profile) == type_


def _ours(
    profiles: Profiles, resource: dict[str, Any] | None, profile: str | None
) -> tuple[str, ...]:
    """The profile that is named and those that the resource claims, as far as they are ours."""
    meta = (resource or {}).get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    texts = (profile, *(claimed if isinstance(claimed, list) else ()))
    type_ = (resource or {}).get("resourceType")
    return tuple(
        dict.fromkeys(p for p in texts if isinstance(p, str) and profiles.type_of(p) == type_)
    )


def _problems(  # noqa: PLR0913  (what is asked about, and how)
    request: Request,
    type_: str,
    given: OperationInput,
    mode: str,
    id_: str | None,
    *,
    is_ours: bool,
) -> Iterator[Problem]:
    """What is not valid R4; where nothing is, what the service would refuse all the same.

    What keeps a profile of ours is made here and taken from nobody: that is no fault of it.
    """
    if mode == "delete":
        yield Problem("Nothing is ever deleted here.", code="not-supported")
        return
    if given.resource is None:
        yield Problem("There is no resource.", "Parameters.parameter", "Send one.", "required")
        return
    state = request.app.state
    at = None if given.where == given.resource.get("resourceType") else given.where
    found = state.validator.problems(given.resource, expected_type=type_, at=at)
    yield from found
    if found:
        return
    if type_ not in WRITABLE and mode in WRITES:
        yield Problem(f"{type_} is only read here.", given.where, "", "not-supported")
    if type_ not in WRITABLE or (is_ours and mode not in WRITES):
        return
    own = given.resource.get("id")
    if (id_ is not None and own != id_) or (mode == "update" and own is None):
        yield Problem("The id is not the one in the address.", f"{given.where}.id", "", "value")
    try:
        received = read_one(given.body, expected_type=type_, validator=state.validator)
        if mode in WRITES:  # sent alone; without a mode it may be meant for a Bundle
            require_resolved(received)
        state.reader.check(received, state.library.current.content, as_of=state.clock())
    except Refusal as refusal:
        for problem in refusal.problems:
            where = problem.where.removeprefix(type_)
            yield problem._replace(where=given.where + where if problem.where else "")
