"""The last step of every FHIR answer: what the client has already, and how it likes its JSON."""

from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.api.requests import ENTITY_TAG

NOT_MODIFIED = 304


def rendered(
    request: Request,
    body: bytes,
    media: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer, laid out for reading where ``_pretty`` asks; numbers keep their digits."""
    if request.query_params.get("_pretty") == "true" and body:
        body = msgspec.json.format(body, indent=2)
    return Response(body, status, headers, media_type=media)


def is_known(request: Request, etag: str, modified: datetime | None = None) -> bool:
    """Whether the client has this already: If-None-Match, and If-Modified-Since without it."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or _value(etag) in ENTITY_TAG.findall(tags)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    # No date, one without zone, or one of a year that there is not: as if it were not sent.
    except (TypeError, ValueError, OverflowError):
        return False


def _value(etag: str) -> str:
    return "".join(ENTITY_TAG.findall(etag))
