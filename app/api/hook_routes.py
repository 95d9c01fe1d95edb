"""CDS Hooks over HTTP: discovery, the three services, feedback and the report of alerts."""

import logging

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.requests import caller_of, read_body, require_json
from app.api.trail import kept
from app.domain.problem import NotFound, Problem
from app.fhir.hooks import SERVICES, Service
from app.fhir.reading.feedback import read_feedback
from app.fhir.reading.hook import read_call
from app.fhir.writing.hook_answer import discovery
from app.use_cases.report_alerts import AlertReport, RuleTotal

JSON = "application/json"
log = logging.getLogger(__name__)


async def services(request: Request) -> Response:
    """``GET /cds-services``."""
    if await request.app.state.spend_token(caller_of(request), operation="discovery"):
        kept(request)
    return Response(discovery(), media_type=JSON)


async def call(request: Request) -> Response:
    """``POST /cds-services/{id}``: the cards, after they were kept."""
    service = _service(request)
    require_json(request)
    body = await read_body(request)
    state = request.app.state
    hook = read_call(body, service, state.validator)
    reviewed = await state.review_order(hook, caller_of(request), started=request.scope["arrived"])
    kept(request)
    for fault in reviewed.answer.faults:
        log.error(
            "rule failed",
            extra={
                "request_id": request.scope["request_id"],
                "rule": fault.rule,
                "kind": fault.error,
            },
        )
    log.info(
        "hook",
        extra={
            "request_id": request.scope["request_id"],
            "service": service.id,
            "decision": reviewed.decision,
            "rules": [card.rule for card in reviewed.answer.cards],
            "faults": len(reviewed.answer.faults),
        },
    )
    headers = {"X-Decision-Id": reviewed.decision}
    return Response(reviewed.answer.body, 200, headers, media_type=JSON)


async def feedback(request: Request) -> Response:
    """``POST /cds-services/{id}/feedback``: 200 once it is kept; cards we do not know are named."""
    service = _service(request)
    require_json(request)
    said = read_feedback(await read_body(request))
    taken = await request.app.state.take_feedback(service.id, said, caller_of(request))
    kept(request)
    told: dict[str, object] = {"health.painplan.kept": taken.kept}
    if taken.unknown:
        told["health.painplan.unknown"] = list(taken.unknown)
    return Response(orjson.dumps({"extension": told}), media_type=JSON)


async def report(request: Request) -> Response:
    """``GET /cds-services-report``: shown, accepted, overridden, with reasons, a rule and month."""
    caller = caller_of(request)
    if await request.app.state.spend_token(caller, operation="alerts"):
        kept(request)
    found = await request.app.state.report_alerts(caller.tenant)
    return Response(report_body(found), media_type=JSON)


def report_body(report: AlertReport) -> bytes:
    """The report as JSON, for the route and for the command line."""
    rows = [
        {
            "rule": row.rule,
            "month": row.month,
            "shown": row.shown,
            "accepted": row.accepted,
            "overridden": row.overridden,
            "reasons": row.reasons,
        }
        for row in report.rows
    ]
    totals = [_total(total) for total in report.totals()]
    return orjson.dumps({"rules": rows, "totals": totals, "unknownCards": report.unknown})


def _total(total: RuleTotal) -> dict[str, object]:
    rate = total.override_rate
    return {
        "rule": total.rule,
        "shown": total.shown,
        "accepted": total.accepted,
        "overridden": total.overridden,
        **({} if rate is None else {"overrideRate": rate}),
        "dueToRetire": total.is_due_to_retire,
    }


def _service(request: Request) -> Service:
    service = SERVICES.get(request.path_params["id"])
    if service is None:
        raise NotFound(
            Problem(
                "There is no such CDS service.",
                mend="GET /cds-services lists the services and their ids.",
                code="not-found",
            )
        )
    return service
