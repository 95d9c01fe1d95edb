"""Operations of the service itself: alive, ready, and its documentation."""

import orjson
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import Response

from app import metrics

TITLE = "Painplan"
OPENAPI = "./openapi.json"  # beside the page, also below the path that a proxy puts before it
# FastAPI's two pages take their script and style from these places, and nothing from elsewhere.
DOCS_MAY = (
    "default-src 'none'; connect-src 'self'; worker-src blob:; frame-ancestors 'none';"
    " script-src https://cdn.jsdelivr.net 'unsafe-inline';"
    " style-src https://cdn.jsdelivr.net https://fonts.googleapis.com 'unsafe-inline';"
    " font-src https://fonts.gstatic.com; img-src 'self' data: https://fastapi.tiangolo.com"
    " https://cdn.redoc.ly"
)


async def healthz(request: Request) -> Response:
    """The process answers."""
    del request
    return Response(b'{"status":"alive"}', media_type="application/json")


async def readyz(request: Request) -> Response:
    """The knowledge is loaded, the database is at head and can be written; else 503 and why."""
    state = request.app.state
    obstacle = state.journal.obstacle() or await state.history.obstacle()
    status = 503 if obstacle else 200
    knowledge = state.library.current
    body = {
        "status": "not ready" if obstacle else "ready",
        "knowledge": {"version": knowledge.content.version, "digest": knowledge.digest},
    }
    if obstacle:
        body["why"] = obstacle
    headers = {"Retry-After": "2"} if obstacle else {}
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def prometheus(request: Request) -> Response:
    """``GET /metrics``: what is counted, in Prometheus' text format."""
    del request
    return Response(metrics.exposition(), media_type=metrics.MEDIA_TYPE)


async def openapi(request: Request) -> Response:
    """The committed document, as JSON."""
    return Response(request.app.state.openapi_document(), media_type="application/json")


async def docs(request: Request) -> Response:
    """The document for people."""
    del request
    return _guarded(get_swagger_ui_html(openapi_url=OPENAPI, title=TITLE))


async def redoc(request: Request) -> Response:
    """The same in another rendering."""
    del request
    return _guarded(get_redoc_html(openapi_url=OPENAPI, title=TITLE))


def _guarded(page: Response) -> Response:
    page.headers["Content-Security-Policy"] = DOCS_MAY
    return page
