"""What a search asks for, in values that are kept beside each version of a resource.

Nothing here knows FHIR's spelling of a query or a database: ``app/fhir/searching`` makes these from
a query, ``app/sql/searching.py`` looks them up, and ``holds`` says the same of values at hand.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import eq, ge, gt, le, lt
from typing import Literal, NamedTuple

Column = Literal["value", "until", "system"]
Operator = Literal["=", "<", "<=", ">", ">="]
COMPARE = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
NEWEST_FIRST = "-_lastUpdated"


class SearchValue(NamedTuple):
    """One value of one search parameter.

    A token is a ``value`` (its code) with a ``system``; a date the instants from ``value`` to
    before ``until`` (UTC, microseconds, so that their order as text is their order in time); a
    uri or a text is a ``value`` alone. What does not apply is empty.
    """

    name: str
    value: str
    until: str = ""
    system: str = ""


class Comparison(NamedTuple):
    """One column of a value against a text."""

    column: Column
    operator: Operator
    text: str


Alternative = tuple[Comparison, ...]


class Criterion(NamedTuple):
    """Some value of this name for which all comparisons of one alternative hold; or no such."""

    name: str
    any_of: tuple[Alternative, ...]
    is_negated: bool = False


class Search(NamedTuple):
    """What must hold of a resource, all of it.

    ``types`` is empty for every type. ``patients`` and ``ids`` hold sets of which each must
    contain the resource's own; ``updated`` compares the time of its version (both columns).
    """

    types: tuple[str, ...]
    criteria: tuple[Criterion, ...] = ()
    patients: tuple[frozenset[str], ...] = ()
    ids: tuple[frozenset[str], ...] = ()
    updated: tuple[Criterion, ...] = ()


class Cursor(NamedTuple):
    """Where a page ended: the block that the first page saw, and the last row's place."""

    snapshot: int
    key: str
    sequence: int
    position: int


class Versions(NamedTuple):
    """Which versions of a history: of a type or one id, since an instant, or in force at some time.

    ``at`` goes from its first instant to before its second. ``patient``: only this one's.
    """

    type: str
    id: str | None = None
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    patient: str | None = None


def holds(criterion: Criterion, values: Sequence[SearchValue]) -> bool:
    """Whether the values satisfy it: the meaning that the database's answer must have."""
    found = any(
        value.name == criterion.name and any(_all_of(one, value) for one in criterion.any_of)
        for value in values
    )
    return found is not criterion.is_negated


def matches(
    search: Search, type_: str, id_: str, patient: str | None, values: Sequence[SearchValue]
) -> bool:
    """Whether a resource that has just been written satisfies a search (its time aside)."""
    return (
        (not search.types or type_ in search.types)
        and all(id_ in ids for ids in search.ids)
        and all(patient in patients for patients in search.patients)
        and all(holds(criterion, values) for criterion in search.criteria)
    )


def _all_of(alternative: Alternative, value: SearchValue) -> bool:
    return all(COMPARE[one.operator](_column(value, one.column), one.text) for one in alternative)


def _column(value: SearchValue, column: Column) -> str:
    match column:
        case "value":
            return value.value
        case "until":
            return value.until
        case "system":
            return value.system
