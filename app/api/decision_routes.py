"""Decisions as JSON: one with its reasons, its replay, and those about a patient."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import confined_to, require_patient
from app.api.requests import caller_of
from app.api.trail import trail_of
from app.domain.problem import NotFound, NotUnderstood, Problem

JSON, HTML = "application/json", "text/html"
PAGE_MAY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
KINDS = ("derive", "respond", "order-review")


async def decision(request: Request) -> Response:
    """``GET /decisions/{id}``."""
    await _require_visible(request)
    use_case = request.app.state.read_history
    found = await use_case.decision(caller_of(request).tenant, request.path_params["id"])
    _shows(request, found["patient"])
    return Response(orjson.dumps(found), media_type=JSON)


async def page(request: Request) -> Response:
    """``GET /decisions/{id}.html``: the same for a person, on one page without script."""
    await _require_visible(request)
    state = request.app.state
    seen = await state.read_history.seen(caller_of(request).tenant, request.path_params["id"])
    _shows(request, seen.patient)
    headers = {"Content-Security-Policy": PAGE_MAY}
    return Response(state.decision_page(seen), media_type=HTML, headers=headers)


async def replay(request: Request) -> Response:
    """``GET /decisions/{id}/replay``."""
    await _require_visible(request)
    use_case = request.app.state.read_history
    found, patient = await use_case.replay(caller_of(request).tenant, request.path_params["id"])
    _shows(request, patient)
    return Response(orjson.dumps(found), media_type=JSON)


async def decisions(request: Request) -> Response:
    """``GET /decisions?patient=&kind=``: an order form calls often, and plans are few."""
    patient = request.query_params.get("patient", "").removeprefix("Patient/")
    if not patient:
        raise NotUnderstood(
            Problem(
                "Whose decisions?",
                where="patient",
                mend="Send ?patient= with the id of a Patient.",
                code="required",
            )
        )
    require_patient(request, patient)
    kind = request.query_params.get("kind")
    if kind is not None and kind not in KINDS:
        raise NotUnderstood(
            Problem(
                "There is no such kind of decision.",
                where="kind",
                mend=f"Send one of {', '.join(KINDS)}.",
                code="value",
            )
        )
    trail_of(request).names(frozenset({patient}))
    tenant = caller_of(request).tenant
    found = await request.app.state.read_history.decisions(tenant, patient, kind or "")
    return Response(orjson.dumps(found), media_type=JSON)


def _shows(request: Request, patient: str) -> None:
    trail_of(request).shows(patient.removeprefix("Patient/"))


async def _require_visible(request: Request) -> None:
    """Where the token is for one patient, no decision about anybody else is there."""
    confined = confined_to(request)
    if confined is None:
        return
    tenant, id_ = caller_of(request).tenant, request.path_params["id"]
    record = await request.app.state.read_history.record_of(tenant, id_)
    if record.patient != confined:
        raise NotFound(Problem(f"There is no decision {id_}.", code="not-found"))
