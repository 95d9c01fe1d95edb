"""One public key that may sign tokens: which kinds we take, and what a JWK must say."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from joserfc.jwk import ECKey, RSAKey

BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
BY_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ALGORITHMS = frozenset({*BY_CURVE.values(), *BY_RSA})
RSA_BITS = range(2048, 8193)
LONGEST_KID = 255
PRIVATE_PART = "d"


class NotAKey(ValueError):  # noqa: N818  (it completes a sentence)
    """Why a JWK cannot verify tokens."""


class SigningKey(NamedTuple):
    """A public key with its ``kid`` and the algorithms that it may be used with, and no other."""

    kid: str
    algorithms: frozenset[str]
    key: ECKey | RSAKey


def signing_key(jwk: Mapping[str, Any]) -> SigningKey:
    """The key of a JWK. Raises NotAKey: symmetric, private, too short, or not for signatures."""
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID:
        raise NotAKey("it has no kid")
    if jwk.get("use", "sig") != "sig":
        raise NotAKey("its use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise NotAKey("its key_ops do not hold verify")
    if PRIVATE_PART in jwk:
        raise NotAKey("it is a private key; give only the public part")
    key, algorithms = _imported(jwk)
    named = jwk.get("alg")
    if named is not None:
        if named not in algorithms:
            raise NotAKey(f"its alg is none of {', '.join(sorted(algorithms))}")
        algorithms = frozenset({named})
    return SigningKey(kid, algorithms, key)


def signing_keys(jwks: Iterable[Mapping[str, Any]]) -> dict[str, SigningKey]:
    """Those of a published set that we can use, by kid; a kid that stands there twice is nobody's.

    A set holds keys for other purposes too, so what cannot verify a token is passed over.
    """
    found: dict[str, SigningKey] = {}
    twice: set[str] = set()
    for jwk in jwks:
        try:
            key = signing_key(jwk)
        except NotAKey:
            continue
        if key.kid in found:
            twice.add(key.kid)
        found[key.kid] = key
    return {kid: key for kid, key in found.items() if kid not in twice}


def _imported(jwk: Mapping[str, Any]) -> tuple[ECKey | RSAKey, frozenset[str]]:
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    match jwk.get("kty"):
        case "EC":
            return _elliptic(public)
        case "RSA":
            return _rsa(public)
        case "oct":
            raise NotAKey("it is symmetric; only public keys are taken")
        case _:
            raise NotAKey("its kty is neither EC nor RSA")


def _elliptic(public: dict[str, Any]) -> tuple[ECKey | RSAKey, frozenset[str]]:
    algorithm = BY_CURVE.get(str(public.get("crv")))
    if algorithm is None:
        raise NotAKey(f"its crv is none of {', '.join(BY_CURVE)}")
    key = _key(public)
    if key is None:
        raise NotAKey("its point is not on the curve")
    return key, frozenset({algorithm})


def _rsa(public: dict[str, Any]) -> tuple[ECKey | RSAKey, frozenset[str]]:
    unreadable = NotAKey("its modulus or exponent cannot be read")
    try:
        bits = _bits(public["n"])
    except (KeyError, ValueError, TypeError):
        raise unreadable from None
    if bits not in RSA_BITS:
        raise NotAKey(f"it has {bits} bits; at least {RSA_BITS.start} are needed")
    key = _key(public)
    if key is None:
        raise unreadable
    return key, BY_RSA


def _key(public: dict[str, Any]) -> ECKey | RSAKey | None:
    from app.ehr.signatures import imported  # noqa: PLC0415  (loaded with the first key)

    return imported(public)


def _bits(modulus: str) -> int:
    """Counted before the key is made: joserfc warns about a short one, and goes on."""
    raw = urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))
    return int.from_bytes(raw, "big").bit_length()
