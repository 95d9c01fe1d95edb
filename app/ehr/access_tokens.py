"""Verifies SMART access tokens (RFC 9068): which client asks, and what its scopes allow.

One token opens many requests, so one that was verified is remembered for a minute; a hook's token
is used once and is never remembered here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from app.domain.access import Access, access_of
from app.ehr.clients import TrustedClient
from app.ehr.keys import Keys
from app.ehr.tokens import (
    LIFE_AT_MOST,
    LONGEST_ID,
    SKEW,
    Identity,
    audiences_said,
    compact_token,
    key_of,
    parsed_parts,
    refused,
    require_header,
    span_of,
    verify_signature,
)

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
FHIR = "/fhir"
# A key that its issuer withdrew counts no longer than this for a token that came before.
REMEMBERED_FOR = timedelta(seconds=60)
REMEMBERED = 4096


class _Header(msgspec.Struct):
    alg: str
    kid: str
    typ: str = "JWT"
    jku: str | None = None
    crit: object = None


class _Claims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    exp: int | float
    scope: str | list[str]
    iat: int | float | None = None
    nbf: int | float | None = None
    jti: str = ""
    patient: str | None = None
    tenant: str | None = None


_READ_HEADER = msgspec.json.Decoder(_Header)
_READ_CLAIMS = msgspec.json.Decoder(_Claims)


class AccessVerifier:
    """Knows the clients, their keys, and the address under which they call us."""

    def __init__(
        self,
        clients: Sequence[TrustedClient],
        keys: Mapping[str, Keys],
        *,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = {client.issuer: client for client in clients}
        self._keys = keys
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._remembered: dict[bytes, tuple[Identity, datetime]] = {}

    async def verify(self, authorization: str) -> Identity:
        """Who asks and what is allowed. Unauthenticated holds the reason, for the log."""
        token = compact_token(authorization)
        digest = sha256(token.encode()).digest()
        now = self._clock()
        known = self._remembered.get(digest)
        if known is not None and now < known[1]:
            return known[0]
        identity = await self._verified(token, now)
        self._remember(digest, identity, min(identity.until, now + REMEMBERED_FOR))
        return identity

    async def _verified(self, token: str, now: datetime) -> Identity:
        """The order is that of a hook's token: what costs nothing is looked at first."""
        header, claims = parsed_parts(token, _READ_HEADER, _READ_CLAIMS)
        require_header(header.alg, header.kid, header.crit)
        if header.typ.lower() not in TYPES:
            raise refused("typ is not that of an access token")
        if len(claims.jti) > LONGEST_ID or (claims.jti and not claims.jti.isprintable()):
            raise refused("jti is too long or not printable")
        client = self._clients.get(claims.iss)
        if client is None:
            raise refused("issuer is not trusted")
        if not self._audiences(client) & {a.rstrip("/") for a in audiences_said(claims.aud)}:
            raise refused("audience is not this service")
        until = _until(claims, now)
        if claims.tenant is not None and claims.tenant != client.tenant:
            raise refused("tenant is not the configured one")
        key = await key_of(self._keys, client, header.kid, header.alg, header.jku)
        verify_signature(token, header.alg, key)
        return Identity(client, claims.jti, until, _access(claims, client))

    def _audiences(self, client: TrustedClient) -> set[str]:
        """The base of FHIR or of the service, under either of the addresses it is known by."""
        bases = {self._public_url, (client.audience or self._public_url).rstrip("/")}
        return bases | {f"{base}{FHIR}" for base in bases}

    def _remember(self, digest: bytes, identity: Identity, until: datetime) -> None:
        """The oldest makes room, so that many tokens cost no memory."""
        self._remembered.pop(digest, None)
        while len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = (identity, until)


def _until(claims: _Claims, now: datetime) -> datetime:
    """Until when it counts; one that does not say when it was issued has its life from now on."""
    if claims.iat is not None:
        return span_of(claims.exp, claims.iat, claims.nbf, now)
    until = span_of(claims.exp, now.timestamp() - 1, claims.nbf, now, is_short=False)
    if until > now + LIFE_AT_MOST + SKEW:
        raise refused("its life is longer than an hour")
    return until


def _access(claims: _Claims, client: TrustedClient) -> Access:
    said = claims.scope.split() if isinstance(claims.scope, str) else claims.scope
    patient = claims.patient.removeprefix("Patient/") if claims.patient is not None else None
    return access_of(said, client.scopes, patient)
