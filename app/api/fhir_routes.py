"""The operations that decide, and metadata; plain Request -> Response."""

import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

from app.api.access import confined_to, require_patient, require_scope, seen
from app.api.answers import (
    apply_answer,
    derive_answer,
    respond_answer,
)
from app.api.rendering import is_known, rendered
from app.api.requests import (
    answer_type,
    caller_of,
    flag,
    if_match,
    query_of,
    read_body,
    require_json,
)
from app.api.trail import kept
from app.api.types import FACTS, READ_METHODS
from app.domain.problem import NotAllowed, NotUnderstood, Problem
from app.domain.submission import Submission
from app.fhir.reading.answer import read_answer
from app.fhir.reading.submission import read_submission
from app.use_cases.derive_care_plan import Answer, Ask
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
    if confined_to(request) is not None:
        tenant, id_ = caller_of(request).tenant, request.path_params["id"]
        seen(request, await state.read_history.resource(tenant, "CarePlan", id_))
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
    kept(request)
    return respond_answer(given, media)


async def _derived(request: Request, operation: str, *, plan_is_named: bool = True) -> Answer:
    require_json(request)
    body = await read_body(request)
    query = query_of(request)
    state = request.app.state
    is_kept = flag(query, "persist", default=True)
    submission = read_submission(
        body,
        query=query,
        validator=state.validator,
        operation=operation,
        plan_is_named=plan_is_named,
        is_kept=is_kept,
    )
    _require_allowed(request, submission, is_kept=is_kept)
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
    kept(request)
    return answer


def _require_allowed(request: Request, submission: Submission, *, is_kept: bool) -> None:
    """What it stores takes c and u of each type, what it reads here of the patient r and s."""
    require_patient(request, submission.subject)
    if submission.use_server_data:
        for type_ in FACTS:
            require_scope(request, type_, "rs")
    if not is_kept:
        return
    for received in submission.resources:
        require_scope(request, received.type, "cu")
        require_patient(request, received.id if received.type == "Patient" else received.patient)


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


async def refuse_on_operation(request: Request) -> Response:
    """Any other method on an operation, which is called by POST."""
    problem = Problem(f"{request.method} does not call an operation.", code="not-supported")
    raise NotAllowed(problem, allow=("POST",))


async def refuse_on_question(request: Request) -> Response:
    """Any other method on an operation that changes nothing, which is called by GET, too."""
    problem = Problem(f"{request.method} does not call an operation.", code="not-supported")
    raise NotAllowed(problem, allow=("GET", "HEAD", "POST"))


async def refuse_on_metadata(request: Request) -> Response:
    """Any other method on what tells of the service: the metadata, the SMART configuration."""
    problem = Problem(
        f"This is only read; it does not take {request.method}.", code="not-supported"
    )
    raise NotAllowed(problem, allow=READ_METHODS)


async def metadata(request: Request) -> Response:
    """``GET /fhir/metadata``: what is routed, and nothing else."""
    media = answer_type(request)
    body, digest = request.app.state.capability
    headers = {"ETag": f'W/"{digest[:16]}"', "Cache-Control": "no-cache"}
    if is_known(request, headers["ETag"]):
        return Response(b"", 304, headers)
    return rendered(request, body, media, 200, headers)
