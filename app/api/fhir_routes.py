"""FHIR over HTTP: the three operations, create, read and vread; plain Request -> Response."""

import hashlib
import re
import uuid

from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import (
    apply_answer,
    derive_answer,
    resource_body,
    respond_answer,
    version_headers,
)
from app.api.requests import (
    answer_type,
    caller_of,
    flag,
    if_match,
    query_of,
    read_body,
    require_json,
)
from app.api.types import DERIVED, PUBLISHED, READ_METHODS, READABLE, WRITABLE
from app.domain.problem import NotAllowed, NotFound, NotUnderstood, Problem
from app.fhir.reading.answer import read_answer
from app.fhir.reading.submission import read_one, read_submission
from app.fhir.writing import answer_provenance, provenance, with_meta
from app.use_cases.derive_care_plan import Answer, Ask
from app.use_cases.read_history import Origin
from app.use_cases.respond import Given, RespondAsk

IDEMPOTENCY = "idempotency-key"
KEY = re.compile(r"[!-~]{1,255}\Z")


async def derive(request: Request) -> Response:
    """``POST /fhir/$derive``: the CarePlan and everything beside it."""
    media = answer_type(request)
    answer = await _derived(request, "derive")
    return derive_answer(answer, request.app.state.settings.public_url, media)


async def apply(request: Request) -> Response:
    """``POST /fhir/PlanDefinition/clbp-care/$apply``: the CarePlan."""
    media = answer_type(request)
    answer = await _derived(request, "apply")
    return apply_answer(answer, media)


async def apply_named(request: Request) -> Response:
    """``POST /fhir/PlanDefinition/$apply``: the body names the PlanDefinition."""
    media = answer_type(request)
    answer = await _derived(request, "apply", plan_is_named=False)
    return apply_answer(answer, media)


async def respond(request: Request) -> Response:
    """``POST /fhir/CarePlan/{id}/$respond``: the plan as it is after the clinician's answer."""
    media = answer_type(request)
    require_json(request)
    allowed = if_match(request)
    key = _idempotency_key(request)
    body = await read_body(request)
    state = request.app.state
    answer = read_answer(body, validator=state.validator)
    ask = RespondAsk(
        plan=request.path_params["id"],
        response=answer.response,
        request_digest=_digest(request, body),
        if_match=allowed,
        idempotency_key=key,
        warnings=answer.warnings,
    )
    given: Given = await state.respond_to_plan(ask, caller_of(request))
    return respond_answer(given, media)


async def _derived(request: Request, operation: str, *, plan_is_named: bool = True) -> Answer:
    require_json(request)
    body = await read_body(request)
    query = query_of(request)
    state = request.app.state
    submission = read_submission(
        body,
        query=query,
        validator=state.validator,
        operation=operation,
        plan_is_named=plan_is_named,
    )
    is_kept = flag(query, "persist", default=True)
    key = _idempotency_key(request)
    if key is not None and not is_kept:
        warning = Problem(
            "Idempotency-Key was not used: with persist=false nothing is kept.",
            code="informational",
        )
        submission = submission.with_warning(warning)
    ask = Ask(
        submission=submission,
        operation=operation,
        request_digest=_digest(request, body),
        is_kept=is_kept,
        idempotency_key=key,
    )
    answer: Answer = await state.derive_care_plan(ask, caller_of(request))
    return answer


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get(IDEMPOTENCY)
    if key is None or KEY.match(key):
        return key
    raise NotUnderstood(
        Problem(
            "Idempotency-Key is empty, too long, or holds a character that it cannot have.",
            where="Idempotency-Key",
            mend="Send 1 to 255 visible ASCII characters, a UUID for example.",
            code="value",
        )
    )


def _digest(request: Request, body: bytes) -> bytes:
    """What a repeated Idempotency-Key must repeat."""
    sum_ = hashlib.sha256(request.url.path.encode())
    sum_.update(b"?" + request.url.query.encode() + b"\n" + body)
    return sum_.digest()


async def create(request: Request) -> Response:
    """``POST /fhir/{type}``: kept under an id of ours; the client's is ignored (F-08)."""
    type_ = _known(request.path_params["type"])
    if type_ not in WRITABLE:
        raise _not_allowed(type_, "is only read here", READ_METHODS)
    media = answer_type(request)
    require_json(request)
    body = await read_body(request)
    state = request.app.state
    received = read_one(body, expected_type=type_, validator=state.validator)
    state.reader.check(received, state.library.current.content, as_of=state.clock())
    id_ = str(uuid.uuid4())
    stored = await state.record_resource.create(received, caller_of(request), id_=id_)
    headers = version_headers(stored.version.version, stored.committed_at)
    base = state.settings.public_url
    headers["Location"] = f"{base}/fhir/{type_}/{id_}/_history/{stored.version.version}"
    return Response(resource_body(stored), 201, headers, media_type=media)


async def read(request: Request) -> Response:
    """``GET /fhir/{type}/{id}``: what was received, derived or published."""
    return await _read(request, None)


async def vread(request: Request) -> Response:
    """``GET /fhir/{type}/{id}/_history/{vid}``."""
    text = request.path_params["vid"]
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004  (int range)
        raise NotFound(Problem("There is no such version.", code="not-found"))
    return await _read(request, int(text))


async def _read(request: Request, version: int | None) -> Response:
    type_ = _known(request.path_params["type"])
    id_ = request.path_params["id"]
    media = answer_type(request)
    state = request.app.state
    if type_ in PUBLISHED or (type_ == "Organization" and id_ == "painplan"):
        return _published(request, type_, id_, version, media)
    tenant = caller_of(request).tenant
    if type_ == "Provenance":
        return await _provenance(request, tenant, id_, version, media)
    stored = await state.read_history.resource(tenant, type_, id_, version)
    headers = version_headers(stored.version.version, stored.committed_at)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", 304, headers)
    return Response(resource_body(stored), 200, headers, media_type=media)


def _published(request: Request, type_: str, id_: str, version: int | None, media: str) -> Response:
    found = request.app.state.published.get((type_, id_))
    if found is None or version not in (None, 1):
        raise NotFound(Problem(f"There is no {type_}/{id_[:64]}.", code="not-found"))
    body, digest = found
    headers = {"ETag": f'W/"{digest[:16]}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", 304, headers)
    return Response(body, 200, headers, media_type=media)


async def _provenance(
    request: Request, tenant: str, id_: str, version: int | None, media: str
) -> Response:
    """Rendered from the decision that it is about."""
    if version not in (None, 1):
        raise NotFound(Problem("There is no such version.", code="not-found"))
    origin: Origin = await request.app.state.read_history.origin(tenant, id_)
    render = answer_provenance if origin.is_answer else provenance
    body = render(origin.frame, origin.outputs, origin.as_of)
    at = origin.committed_at
    body = with_meta(body, version=1, last_updated=at)
    return Response(body, 200, version_headers(1, at), media_type=media)


async def refuse_on_type(request: Request) -> Response:
    """Any other method on ``/fhir/{type}``."""
    type_ = _known(request.path_params["type"])
    allowed = ("POST",) if type_ in WRITABLE else ()
    raise _not_allowed(type_, f"does not take {request.method} here", allowed)


async def refuse_on_operation(request: Request) -> Response:
    """Any other method on an operation, which is called by POST."""
    problem = Problem(f"{request.method} does not call an operation.", code="not-supported")
    raise NotAllowed(problem, allow=("POST",))


async def refuse_on_metadata(request: Request) -> Response:
    """Any other method on ``/fhir/metadata``."""
    problem = Problem(f"metadata does not take {request.method}.", code="not-supported")
    raise NotAllowed(problem, allow=READ_METHODS)


async def refuse_on_instance(request: Request) -> Response:
    """Any other method on ``/fhir/{type}/{id}``: nothing is deleted, and what we derive is ours."""
    type_ = _known(request.path_params["type"])
    raise _not_allowed(type_, f"does not take {request.method} here", READ_METHODS)


async def metadata(request: Request) -> Response:
    """``GET /fhir/metadata``: what is routed, and nothing else."""
    media = answer_type(request)
    body, digest = request.app.state.capability
    headers = {"ETag": f'W/"{digest[:16]}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", 304, headers)
    return Response(body, 200, headers, media_type=media)


def _known(type_: str) -> str:
    if type_ in READABLE:
        return type_
    raise NotFound(
        Problem(
            f"The resource type {type_[:64]!r} is not served here.",
            mend="GET /fhir/metadata lists what is.",
            code="not-supported",
        )
    )


def _not_allowed(type_: str, what: str, allow: tuple[str, ...]) -> NotAllowed:
    kind = "derived" if type_ in DERIVED else "kept"
    return NotAllowed(Problem(f"{type_} ({kind}) {what}.", code="not-supported"), allow=allow)
