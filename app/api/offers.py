"""Whether an address takes an interaction: 404 for an unknown type, 405 for what it lacks."""

from starlette.requests import Request

from app.api.interactions import OFFERED, Offer
from app.domain.problem import NotAllowed, NotFound, Problem


def offer_of(request: Request) -> tuple[str, Offer]:
    """The type in the address and what it offers. NotFound when it is not served."""
    type_ = request.path_params["type"]
    offer = OFFERED.get(type_)
    if offer is not None:
        return type_, offer
    raise NotFound(
        Problem(
            f"The resource type {type_[:64]!r} is not served here.",
            mend="GET /fhir/metadata lists what is.",
            code="not-supported",
        )
    )


def require(
    request: Request, interaction: str, *, allow: tuple[str, ...] = ()
) -> tuple[str, Offer]:
    """The same, and NotAllowed when the type does not offer the interaction."""
    type_, offer = offer_of(request)
    if offer.takes(interaction):
        return type_, offer
    raise not_allowed(f"{type_} does not offer {interaction}.", allow)


def not_allowed(what: str, allow: tuple[str, ...]) -> NotAllowed:
    """What is refused with the methods that are not."""
    return NotAllowed(Problem(what, code="not-supported"), allow=allow)
