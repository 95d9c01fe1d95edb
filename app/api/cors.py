"""Pages of other origins that may call us from a browser (CH-64, F-24): those listed, and no other.

Outermost, so that a page also reads the status of a refusal; a preflight carries no token.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.problem import Problem, Refused
from app.ehr.origins import NotAnAddress, place

METHODS = ("GET", "HEAD", "POST", "PUT")
SENT = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-exist",
    "if-none-match",
    "prefer",
    "x-request-id",
)
READ = ("allow", "content-location", "etag", "last-modified", "location", "retry-after", "warning")
OURS = ("x-decision-id", "x-request-id")


class ListedOrigins:
    """Starlette's CORS for a listed origin; for anybody else it is as if there were none."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = {origin.encode() for origin in origins}
        self._cors = CORSMiddleware(
            app,
            allow_origins=sorted(origins),
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=(*READ, *OURS),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the Origin header alone."""
        is_listed = scope["type"] == "http" and any(
            name == b"origin" and value in self._origins for name, value in scope["headers"]
        )
        await (self._cors if is_listed else self._app)(scope, receive, send)


def origins_of(text: str) -> frozenset[str]:
    """PAINPLAN_CORS_ORIGINS, as a browser writes them. Refused names what is no origin."""
    found, problems = set(), []
    for one in filter(None, (part.strip() for part in text.split(","))):
        try:
            origin = place(one)
        except NotAnAddress as error:
            problems.append(_problem(one, str(error)))
            continue
        if origin.path:
            problems.append(_problem(one, "it has a path"))
        found.add(str(origin))
    if problems:
        raise Refused(*problems)
    return frozenset(found)


def _problem(origin: str, why: str) -> Problem:
    return Problem(
        f"{origin[:255]!r} is no origin: {why}.",
        where="PAINPLAN_CORS_ORIGINS",
        mend="Name each as https://host or https://host:port; there is no * here.",
        code="value",
    )
