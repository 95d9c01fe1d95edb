"""What each route is to the audit: the interaction in FHIR's words, and its action."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.api import (
    bundle_routes,
    decision_routes,
    everything_routes,
    extract_routes,
    fhir_routes,
    history_routes,
    hook_routes,
    operations,
    proof_routes,
    reading_routes,
    search_routes,
    smart_routes,
    validate_routes,
    writing_routes,
)

Endpoint = Callable[[Request], Awaitable[Response]]


class Act(NamedTuple):
    """``action`` is FHIR's C, R, U or E; ``operation`` names an operation."""

    interaction: str
    action: str
    operation: str = ""


def _operation(name: str, action: str = "E") -> Act:
    return Act("operation", action, name)


SEARCH = Act("search-type", "E")
UNKNOWN = Act("", "E")
ACTS: Mapping[Endpoint, Act] = {
    reading_routes.read: Act("read", "R"),
    reading_routes.vread: Act("vread", "R"),
    history_routes.of_instance: Act("history-instance", "R"),
    history_routes.of_type: Act("history-type", "R"),
    search_routes.search: SEARCH,
    search_routes.search_by_post: SEARCH,
    writing_routes.create: Act("create", "C"),
    writing_routes.update: Act("update", "U"),
    writing_routes.update_by_condition: Act("update", "U"),
    bundle_routes.take: Act("transaction", "E"),
    fhir_routes.derive: _operation("derive"),
    fhir_routes.apply: _operation("apply"),
    fhir_routes.apply_named: _operation("apply"),
    fhir_routes.respond: _operation("respond"),
    extract_routes.of_body: _operation("extract"),
    extract_routes.of_stored: _operation("extract"),
    everything_routes.everything: _operation("everything"),
    validate_routes.of_type: _operation("validate"),
    validate_routes.of_instance: _operation("validate"),
    hook_routes.call: _operation("cds-hook"),
    hook_routes.feedback: _operation("feedback"),
    hook_routes.report: _operation("alerts", "R"),
    decision_routes.decision: _operation("decision", "R"),
    decision_routes.page: _operation("decision", "R"),
    proof_routes.proof: _operation("proof", "R"),
    decision_routes.replay: _operation("replay"),
    decision_routes.decisions: _operation("decisions"),
}
"""Every route that shows, takes or refuses something of somebody."""

OPEN: frozenset[Endpoint] = frozenset(
    {
        fhir_routes.metadata,
        hook_routes.services,
        operations.healthz,
        operations.readyz,
        operations.prometheus,
        operations.openapi,
        operations.docs,
        operations.redoc,
        smart_routes.configuration,
    }
)
"""What says nothing of any patient, and is asked every few seconds: no row, unless refused."""
