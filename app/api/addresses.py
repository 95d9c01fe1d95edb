"""One address, one spelling: what a client writes is brought to what is routed."""

from starlette.types import Scope

from app.domain.problem import NotFound, Problem

BELOW_FHIR = "/fhir/"
ENCODED_SLASH = b"%2f"


def address_of(scope: Scope) -> str:
    """The path without the slash that clients like to put at its end.

    NotFound where a slash is percent-encoded: decoded, ``o1%2F_history`` would be another address
    than the one that a proxy in front of us has seen (RFC 3986, 2.2).
    """
    path: str = scope["path"]
    if ENCODED_SLASH in scope.get("raw_path", b"").lower():
        raise NotFound(
            Problem(
                "There is nothing at this address: no part of it can hold a slash.",
                mend="Send the slashes of an address as they are.",
                code="not-found",
            )
        )
    return path.removesuffix("/") if path.startswith(BELOW_FHIR) else path
