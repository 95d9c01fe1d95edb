"""What each route asks of the caller: one table, and a route that is not in it does not start."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

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
from app.api.access import access_of_caller, may, out_of_scope, require_scope
from app.api.errors import refused, say_why
from app.domain.problem import Problem, Refusal, Unauthenticated
from app.ehr.tokens import Identity

Endpoint = Callable[[Request], Awaitable[Response]]
Kind = Literal["open", "token", "hook", "entries", "all", "any"]
IN_ADDRESS = ""


class Need(NamedTuple):
    """What a caller must bring.

    ``open``: nothing. ``hook``: a hook's token. Else an access token: ``token`` whatever its scopes
    are, ``entries`` what each entry of the Bundle needs, ``all`` or ``any`` of ``letters`` for
    ``type`` (empty: the one in the address).
    """

    kind: Kind
    letters: str = ""
    type: str = IN_ADDRESS


OPEN, TOKEN, HOOK, ENTRIES = Need("open"), Need("token"), Need("hook"), Need("entries")
PLAN, RESPONSE = "CarePlan", "QuestionnaireResponse"
NEEDS: Mapping[Endpoint, Need] = {
    operations.healthz: OPEN,
    operations.readyz: OPEN,
    operations.prometheus: OPEN,
    fhir_routes.metadata: OPEN,
    fhir_routes.refuse_on_metadata: OPEN,
    smart_routes.configuration: OPEN,
    operations.openapi: TOKEN,
    operations.docs: TOKEN,
    operations.redoc: TOKEN,
    hook_routes.services: HOOK,
    hook_routes.call: HOOK,
    hook_routes.feedback: HOOK,
    hook_routes.report: HOOK,
    bundle_routes.take: ENTRIES,
    reading_routes.read: Need("all", "r"),
    reading_routes.vread: Need("all", "r"),
    history_routes.of_instance: Need("all", "r"),
    history_routes.of_type: Need("all", "s"),
    search_routes.search: Need("all", "s"),
    search_routes.search_by_post: Need("all", "s"),
    writing_routes.create: Need("all", "c"),
    writing_routes.update: Need("all", "u"),
    writing_routes.update_by_condition: Need("all", "us"),
    fhir_routes.derive: Need("all", "c", PLAN),
    fhir_routes.apply: Need("all", "c", PLAN),
    fhir_routes.apply_named: Need("all", "c", PLAN),
    fhir_routes.respond: Need("all", "u", PLAN),
    extract_routes.of_body: Need("all", "r", RESPONSE),
    extract_routes.of_stored: Need("all", "r", RESPONSE),
    everything_routes.everything: Need("all", "r", "Patient"),
    validate_routes.of_type: Need("any", "cru"),
    validate_routes.of_instance: Need("all", "r"),
    decision_routes.decision: Need("all", "r", PLAN),
    decision_routes.page: Need("all", "r", PLAN),
    proof_routes.proof: Need("all", "r", PLAN),
    decision_routes.replay: Need("all", "r", PLAN),
    decision_routes.decisions: Need("all", "s", PLAN),
    bundle_routes.refuse_on_base: TOKEN,
    fhir_routes.refuse_on_operation: TOKEN,
    fhir_routes.refuse_on_question: TOKEN,
    validate_routes.refuse_on_validate: TOKEN,
    search_routes.refuse_on_search: TOKEN,
    history_routes.refuse_on_reading: TOKEN,
    writing_routes.refuse_on_type: TOKEN,
    writing_routes.refuse_on_instance: TOKEN,
}


class GuardedRoute(Route):
    """A route that asks first, also for an entry of a Bundle, which passes no other door."""

    def __init__(self, path: str, endpoint: Endpoint, *, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.need = NEEDS[endpoint]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refused here, or answered by the endpoint."""
        try:
            ask(Request(scope), self.need)
        except Refusal as refusal:
            say_why(scope["request_id"], refusal)
            await refused(scope["path"], refusal)(scope, receive, send)
            return
        await super().handle(scope, receive, send)


def ask(request: Request, need: Need) -> None:
    """Unauthenticated or OutOfScope where the caller has not what is needed."""
    if need.kind == "open" or request.app.state.settings.auth != "on":
        return
    identity: Identity | None = request.scope.get("identity")
    if identity is None or (identity.access is None) is not (need.kind == "hook"):
        raise Unauthenticated(Problem("this address takes another kind of token", code="login"))
    if need.kind == "all":
        require_scope(request, _type(request, need), need.letters)
    if need.kind == "any":
        _require_any(request, _type(request, need), need.letters)


def _require_any(request: Request, type_: str, letters: str) -> None:
    if access_of_caller(request) and not any(may(request, type_, one) for one in letters):
        raise out_of_scope(type_, letters[0])


def _type(request: Request, need: Need) -> str:
    return need.type or request.path_params["type"]
