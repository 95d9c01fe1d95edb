"""What a caller hands in for a derivation, after it was read and before anything is decided."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.domain.facts import NotUsed
from app.domain.problem import Problem
from app.domain.searching import SearchValue


@dataclass(frozen=True, slots=True)
class Received:
    """One resource as it came: its exact bytes, and the few elements that the history indexes.

    ``parsed`` is the one parse of ``body``, opaque to everything but ``app/fhir``. ``patient`` is
    the logical id of the Patient it belongs to. ``source`` is the fullUrl it came under, kept as
    ``meta.source``; ``last_updated`` is the ``meta.lastUpdated`` it came with; ``birth_date`` is a
    Patient's; ``search`` holds the values it will be found by. ``version`` is 0 for what has just
    come in and the stored version for what was read from the history. ``where`` is its place in
    what came in, a FHIRPath; empty when it came alone.
    """

    type: str
    id: str
    body: bytes
    sha256: bytes
    parsed: object = field(repr=False, compare=False)
    patient: str | None
    status: str | None = None
    source: str | None = None
    last_updated: datetime | None = None
    birth_date: str | None = None
    version: int = 0
    where: str = ""
    search: tuple[SearchValue, ...] = ()

    @property
    def reference(self) -> str:
        """``Type/id``, as other resources refer to it."""
        return f"{self.type}/{self.id}"


class Submission(NamedTuple):
    """A derivation asked for: the patient, what came with the question, and how to decide.

    ``subject`` is the logical id of the Patient. None and empty mean "not said": the use case
    fills the defaults in.
    """

    subject: str
    resources: tuple[Received, ...]
    as_of: datetime | None = None
    guideline_profile: str | None = None
    complete: frozenset[str] = frozenset()
    use_server_data: bool = True
    encounter: str | None = None
    practitioner: str | None = None
    organization: str | None = None
    warnings: tuple[Problem, ...] = ()
    not_used: tuple[NotUsed, ...] = ()

    def with_warning(self, warning: Problem) -> "Submission":
        """The same, with one more thing to tell the caller."""
        return self._replace(warnings=(*self.warnings, warning))
