"""Who may come in: everybody on this machine, a proven client, or anybody behind a gateway."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal

from starlette.types import Scope

from app.api.media import Forbidden
from app.domain.problem import Problem, Unauthenticated
from app.ehr.access_tokens import AccessVerifier
from app.ehr.tokens import Identity, TokenVerifier

Auth = Literal["off", "on", "off-insecure"]
LOCAL_HOSTS = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
# Probes and counts hold nothing of any patient; who must not see them is kept out by the network.
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
# What a client must be able to read before it has a token.
SMART = frozenset({"/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"})
OPEN = ALWAYS_OPEN | SMART | {"/fhir/metadata"}
HOOKS = "/cds-services"
HOOKS_REPORT = "/cds-services-report"


class Door:
    """Asked before anything else sees the request."""

    def __init__(self, auth: Auth, hooks: TokenVerifier, access: AccessVerifier) -> None:
        self._auth = auth
        self._hooks = hooks
        self._access = access

    async def caller(self, scope: Scope) -> Identity | None:
        """Who comes in, None where nobody asks. Forbidden or Unauthenticated keep the door shut."""
        path: str = scope["path"]
        match self._auth:
            case "off":
                if not (path in ALWAYS_OPEN or _is_local(scope)):
                    raise _forbidden()
                return None
            case "off-insecure":
                return None
            case "on":
                return None if path in OPEN else await self._proven(path, scope["headers"])

    async def _proven(self, path: str, headers: Sequence[tuple[bytes, bytes]]) -> Identity:
        """CDS Hooks takes the hooks' own tokens, everything else SMART access tokens."""
        sent = [value for name, value in headers if name == b"authorization"]
        if len(sent) != 1:
            raise Unauthenticated(Problem("no token, or several", code="login"))
        said = sent[0].decode("latin-1")
        if path in (HOOKS, HOOKS_REPORT) or path.startswith(f"{HOOKS}/"):
            return await self._hooks.verify(said, path)
        return await self._access.verify(said)


def _is_local(scope: Scope) -> bool:
    """From this machine, to this machine by its name, and by nobody's hand."""
    headers = dict(scope["headers"])
    host: bytes = headers.get(b"host", b"")
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name in LOCAL_HOSTS and not FORWARDED & headers.keys() and _is_loopback(scope)


def _is_loopback(scope: Scope) -> bool:
    """Whoever knocks may write any Host, also where uvicorn was told to listen everywhere.

    What has no IP address came over no network: a socket in the file system, or a caller in this
    process (``testclient``). Forwarded addresses, which may be any text, are refused before.
    """
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:
        return True
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _forbidden() -> Forbidden:
    return Forbidden(
        Problem(
            "Authentication is off: only this machine may ask.",
            mend="Use localhost, or set PAINPLAN_AUTH.",
            code="forbidden",
        )
    )
