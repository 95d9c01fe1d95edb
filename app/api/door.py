"""Who may come in: everybody on this machine, a proven client, or anybody behind a gateway."""

from collections.abc import Mapping, Sequence
from typing import Literal

from starlette.requests import Request
from starlette.types import Scope

from app.api.media import Forbidden
from app.domain.problem import Problem, Unauthenticated
from app.ehr.tokens import Identity, TokenVerifier

Auth = Literal["off", "on", "off-insecure"]
LOCAL_HOSTS = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
# Probes and counts hold nothing of any patient; who must not see them is kept out by the network.
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
# What a client must be able to read before it has a token.
OPEN = ALWAYS_OPEN | {"/fhir/metadata"}
HOOKS = "/cds-services"
HOOKS_REPORT = "/cds-services-report"


class Door:
    """Asked before anything else sees the request."""

    def __init__(self, auth: Auth, verifier: TokenVerifier) -> None:
        self._auth = auth
        self._verifier = verifier

    async def caller(self, scope: Scope) -> Identity | None:
        """Who comes in, None where nobody asks. Forbidden or Unauthenticated keep the door shut."""
        path: str = scope["path"]
        match self._auth:
            case "off":
                if not _is_local(path, dict(scope["headers"])):
                    raise _forbidden()
                return None
            case "off-insecure":
                return None
            case "on":
                return None if path in OPEN else await self._proven(path, scope["headers"])

    async def _proven(self, path: str, headers: Sequence[tuple[bytes, bytes]]) -> Identity:
        """Only a hook's token is known so far; no other address opens to any."""
        if not (path in (HOOKS, HOOKS_REPORT) or path.startswith(f"{HOOKS}/")):
            raise Unauthenticated(Problem("no token opens this address", code="login"))
        sent = [value for name, value in headers if name == b"authorization"]
        if len(sent) != 1:
            raise Unauthenticated(Problem("no token, or several", code="login"))
        return await self._verifier.verify(sent[0].decode("latin-1"), path)


def may_read_audit(request: Request) -> bool:
    """Whether the caller may read the audit: the audit scope, or nobody asks who comes in."""
    return bool(request.app.state.settings.auth != "on")


def require_audit_reader(request: Request) -> None:
    """Forbidden without the audit scope."""
    if may_read_audit(request):
        return
    raise Forbidden(
        Problem(
            "The audit is not open to this client.",
            mend="It takes a scope of its own: ask whoever runs the service.",
            code="forbidden",
        )
    )


def _is_local(path: str, headers: Mapping[bytes, bytes]) -> bool:
    if path in ALWAYS_OPEN:
        return True
    host = headers.get(b"host", b"")
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name in LOCAL_HOSTS and not FORWARDED & headers.keys()


def _forbidden() -> Forbidden:
    return Forbidden(
        Problem(
            "Authentication is off: only this machine may ask.",
            mend="Use localhost, or set PAINPLAN_AUTH.",
            code="forbidden",
        )
    )
