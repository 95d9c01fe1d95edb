"""What the caller may do with which resource: asked wherever something is shown or taken.

Without authentication everything is allowed. With a SMART token its scopes count, and where it is
for one patient, nobody else's resources exist.
"""

from starlette.requests import Request

from app.api.media import OutOfScope
from app.domain.access import AUDIT, Access
from app.domain.history import Stored
from app.domain.problem import NotFound, Problem
from app.domain.searching import Search
from app.ehr.tokens import Identity

# Written by clients and about no patient: a name and an address, open to every token for the type.
OF_NOBODY = frozenset({"Practitioner", "PractitionerRole", "Organization"})


def access_of_caller(request: Request) -> Access | None:
    """What the token allows; None where nobody asks."""
    identity: Identity | None = request.scope.get("identity")
    return None if identity is None else identity.access


def may(request: Request, type_: str, letter: str) -> bool:
    """Whether the caller may c, r, u, d or s this type."""
    access = access_of_caller(request)
    return access is None or access.allows(type_, letter)


def require_scope(request: Request, type_: str, letters: str) -> None:
    """OutOfScope unless every letter is allowed."""
    if not all(may(request, type_, letter) for letter in letters):
        raise out_of_scope(type_, letters)


def require_audit_reader(request: Request) -> None:
    """OutOfScope without the audit scope."""
    require_scope(request, AUDIT, "rs")


def confined_to(request: Request) -> str | None:
    """The one patient that the token is for; None for any."""
    access = access_of_caller(request)
    return None if access is None else access.patient


def require_patient(request: Request, patient: str | None) -> None:
    """OutOfScope where the token is for another patient."""
    confined = confined_to(request)
    if confined is not None and patient != confined:
        raise OutOfScope(
            Problem(
                "This token is for one patient, and not for this one.",
                mend="Ask with a token for this patient, or with one of the system.",
                code="forbidden",
            )
        )


def is_visible(request: Request, stored: Stored) -> bool:
    """Whether the token may see whose resource this is."""
    confined = confined_to(request)
    version = stored.version
    return confined is None or version.patient == confined or version.type in OF_NOBODY


def seen(request: Request, stored: Stored) -> Stored:
    """The same; NotFound where it is another patient's, as if it were not there."""
    if is_visible(request, stored):
        return stored
    version = stored.version
    raise NotFound(Problem(f"There is no {version.type}/{version.id}.", code="not-found"))


def patient_of(request: Request, type_: str) -> str | None:
    """The patient that a search or a history of this type is narrowed to."""
    return None if type_ in OF_NOBODY else confined_to(request)


def narrowed(request: Request, search: Search) -> Search:
    """The search among what the token may see."""
    confined = confined_to(request)
    if confined is None or (search.types and set(search.types) <= OF_NOBODY):
        return search
    return search._replace(patients=(*search.patients, frozenset({confined})))


def out_of_scope(type_: str, letters: str) -> OutOfScope:
    """Which scope is missing."""
    return OutOfScope(
        Problem(
            f"The scopes of this token do not allow this with {type_[:64]}.",
            mend=f"Ask for a scope such as system/{type_[:64]}.{letters}.",
            code="forbidden",
        )
    )
