"""Problems as HTTP answers: the only place that knows both status codes and OperationOutcome."""

import logging
import re

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.media import Forbidden, NotAcceptable, OutOfScope, UnsupportedMedia
from app.domain.problem import (
    Conflict,
    Gone,
    NotAllowed,
    NotFound,
    NotUnderstood,
    PreconditionFailed,
    Problem,
    Refusal,
    Refused,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from app.fhir.writing import operation_outcome, told
from app.logs import places

STATUS: dict[type[Refusal], int] = {
    NotUnderstood: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    OutOfScope: 403,
    NotFound: 404,
    NotAllowed: 405,
    NotAcceptable: 406,
    Conflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    UnsupportedMedia: 415,
    Refused: 422,
    TooMany: 429,
    Unavailable: 503,
}
RETRY_AFTER = "2"
FHIR_PATHS = ("/fhir", "/cds-services")
REPORT = "/cds-services-report"  # begins like the services, and is none
TYPE_IN_PATH = re.compile(r"/fhir/([A-Z][A-Za-z]{0,63})(?:/|\Z)")
ROUTING = {404: "not-found", 405: "not-supported"}
log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Every refusal leaves through here; a fault of ours through ``fault``, by the frame."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(HTTPException, _routing)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101  (registered for this class only)
    say_why(request.scope["request_id"], error)
    return refused(request.url.path, error)


def say_why(request_id: str, refusal: Refusal) -> None:
    """The reason of a 401, which the answer keeps back (CH-63); nothing of the token is in it."""
    if isinstance(refusal, Unauthenticated):
        log.warning(
            "not authenticated", extra={"request_id": request_id, "why": refusal.problems[0].what}
        )


def refused(path: str, error: Refusal) -> Response:
    """The answer to a refusal."""
    headers: dict[str, str] = {}
    if isinstance(error, NotAllowed):
        headers["Allow"] = ", ".join(error.allow)
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unavailable):
        headers["Retry-After"] = RETRY_AFTER
    problems = error.problems
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
        problems = (Problem("Authentication is required.", code="login"),)
    if isinstance(error, OutOfScope):
        headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'  # RFC 6750 §3.1
    return answer(path, STATUS[type(error)], problems, headers)


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this class only)
    return unrouted(request.url.path, error)


def unrouted(path: str, error: HTTPException) -> Response:
    """The answer where no route takes the request."""
    code = ROUTING.get(error.status_code, "processing")
    what = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }.get(error.status_code, "The request cannot be answered.")
    headers = dict(error.headers or {})
    return answer(path, error.status_code, (Problem(what, code=code),), headers)


def fault(path: str, request_id: str, error: Exception) -> Response:
    """The answer to a fault of ours: named in the log by its place, never by its words."""
    log.error(
        "fault",
        extra={"request_id": request_id, "kind": type(error).__name__, "at": places(error)},
    )
    problem = Problem(
        f"Something went wrong on our side. Tell us the request id {request_id}.",
        code="exception",
    )
    return answer(path, 500, (problem,), {})


def answer(
    path: str, status: int, problems: tuple[Problem, ...], headers: dict[str, str]
) -> Response:
    """An OperationOutcome below /fhir and /cds-services, problem+json elsewhere (RFC 9457)."""
    problems = told(problems)
    if path.startswith(FHIR_PATHS) and path != REPORT:
        placed = tuple(p if p.where else p._replace(where=_about(path)) for p in problems)
        body, media = operation_outcome(placed), "application/fhir+json"
    else:
        detail = " ".join(f"{p.what} {p.mend}".strip() for p in problems)
        document = {"type": "about:blank", "title": _title(status), "status": status}
        body, media = orjson.dumps({**document, "detail": detail}), "application/problem+json"
    return Response(body, status, headers, media_type=media)


def _about(path: str) -> str:
    """What a problem without a place of its own is about: the resource that was asked for."""
    named = TYPE_IN_PATH.match(path)
    if named is not None:
        return named[1]
    return "CapabilityStatement" if path == "/fhir/metadata" else "Bundle"


def _title(status: int) -> str:
    titles = {
        400: "Not understood",
        401: "Not authenticated",
        403: "Forbidden",
        404: "Not found",
        405: "Method not allowed",
        406: "Not acceptable",
        409: "Conflict",
        410: "Gone",
        412: "Precondition failed",
        413: "Too large",
        415: "Unsupported media type",
        422: "Refused",
        429: "Too many requests",
        503: "Unavailable",
    }
    return titles.get(status, "Error")
