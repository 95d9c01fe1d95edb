"""What has been read of a record so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from app.domain.facts import ComputedScore, Fact, NotUsed, SaidBy
from app.fhir.reading.terms import Terms


class Source(NamedTuple):
    """Where an answer came from: the resource, its time, its author."""

    reference: str
    at: datetime
    said_by: SaidBy
    preliminary: bool = False
    until: datetime | None = None


@dataclass(slots=True)
class Sitting:
    """Answers to items that were given together.

    That is one response, one panel, or the loose Observations of one instant. ``preferred`` are
    the instruments that it says it is about. ``sources`` are the resources whose stated totals
    belong to it; empty for loose Observations, where a total of the same day does.
    """

    preferred: frozenset[str] = frozenset()
    sources: set[str] = field(default_factory=set)
    answers: dict[str, list[tuple[Decimal, Source]]] = field(default_factory=dict)

    def keep(self, code: str, points: Decimal, source: Source) -> None:
        """Add an answer; whether two of one item agree is looked at when all are there."""
        self.answers.setdefault(code, []).append((points, source))


@dataclass(slots=True)
class Gathered:
    """What is read so far; ``sittings`` holds item answers until they can be scored.

    ``references`` gives ``Type/id`` for each fullUrl that a resource came under; ``panels`` the
    panel (with its codes) of which an Observation is a member; ``medications`` are those that a
    medicine may refer to, by ``Type/id``.
    """

    terms: Terms
    as_of: datetime
    facts: list[Fact] = field(default_factory=list)
    not_used: list[NotUsed] = field(default_factory=list)
    scores: list[ComputedScore] = field(default_factory=list)
    sittings: dict[tuple[str, datetime | None], Sitting] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    panels: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    medications: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def skip(self, reference: str, why: str) -> None:
        """List something as not used."""
        self.not_used.append(NotUsed(reference, why))

    def named(self, reference: object) -> str:
        """``Type/id`` of what a Reference names, as far as it can be known."""
        if not isinstance(reference, dict):
            return ""
        told = str(reference.get("reference", ""))
        return self.references.get(told) or told or f"{reference.get('type', '')}/"
