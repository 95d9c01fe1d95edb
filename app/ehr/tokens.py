"""Verifies the token of a CDS client (CH-57 to CH-63): which of the trusted clients calls, once.

Whatever fails, the answer is the same 401; the reason goes to the log, the token nowhere.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

from app.domain.access import Access
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
H = TypeVar("H")
C = TypeVar("C")


class Identity(NamedTuple):
    """Who calls, proven, until ``until``.

    By an access token with the ``access`` it gives; or by a hook's token, whose ``jti`` of
    ``client.issuer`` may not come again before then.
    """

    client: TrustedClient
    jti: str
    until: datetime
    access: Access | None = None


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
        token = compact_token(authorization)
        header, claims = _parsed(token)
        client = self._clients.get(claims.iss)
        if client is None:
            raise refused("issuer is not trusted")
        if not self._audiences(client, path) & audiences_said(claims.aud):
            raise refused("audience is not this endpoint")
        until = span_of(claims.exp, claims.iat, claims.nbf, self._clock())
        if claims.tenant is not None and claims.tenant != client.tenant:
            raise refused("tenant is not the configured one")
        key = await key_of(self._keys, client, header.kid, header.alg, header.jku)
        verify_signature(token, header.alg, key)
        return Identity(client, claims.jti, until)

    def _audiences(self, client: TrustedClient, path: str) -> set[str]:
        """The endpoint's URL; for feedback the service's too, as some clients sign that (CH-60)."""
        paths = {path, path.removesuffix(FEEDBACK)}
        bases = {self._public_url, client.audience or self._public_url}
        return {f"{base}{one}" for base in bases for one in paths}


def span_of(
    expires_at: float,
    issued_at: float,
    begins_at: float | None,
    now: datetime,
    *,
    is_short: bool = True,
) -> datetime:
    """Until when a token counts (seconds since 1970 as it says them); Unauthenticated when not."""
    try:
        expires, issued = (datetime.fromtimestamp(at, UTC) for at in (expires_at, issued_at))
        begins = datetime.fromtimestamp(begins_at or issued_at, UTC)
        until = expires + SKEW  # the last second that Python knows has none after it
    except (ValueError, OverflowError, OSError):
        raise refused("times cannot be read") from None
    if now >= until:
        raise refused("it has expired")
    if max(issued, begins) > now + SKEW:
        raise refused("it is not valid yet")
    if is_short and not timedelta() < expires - issued <= LIFE_AT_MOST:
        raise refused("its life is longer than an hour, or none")
    return until


async def key_of(
    keys: Mapping[str, Keys], client: TrustedClient, kid: str, alg: str, jku: str | None
) -> SigningKey:
    """The client's key of this id, if it may be used so."""
    if jku is not None and not _is_expected(jku, client):
        raise refused("jku is not the configured one")
    key = await keys[client.name].find(kid)
    if key is None:
        raise refused("kid is not known")
    if alg not in key.algorithms:
        raise refused("alg does not fit the key")
    return key


def compact_token(authorization: str) -> str:
    """The token of a bearer header."""
    found = BEARER.match(authorization)
    if not found or len(found[1]) > LONGEST_TOKEN:
        raise refused("no bearer token in the compact form" if authorization else "no token")
    return found[1]


def _parsed(token: str) -> tuple[_Header, _Claims]:
    header, claims = parsed_parts(token, _READ_HEADER, _READ_CLAIMS)
    require_header(header.alg, header.kid, header.crit)
    if header.typ != "JWT":
        raise refused("typ is not JWT")
    if not 0 < len(claims.jti) <= LONGEST_ID or not claims.jti.isprintable():
        raise refused("jti is empty, too long or not printable")
    return header, claims


def parsed_parts(
    token: str, header: msgspec.json.Decoder[H], claims: msgspec.json.Decoder[C]
) -> tuple[H, C]:
    """Header and claims, unproven."""
    header_part, claims_part, _ = token.split(".")
    try:
        return header.decode(_decoded(header_part)), claims.decode(_decoded(claims_part))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise refused("a required header or claim is missing or of the wrong type") from None


def require_header(alg: str, kid: str, crit: object) -> None:
    """What every header must say."""
    if alg not in ALGORITHMS:
        raise refused("alg is not one that is taken")
    if crit is not None:
        raise refused("crit is set")
    if not 0 < len(kid) <= LONGEST_KID:
        raise refused("kid is empty or too long")


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def audiences_said(aud: str | list[str]) -> set[str]:
    """One or several."""
    return {aud} if isinstance(aud, str) else set(aud)


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


def verify_signature(token: str, alg: str, key: SigningKey) -> None:
    """Unauthenticated unless the key has signed it."""
    from app.ehr.signatures import holds  # noqa: PLC0415  (loaded with the first key)

    # A jku and a certificate chain are longer than the 512 bytes of joserfc's own limit.
    if not holds(token, alg, key.key, longest_header=LONGEST_TOKEN):
        raise refused("signature does not hold")


def refused(why: str) -> Unauthenticated:
    """The reason, for the log."""
    return Unauthenticated(Problem(why, code="login"))
