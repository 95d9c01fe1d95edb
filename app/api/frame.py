"""Around every request: its id, who may come in, headers, one log line and span."""

import logging
import re
import time
import uuid
from collections.abc import Mapping, MutableMapping
from typing import Any

from opentelemetry.trace import Span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.api.addresses import address_of
from app.api.door import ALWAYS_OPEN, Door
from app.api.errors import STATUS, fault, refused, say_why
from app.api.rate import RateLimit, Verdict
from app.api.recording import recorded
from app.api.trail import begin_trail
from app.domain.problem import Problem, Refusal, TooMany
from app.tracing import Tracing, answered, trace_of

REQUEST_ID = re.compile(rb"[A-Za-z0-9.\-_]{1,64}\Z")
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    # Data is never a page: a browser that shows an answer runs and fetches nothing of it.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
log = logging.getLogger(__name__)


class RequestFrame:
    """One pure-ASGI layer (a BaseHTTPMiddleware costs sixty times as much)."""

    def __init__(
        self, app: ASGIApp, *, door: Door, tracing: Tracing, rate: RateLimit | None = None
    ) -> None:
        self.app = app
        self.door = door
        self.tracing = tracing
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame HTTP; let everything else pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        with self.tracing.span(headers) as span:
            await self._framed(scope, receive, send, headers, span)

    async def _framed(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[bytes, bytes],
        span: Span,
    ) -> None:
        sent = headers.get(b"x-request-id", b"")
        request_id = sent.decode() if REQUEST_ID.match(sent) else str(uuid.uuid4())
        scope["request_id"] = request_id
        scope["arrived"] = time.monotonic()  # deadlines count from here, the door included
        seen: MutableMapping[str, Any] = {"status": 0, "size": 0}
        started = time.perf_counter()

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                given = {name for name, _ in message["headers"]}
                extra = [pair for pair in SECURITY if pair[0] not in given]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *extra,
                    *self._told(scope),
                ]
            else:
                seen["size"] += len(message.get("body", b""))
            await send(message)

        await self._answered(scope, receive, framed, seen)
        spent = time.perf_counter() - started
        metrics.answered(_route(scope), _method(scope), seen["status"], spent)
        answered(span, _route(scope), _method(scope), seen["status"], seen["size"])
        log.info(
            "request",
            extra={
                "request_id": request_id,
                "method": scope["method"],
                "route": _route(scope),
                "status": seen["status"],
                "bytes": seen["size"],
                "ms": round(spent * 1000, 2),
                **trace_of(span),
            },
        )

    async def _come_in(self, scope: Scope) -> None:
        """Through the door, and within the limit; who is turned away at the door counts, too."""
        try:
            scope["identity"] = await self.door.caller(scope)
        except Refusal:
            self._count(scope)
            raise
        self._count(scope)

    def _count(self, scope: Scope) -> None:
        if self.rate is None or scope["path"] in ALWAYS_OPEN:
            return
        verdict = scope["rate"] = self.rate.asks(_client(scope))
        if not verdict.may_pass:
            raise _too_many(verdict, self.rate.per_minute)

    def _told(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        verdict: Verdict | None = scope.get("rate")
        if verdict is None or self.rate is None:
            return []
        return [
            (b"ratelimit-limit", str(self.rate.per_minute).encode()),
            (b"ratelimit-remaining", str(verdict.left).encode()),
            (b"ratelimit-reset", str(verdict.full_after).encode()),
        ]

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, seen: MutableMapping[str, Any]
    ) -> None:
        """A fault is caught here: what leaves us upwards is logged with what a patient said."""
        try:
            scope["path"] = address_of(scope)
            await self._come_in(scope)
        except Refusal as refusal:
            say_why(scope["request_id"], refusal)
            _count_stranger(scope, refusal)
            await refused(scope["path"], refusal)(scope, receive, send)
            return
        begin_trail(scope)
        audited = _Audited(scope, receive, send)
        try:
            await self.app(scope, receive, audited)
        except Refusal as refusal:
            say_why(scope["request_id"], refusal)
            await refused(scope["path"], refusal)(scope, receive, audited)
        except Exception as error:  # noqa: BLE001  (whatever it is, it ends here)
            answer = fault(scope["path"], scope["request_id"], error)
            if not seen["status"]:
                await answer(scope, receive, audited)


class _Audited:
    """Lets an answer out once its rows are kept; where they cannot be, a 503 in its place."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.is_replaced = False

    async def __call__(self, message: Message) -> None:
        if self.is_replaced:
            return
        if message["type"] == "http.response.start":
            obstacle = await recorded(self.scope, message["status"])
            if obstacle is not None:
                self.is_replaced = True
                instead = refused(self.scope["path"], obstacle)
                await instead(self.scope, self.receive, self.send)
                return
        await self.send(message)


def _count_stranger(scope: Scope, refusal: Refusal) -> None:
    client = scope.get("client")
    scope["app"].state.strangers.refused(client[0] if client else "", STATUS[type(refusal)])


def _client(scope: Scope) -> str:
    """Whom the limit counts: the proven client, else the address."""
    identity = scope.get("identity")
    address = scope["client"][0] if scope.get("client") else ""
    return f"client {identity.client.name}" if identity is not None else f"address {address}"


def _too_many(verdict: Verdict, per_minute: int) -> TooMany:
    return TooMany(
        Problem(
            f"More than {per_minute} requests a minute.",
            mend=f"Send the request again after {verdict.retry_after} seconds.",
            code="throttled",
        ),
        retry_after=verdict.retry_after,
    )


def _method(scope: Scope) -> str:
    """One of the few that HTTP defines: a caller may send any word."""
    method: str = scope["method"]
    return method if method in METHODS else "other"


def _route(scope: Scope) -> str:
    """What answered, never the path with its ids."""
    return getattr(scope.get("endpoint"), "__name__", "unmatched")
