"""Keys and signatures by joserfc: loaded with the first key, since it takes ten megabytes."""

from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

FAULTS = (JoseError, ValueError, TypeError)
KINDS: dict[str, type[ECKey] | type[RSAKey]] = {"EC": ECKey, "RSA": RSAKey}


def imported(public: dict[str, Any]) -> ECKey | RSAKey | None:
    """The public key of a JWK of these kinds; None where it is none that can verify."""
    try:
        key = KINDS[public["kty"]].import_key(public)
        key.get_op_key("verify")
    except FAULTS:
        return None
    return key


def holds(token: str, alg: str, key: ECKey | RSAKey, *, longest_header: int) -> bool:
    """Whether the key has signed a compact token with this algorithm."""
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = longest_header
    try:
        jws.deserialize_compact(token, key, registry=registry)
    except FAULTS:
        return False
    return True
