"""What a request is shown on its way, so that its audit rows can name it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Scope

from app.domain.history import Stored
from app.fhir.reading.parameters import ID
from app.use_cases.record_resource import Written


@dataclass(slots=True)
class Trail:
    """Collected by the routes, read once when the answer is about to leave.

    ``is_kept``: the use case wrote its rows together with what it wrote. ``inner`` are the
    requests inside a Bundle, each with the status of its answer.
    """

    patients: dict[str, None] = field(default_factory=dict)
    what: str = ""
    query: bytes | None = None
    is_kept: bool = False
    inner: list[tuple[Scope, int]] = field(default_factory=list)

    def shows(self, patient: str | None) -> None:
        """Something of this patient is in the answer, or was asked for."""
        if patient:
            self.patients[patient] = None

    def names(self, patients: frozenset[str]) -> None:
        """Patients that a search names; what is no id names nobody."""
        self.patients.update(dict.fromkeys(p for p in sorted(patients) if ID.fullmatch(p)))


def begin_trail(scope: Scope) -> Trail:
    """A new one for this request."""
    trail = Trail()
    scope["trail"] = trail
    return trail


def trail_of(request: Request) -> Trail:
    """The one of this request."""
    trail: Trail = request.scope["trail"]
    return trail


def shown(request: Request, stored: Stored) -> None:
    """A stored version is in the answer."""
    trail_of(request).shows(stored.version.patient)


def kept(request: Request, written: Sequence[Written] = ()) -> None:
    """The use case kept its own rows; what it only found is shown."""
    trail = trail_of(request)
    found = [one.stored for one in written if one.is_left]
    trail.is_kept = not written or len(found) < len(written)
    for stored in found:
        shown(request, stored)
