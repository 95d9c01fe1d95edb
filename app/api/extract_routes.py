"""``QuestionnaireResponse/$extract`` (SDC): what a response says, as Observations to post."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.access import seen
from app.api.rendering import rendered
from app.api.requests import answer_type, caller_of, read_body, require_json
from app.api.trail import shown
from app.domain.problem import NotUnderstood, Problem
from app.domain.submission import Received
from app.fhir.reading.operation_input import read_input
from app.fhir.reading.submission import read_one
from app.fhir.writing import operation_outcome, told
from app.fhir.writing.extraction import extraction

TYPE = "QuestionnaireResponse"
PARAMETER = "questionnaire-response"
NO_ENTRY = b'"entry":'


async def of_stored(request: Request) -> Response:
    """``GET|POST /fhir/QuestionnaireResponse/{id}/$extract``."""
    media = answer_type(request)
    state, tenant = request.app.state, caller_of(request).tenant
    stored = await state.read_history.resource(tenant, TYPE, request.path_params["id"])
    shown(request, seen(request, stored))
    return _extracted(request, state.reader.stored(stored), media)


async def of_body(request: Request) -> Response:
    """``POST /fhir/QuestionnaireResponse/$extract``: the response, bare or in Parameters."""
    media = answer_type(request)
    require_json(request)
    validator = request.app.state.validator
    given = read_input(await read_body(request), name=PARAMETER, validator=validator)
    if given.resource is None:
        raise NotUnderstood(
            Problem(
                "There is no QuestionnaireResponse to extract from.",
                where="Parameters.parameter",
                mend=f"Send it bare, or as the parameter {PARAMETER}.",
                code="required",
            )
        )
    received = read_one(given.body, expected_type=TYPE, validator=validator)
    return _extracted(request, received, media)


def _extracted(request: Request, received: Received, media: str) -> Response:
    """Nothing is stored. Nothing to extract is a success that says why."""
    state = request.app.state
    content = state.library.current.content
    record = state.reader.record((received,), content, as_of=state.clock(), complete=frozenset())
    body = extraction(received, record, content)
    if NO_ENTRY in body:
        return rendered(request, body, media)
    why = [Problem(f"{n.reference}: {n.why}", code="informational") for n in record.not_used]
    nothing = Problem("There is nothing to extract.", where=TYPE, code="informational")
    return rendered(request, operation_outcome(told((nothing, *why)), "warning"), media)
