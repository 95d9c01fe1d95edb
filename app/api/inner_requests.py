"""A request inside a Bundle, answered by the very routes that answer it alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from app.api.errors import fault, refused, unrouted
from app.api.trail import begin_trail, trail_of
from app.domain.problem import Refusal
from app.fhir.reading.bundle_requests import Asked

OWN = frozenset(
    """
    starlette.exception_handlers app request_id client server scheme identity
    """.split()
)
PASSED_ON = frozenset({b"prefer", b"host", b"authorization"})
HEADERS = {
    "ifMatch": b"if-match",
    "ifNoneMatch": b"if-none-match",
    "ifNoneExist": b"if-none-exist",
    "ifModifiedSince": b"if-modified-since",
}


@dataclass(slots=True)
class InnerAnswer:
    """What a route answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def answer_to(request: Request, asked: Asked) -> InnerAnswer:
    """The answer to one entry; a fault of ours is that entry's and is logged like any other."""
    if asked.refusal is not None:
        return passed_over(request, asked, asked.refusal)
    scope, receive = _asgi(request, asked)
    answer = await _answer(request, scope, receive)
    trail_of(request).inner.append((scope, answer.status))
    return answer


async def tried(request: Request, asked: Asked) -> InnerAnswer:
    """The answer as it would be; nothing of it is shown."""
    scope, receive = _asgi(request, asked)
    return await _answer(request, scope, receive)


def passed_over(request: Request, asked: Asked, refusal: Refusal) -> InnerAnswer:
    """Refused before any route has seen it, and told in the audit like any other refusal."""
    scope, _ = _asgi(request, asked)
    answer = refused(scope["path"], refusal)
    trail_of(request).inner.append((scope, answer.status_code))
    return InnerAnswer(answer.status_code, {}, bytes(answer.body))


async def _answer(request: Request, scope: Scope, receive: Receive) -> InnerAnswer:
    caught = _Caught()
    try:
        await request.app.router(scope, receive, caught)
    except HTTPException as error:
        await unrouted(scope["path"], error)(scope, receive, caught)
    except Exception as error:  # noqa: BLE001  (the other entries have answers of their own)
        broken = fault(scope["path"], request.scope["request_id"], error)
        return InnerAnswer(broken.status_code, {}, bytes(broken.body))
    return InnerAnswer(caught.status, caught.headers, bytes(caught.body))


class _Caught:
    """Where a route sends its answer."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in message["headers"]}
        else:
            self.body += message.get("body", b"")


def _asgi(request: Request, asked: Asked) -> tuple[Scope, Receive]:
    path, _, query = asked.url.partition("?")
    headers = [pair for pair in request.scope["headers"] if pair[0] in PASSED_ON]
    headers += [(b"content-type", b"application/fhir+json"), (b"accept", b"application/fhir+json")]
    for name, header in HEADERS.items():
        if name in asked.request:
            headers.append((header, _in_ascii(_http(asked, name))))
    scope = {
        **{name: value for name, value in request.scope.items() if name in OWN},
        "type": "http",
        "asgi": request.scope["asgi"],
        "http_version": "1.1",
        "method": asked.method,
        "path": unquote(f"/fhir/{path}"),
        "root_path": "",
        "query_string": _in_ascii(query),
        "headers": headers,
    }

    begin_trail(scope)

    async def receive() -> Message:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    return scope, receive


def _in_ascii(text: str) -> bytes:
    """What HTTP has no letters for, in percent: a criterion still finds what it names."""
    return "".join(c if c.isascii() else quote(c) for c in text).encode()


def _http(asked: Asked, name: str) -> str:
    """As the header spells it: ifModifiedSince is an instant in a Bundle."""
    return asked.modified_since() if name == "ifModifiedSince" else str(asked.request[name])
