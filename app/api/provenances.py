"""Provenance as it is answered: rendered from the decision that it is about."""

from datetime import datetime

from starlette.requests import Request

from app.api.access import confined_to
from app.api.requests import caller_of
from app.api.trail import trail_of
from app.domain.problem import NotFound, Problem
from app.fhir.writing import answer_provenance, provenance, with_meta
from app.use_cases.read_history import Origin


async def provenance_body(request: Request, id_: str) -> tuple[bytes, datetime]:
    """The bytes, and when the decision was kept. NotFound when there is none."""
    tenant = caller_of(request).tenant
    origin: Origin = await request.app.state.read_history.origin(tenant, id_)
    if confined_to(request) not in (None, origin.frame.patient):
        raise NotFound(Problem(f"There is no Provenance/{id_}.", code="not-found"))
    trail_of(request).shows(origin.frame.patient)
    render = answer_provenance if origin.is_answer else provenance
    body = render(origin.frame, origin.outputs, origin.as_of)
    at = origin.committed_at
    return with_meta(body, version=1, last_updated=at), at
