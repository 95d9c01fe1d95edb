"""Around every request: its id, who may ask while authentication is off, headers, one log line."""

import re
import time
import uuid
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import fault, refused
from app.api.media import Forbidden
from app.domain.problem import Problem

REQUEST_ID = re.compile(rb"[A-Za-z0-9.\-_]{1,64}\Z")
LOCAL_HOSTS = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
ALWAYS_OPEN = frozenset({"/healthz", "/readyz"})
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
log = structlog.get_logger()


class RequestFrame:
    """One pure-ASGI layer (a BaseHTTPMiddleware costs sixty times as much)."""

    def __init__(self, app: ASGIApp, *, auth: str) -> None:
        self.app = app
        self.is_local_only = auth == "off"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame HTTP; let everything else pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        sent = headers.get(b"x-request-id", b"")
        request_id = sent.decode() if REQUEST_ID.match(sent) else str(uuid.uuid4())
        scope["request_id"] = request_id
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
                ]
            else:
                seen["size"] += len(message.get("body", b""))
            await send(message)

        if self.is_local_only and not _is_local(scope["path"], headers):
            await refused(scope["path"], _forbidden())(scope, receive, framed)
        else:
            await self._answered(scope, receive, framed, seen)
        log.info(
            "request",
            request_id=request_id,
            method=scope["method"],
            route=_route(scope),
            status=seen["status"],
            bytes=seen["size"],
            ms=round((time.perf_counter() - started) * 1000, 2),
        )

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, seen: MutableMapping[str, Any]
    ) -> None:
        """A fault is caught here: what leaves us upwards is logged with what a patient said."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  (whatever it is, it ends here)
            answer = fault(scope["path"], scope["request_id"], error)
            if not seen["status"]:
                await answer(scope, receive, send)


def _is_local(path: str, headers: dict[bytes, bytes]) -> bool:
    if path in ALWAYS_OPEN:
        return True
    host = headers.get(b"host", b"")
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name in LOCAL_HOSTS and not FORWARDED & headers.keys()


def _route(scope: Scope) -> str:
    """What answered, never the path with its ids."""
    return getattr(scope.get("endpoint"), "__name__", "unmatched")


def _forbidden() -> Forbidden:
    return Forbidden(
        Problem(
            "Authentication is off: only this machine may ask.",
            mend="Use localhost, or set PAINPLAN_AUTH.",
            code="forbidden",
        )
    )
