"""The criteria of a conditional interaction, read strictly."""

from starlette.requests import Request

from app.api.access import narrowed, require_scope
from app.api.interactions import OFFERED
from app.api.requests import pairs_of
from app.domain.problem import NotUnderstood, Problem
from app.domain.searching import Search
from app.fhir.searching.query import understand_condition


def condition_of(request: Request, type_: str, query: str, where: str = "") -> Search:
    """``identifier=...``, also as ``Patient?identifier=...``. NotUnderstood names the place."""
    offer = OFFERED.get(type_)
    if offer is None or not offer.is_written:
        what = f"{type_[:64]} cannot be found by a condition."
        raise NotUnderstood(Problem(what, where, "", "not-supported"))
    require_scope(request, type_, "s")  # its answer tells whether there is such a resource
    state = request.app.state
    base = f"{state.settings.public_url}/fhir"
    try:
        pairs = pairs_of(query.removeprefix(f"{type_}?").removeprefix("?"))
        search = understand_condition(pairs, type_=type_, now=state.clock(), base=base)
    except NotUnderstood as refusal:
        if not where:
            raise
        raise NotUnderstood(*(p._replace(where=where) for p in refusal.problems)) from refusal
    return narrowed(request, search)
