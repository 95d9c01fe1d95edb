"""Reading a request: its bytes within bounds, its media type, its query, who asks."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from app.api.media import NotAcceptable, UnsupportedMedia
from app.domain.history import SeenToken
from app.domain.problem import NotUnderstood, Problem, TooLarge
from app.ehr.tokens import Identity
from app.use_cases.calling import Caller

BODY_AT_MOST = 5 * 1024 * 1024
PARAMETERS_AT_MOST = 1000  # twenty times what a search takes
JSON_TYPES = frozenset(
    {"application/fhir+json", "application/json", "text/json", "application/json+fhir"}
)
ANY_TYPE = frozenset({"*/*", "application/*", "text/*"})
ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
ENTITY_TAGS = re.compile(rf"\s*{ENTITY_TAG.pattern}(?:\s*,\s*{ENTITY_TAG.pattern})*\s*")
NO_WEIGHT = re.compile(r"0(?:\.0{0,3})?")
WEIGHT = re.compile(r"0\.\d{1,3}")
ANY_VERSION = frozenset({"*"})
FORMATS = frozenset({"json", *JSON_TYPES})


async def read_body(request: Request) -> bytes:
    """The whole body; TooLarge as soon as it is longer than 5 MB, whatever it announced."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > BODY_AT_MOST:
                raise TooLarge(
                    Problem(
                        f"The body is larger than {BODY_AT_MOST} bytes.",
                        mend="Send the resources of one patient and one occasion.",
                        code="too-long",
                    )
                )
            chunks.append(chunk)
    except ClientDisconnect:  # no fault of ours, and no alarm: nobody is there to hear of it
        raise NotUnderstood(
            Problem(
                "The connection was closed before the body was whole.",
                mend="Send the request again.",
                code="incomplete",
            )
        ) from None
    return b"".join(chunks)


def require_json(request: Request) -> None:
    """UnsupportedMedia unless the body is announced as FHIR JSON in UTF-8."""
    header = request.headers.get("content-type", "")
    media, _, parameters = header.partition(";")
    if media.strip().lower() not in JSON_TYPES or not _is_r4(parameters):
        raise UnsupportedMedia(
            Problem(
                f"The body type {header.strip()[:64]!r} is not supported.",
                mend="Send application/fhir+json (FHIR 4.0) or application/json.",
                code="not-supported",
            )
        )
    charset = _parameter(parameters, "charset")
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia(
            Problem("FHIR JSON is UTF-8.", mend="Send the body in UTF-8.", code="not-supported")
        )
    if request.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia(
            Problem(
                "A compressed body is not read.",
                mend="Send the body without Content-Encoding.",
                code="not-supported",
            )
        )


def _parameter(parameters: str, name: str) -> str:
    """One parameter of a media type, in lower case; empty where it is not given."""
    for parameter in parameters.lower().split(";"):
        key, _, value = parameter.partition("=")
        if key.strip() == name:
            return value.strip(' "')
    return ""


def _is_r4(parameters: str) -> bool:
    """Another version of FHIR is never read or answered as if it were ours (F-06)."""
    return _parameter(parameters, "fhirversion") in ("", "4.0", "4.0.1")


def answer_type(request: Request) -> str:
    """The media type to answer in: ``_format`` over Accept; NotAcceptable when none fits."""
    return answer_type_of(request, request.query_params.get("_format"))


def answer_type_of(request: Request, format_: str | None) -> str:
    """The same where ``_format`` may stand elsewhere."""
    if format_ is not None:
        media, _, parameters = format_.replace(" ", "+").partition(";")
        if media.lower() not in FORMATS or not _is_r4(parameters):
            raise _not_acceptable(format_)
        return "application/fhir+json"
    accept = ",".join(request.headers.getlist("accept")) or "*/*"
    for media in _by_weight(accept):
        if media in ANY_TYPE or media in ("application/fhir+json", "application/json+fhir", ""):
            return "application/fhir+json"
        if media in JSON_TYPES:
            return media
    raise _not_acceptable(accept)


def _by_weight(accept: str) -> list[str]:
    """The types of an Accept header, heaviest first; a weight that is none counts in full."""
    weighed = []
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        weight = _parameter(parameters, "q")
        if NO_WEIGHT.fullmatch(weight) or not _is_r4(parameters):
            continue
        weighed.append((-float(weight) if WEIGHT.fullmatch(weight) else -1.0, media))
    return [media.strip().lower() for _, media in sorted(weighed, key=lambda pair: pair[0])]


def _not_acceptable(wanted: str) -> NotAcceptable:
    return NotAcceptable(
        Problem(
            f"{wanted[:64]!r} cannot be answered.",
            mend="Accept application/fhir+json.",
            code="not-supported",
        )
    )


def if_match(request: Request) -> frozenset[str] | None:
    """The version ids that If-Match allows; None where it is not sent, ``*`` for any there is."""
    return allowed_versions(request.headers.get("if-match"))


def if_none_match(request: Request) -> frozenset[str] | None:
    """The version ids that If-None-Match rules out for a write, ``*`` for any there is."""
    return allowed_versions(request.headers.get("if-none-match"), "If-None-Match")


def allowed_versions(header: str | None, name: str = "If-Match") -> frozenset[str] | None:
    """The same from the header itself.

    FHIR writes them as weak ETags, and compares them as if they were strong.
    """
    if header is None:
        return None
    if header.strip() == "*":
        return ANY_VERSION
    if not ENTITY_TAGS.fullmatch(header):
        raise NotUnderstood(
            Problem(
                f"{name} is no list of ETags.",
                where=name,
                mend='Send the ETag of the version that you read, for example W/"1".',
                code="value",
            )
        )
    return frozenset(ENTITY_TAG.findall(header))


def query_of(request: Request) -> Mapping[str, Sequence[str]]:
    """The query, every parameter with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs_of(request.url.query):
        found.setdefault(name, []).append(value)
    return found


def pairs_of(query: str) -> list[tuple[str, str]]:
    """The parameters of a query or a form, in their order.

    NotUnderstood where there are so many that they alone would fill the memory of a worker.
    """
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS_AT_MOST)
    except ValueError:
        what = f"There are more than {PARAMETERS_AT_MOST} parameters."
        raise NotUnderstood(Problem(what, mend="Send fewer.", code="too-long")) from None


def flag(query: Mapping[str, Sequence[str]], name: str, *, default: bool) -> bool:
    """A boolean parameter. NotUnderstood for anything but true and false."""
    values = query.get(name)
    if not values:
        return default
    if values[-1] in ("true", "false"):
        return values[-1] == "true"
    raise NotUnderstood(Problem(f"{name} is neither true nor false.", where=name, code="value"))


def caller_of(request: Request) -> Caller:
    """Who asks, in whose id space, under which request."""
    settings = request.app.state.settings
    origin = request.client.host if request.client else ""
    request_id = request.scope["request_id"]
    identity: Identity | None = request.scope.get("identity")
    if identity is None:
        return Caller(
            tenant=settings.tenant,
            client="anonymous",
            request_id=request_id,
            origin=origin,
            guideline_profile=settings.guideline_profile,
        )
    client = identity.client
    return Caller(
        tenant=client.tenant or settings.tenant,
        client=client.name,
        request_id=request_id,
        origin=origin,
        guideline_profile=client.guideline_profile or settings.guideline_profile,
        token=_used_once(identity),
        token_id=identity.jti or None,
    )


def _used_once(identity: Identity) -> SeenToken | None:
    """A hook's token; an access token opens many requests."""
    if identity.access is not None:
        return None
    return SeenToken(issuer=identity.client.issuer, jti=identity.jti, expires=identity.until)
