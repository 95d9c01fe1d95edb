"""Keys of clients that are not ours, and the tokens they sign."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

Json = dict[str, Any]
ISSUER = "https://ehr.north.example"
KID = "north-1"
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@cache
def private_key(alg: str = "ES384", kid: str = KID) -> ECKey | RSAKey:
    """One key for an algorithm and an id, the same all through a test run."""
    if alg in CURVES:
        return ECKey.generate_key(CURVES[alg], {"kid": kid})
    return RSAKey.generate_key(2048, {"kid": kid})


def jwk(alg: str = "ES384", kid: str = KID, **more: Any) -> Json:
    """The public half, as a key set holds it; None leaves a member out."""
    public = {**private_key(alg, kid).as_dict(private=False), "use": "sig", **more}
    return {name: value for name, value in public.items() if value is not None}


def claims(audience: str | list[str], now: datetime | None = None, **more: Any) -> Json:
    """What the reference client says (its recorded JWT); None leaves a claim out."""
    at = int((now or datetime.now(UTC)).timestamp())
    said = {"iss": ISSUER, "aud": audience, "exp": at + 300, "iat": at, "jti": str(uuid.uuid4())}
    return {name: value for name, value in {**said, **more}.items() if value is not None}


def token(payload: Any, *, alg: str = "ES384", kid: str = KID, **header: Any) -> str:
    """A token signed by the key of ``alg`` and ``kid``; ``header`` replaces what it says."""
    key = private_key(alg, kid)
    model = jws.JWSRegistry(algorithms=[alg]).get_alg(alg)
    return compact(
        {"alg": alg, "kid": kid, "typ": "JWT", **header},
        payload,
        lambda text: model.sign(text, key),
    )


def compact(header: Json, payload: Any, sign: Callable[[bytes], bytes]) -> str:
    """The compact form, whatever it holds and however it is signed."""
    said = {name: value for name, value in header.items() if value is not None}
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    signed = b".".join((_encoded(orjson.dumps(said)), _encoded(body)))
    return b".".join((signed, _encoded(sign(signed)))).decode()


def _encoded(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
