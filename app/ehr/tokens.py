"""Verifies the token of a CDS client (CH-57 to CH-63): which of the trusted clients calls, once.

Whatever fails, the answer is the same 401; the reason goes to the log, the token nowhere.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from app.domain.problem import Problem, Unauthenticated
from app.ehr.clients import TrustedClient
from app.ehr.jwk import ALGORITHMS, LONGEST_KID, SigningKey
from app.ehr.keys import Keys
from app.ehr.origins import NotAnAddress, place

LONGEST_TOKEN = 8192
LONGEST_ID = 255
SKEW = timedelta(seconds=30)  # how far two clocks may differ
LIFE_AT_MOST = timedelta(hours=1)  # so that what was seen need not be remembered for ever
PART = r"[A-Za-z0-9_\-]+"
BEARER = re.compile(rf"[Bb][Ee][Aa][Rr][Ee][Rr] +({PART}\.{PART}\.{PART})\Z")
FEEDBACK = "/feedback"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, proven. ``jti`` of ``client.issuer`` may not come again before ``until``."""

    client: TrustedClient
    jti: str
    until: datetime


class _Header(msgspec.Struct):
    alg: str
    kid: str
    typ: str
    jku: str | None = None
    crit: object = None


class _Claims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    jti: str
    tenant: str | None = None
    nbf: int | float | None = None


_READ_HEADER = msgspec.json.Decoder(_Header)
_READ_CLAIMS = msgspec.json.Decoder(_Claims)


class TokenVerifier:
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

    async def verify(self, authorization: str, path: str) -> Identity:
        """Who sends ``authorization`` to ``path``. Unauthenticated holds the reason, for the log.

        The order is that of CH-63; that the ``jti`` is unseen is checked where it is written.
        """
        token = _token(authorization)
        header, claims = _parsed(token)
        client = self._clients.get(claims.iss)
        if client is None:
            raise _refused("issuer is not trusted")
        if not self._audiences(client, path) & _audience(claims):
            raise _refused("audience is not this endpoint")
        until = self._until(claims)
        if claims.tenant is not None and claims.tenant != client.tenant:
            raise _refused("tenant is not the configured one")
        key = await self._key(client, header)
        _verify_signature(token, header, key)
        return Identity(client, claims.jti, until)

    def _audiences(self, client: TrustedClient, path: str) -> set[str]:
        """The endpoint's URL; for feedback the service's too, as some clients sign that (CH-60)."""
        paths = {path, path.removesuffix(FEEDBACK)}
        bases = {self._public_url, client.audience or self._public_url}
        return {f"{base}{one}" for base in bases for one in paths}

    def _until(self, claims: _Claims) -> datetime:
        now = self._clock()
        try:
            expires, issued = (datetime.fromtimestamp(at, UTC) for at in (claims.exp, claims.iat))
            begins = datetime.fromtimestamp(claims.nbf or claims.iat, UTC)
        except (ValueError, OverflowError, OSError):
            raise _refused("times cannot be read") from None
        if now >= expires + SKEW:
            raise _refused("it has expired")
        if max(issued, begins) > now + SKEW:
            raise _refused("it is not valid yet")
        if not timedelta() < expires - issued <= LIFE_AT_MOST:
            raise _refused("its life is longer than an hour, or none")
        return expires + SKEW

    async def _key(self, client: TrustedClient, header: _Header) -> SigningKey:
        if header.jku is not None and not _is_expected(header.jku, client):
            raise _refused("jku is not the configured one")
        key = await self._keys[client.name].find(header.kid)
        if key is None:
            raise _refused("kid is not known")
        if header.alg not in key.algorithms:
            raise _refused("alg does not fit the key")
        return key


def _token(authorization: str) -> str:
    found = BEARER.match(authorization)
    if not found or len(found[1]) > LONGEST_TOKEN:
        raise _refused("no bearer token in the compact form" if authorization else "no token")
    return found[1]


def _parsed(token: str) -> tuple[_Header, _Claims]:
    header_part, claims_part, _ = token.split(".")
    try:
        header = _READ_HEADER.decode(_decoded(header_part))
        claims = _READ_CLAIMS.decode(_decoded(claims_part))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _refused("a required header or claim is missing or of the wrong type") from None
    if header.alg not in ALGORITHMS:
        raise _refused("alg is not one that is taken")
    if header.typ != "JWT" or header.crit is not None:
        raise _refused("typ is not JWT, or crit is set")
    if not 0 < len(header.kid) <= LONGEST_KID:
        raise _refused("kid is empty or too long")
    if not 0 < len(claims.jti) <= LONGEST_ID or not claims.jti.isprintable():
        raise _refused("jti is empty, too long or not printable")
    return header, claims


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _audience(claims: _Claims) -> set[str]:
    return {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)


def _is_expected(jku: str, client: TrustedClient) -> bool:
    """The configured address; where keys are given in the file, any of the issuer's own origin.

    It is compared, and never fetched (CH-61).
    """
    if client.jwks_url is not None:
        return jku == client.jwks_url
    try:
        return place(jku).origin == place(client.issuer).origin
    except NotAnAddress:
        return False


def _verify_signature(token: str, header: _Header, key: SigningKey) -> None:
    registry = jws.JWSRegistry(algorithms=[header.alg], strict_check_header=False)
    registry.max_header_length = LONGEST_TOKEN  # a jku and a certificate chain are longer than 512
    try:
        jws.deserialize_compact(token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError):
        raise _refused("signature does not hold") from None


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(Problem(why, code="login"))
