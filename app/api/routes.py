"""Every address below ``/fhir``: which function takes which method, and which refuses the rest."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from app.api import (
    bundle_routes,
    everything_routes,
    extract_routes,
    fhir_routes,
    history_routes,
    reading_routes,
    search_routes,
    smart_routes,
    validate_routes,
    writing_routes,
)

Endpoint = Callable[[Request], Awaitable[Response]]
Route = tuple[str, Endpoint, Sequence[str]]
GET = ("GET", "HEAD")
POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")
PUT = ("PUT",)
EVERY: Sequence[str] = ()  # whatever none before it took, words that HTTP does not know included
PLAN = "/fhir/PlanDefinition"
RESPONSE = "/fhir/QuestionnaireResponse"

# In the order in which an address is looked up: what is spelled out stands before what is not.
ADDRESSES: Sequence[tuple[str, Mapping[Sequence[str], Endpoint], Endpoint]] = (
    ("/fhir", {POST: bundle_routes.take}, bundle_routes.refuse_on_base),
    ("/fhir/metadata", {GET: fhir_routes.metadata}, fhir_routes.refuse_on_metadata),
    (
        "/fhir/.well-known/smart-configuration",
        {GET: smart_routes.configuration},
        fhir_routes.refuse_on_metadata,
    ),
    ("/fhir/$derive", {POST: fhir_routes.derive}, fhir_routes.refuse_on_operation),
    (f"{PLAN}/clbp-care/$apply", {POST: fhir_routes.apply}, fhir_routes.refuse_on_operation),
    (f"{PLAN}/$apply", {POST: fhir_routes.apply_named}, fhir_routes.refuse_on_operation),
    (
        "/fhir/CarePlan/{id}/$respond",
        {POST: fhir_routes.respond},
        fhir_routes.refuse_on_operation,
    ),
    (f"{RESPONSE}/$extract", {POST: extract_routes.of_body}, fhir_routes.refuse_on_operation),
    (
        f"{RESPONSE}/{{id}}/$extract",
        {BOTH: extract_routes.of_stored},
        fhir_routes.refuse_on_question,
    ),
    (
        "/fhir/Patient/{id}/$everything",
        {BOTH: everything_routes.everything},
        fhir_routes.refuse_on_question,
    ),
    (
        "/fhir/{type}/$validate",
        {POST: validate_routes.of_type},
        validate_routes.refuse_on_validate,
    ),
    (
        "/fhir/{type}/{id}/$validate",
        {BOTH: validate_routes.of_instance},
        fhir_routes.refuse_on_question,
    ),
    (
        "/fhir/{type}/_search",
        {POST: search_routes.search_by_post},
        search_routes.refuse_on_search,
    ),
    (
        "/fhir/{type}/_history",
        {GET: history_routes.of_type},
        history_routes.refuse_on_reading,
    ),
    (
        "/fhir/{type}",
        {
            GET: search_routes.search,
            POST: writing_routes.create,
            PUT: writing_routes.update_by_condition,
        },
        writing_routes.refuse_on_type,
    ),
    (
        "/fhir/{type}/{id}",
        {GET: reading_routes.read, PUT: writing_routes.update},
        writing_routes.refuse_on_instance,
    ),
    (
        "/fhir/{type}/{id}/_history",
        {GET: history_routes.of_instance},
        history_routes.refuse_on_reading,
    ),
    (
        "/fhir/{type}/{id}/_history/{vid}",
        {GET: reading_routes.vread},
        history_routes.refuse_on_reading,
    ),
)


def fhir() -> Iterator[Route]:
    """The routes: every address answers every method, if only to say what it takes."""
    for path, endpoints, refuse in ADDRESSES:
        for methods, endpoint in endpoints.items():
            yield path, endpoint, methods
        yield path, refuse, EVERY
