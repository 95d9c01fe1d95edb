"""``.well-known/smart-configuration``: how a backend service gets a token for us (SMART).

We take tokens and give out none: the addresses are those of the clients' authorisation servers.
"""

from collections.abc import Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.domain.problem import NotFound, Problem
from app.ehr.clients import TrustedClient

JSON = "application/json"  # whatever Accept says (SMART App Launch, well-known)
CAPABILITIES = ("client-confidential-asymmetric", "permission-v1", "permission-v2")
SIGNED_BY = ("RS384", "ES384")


async def configuration(request: Request) -> Response:
    """``GET /.well-known/smart-configuration``, and the same below ``/fhir``."""
    state = request.app.state
    if state.settings.auth != "on":
        raise NotFound(Problem("Nothing here asks for a token.", code="not-found"))
    return Response(orjson.dumps(document(state.trust.clients)), media_type=JSON)


def document(clients: Sequence[TrustedClient]) -> dict[str, object]:
    """Where there are several authorisation servers, the first one of the file is named."""
    named = next((c.token_endpoint for c in clients if c.token_endpoint), None)
    scopes = dict.fromkeys(scope for client in clients for scope in client.scopes)
    return {
        "token_endpoint": named or f"{clients[0].issuer.rstrip('/')}/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNED_BY),
        "scopes_supported": list(scopes),
        "capabilities": list(CAPABILITIES),
        "code_challenge_methods_supported": ["S256"],
    }
