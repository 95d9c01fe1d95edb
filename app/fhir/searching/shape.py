"""How an answer is cut: what a page holds, in which order, and how much of each resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.problem import Problem
from app.domain.searching import NEWEST_FIRST
from app.fhir.searching.parameters import Parameter
from app.fhir.searching.telling import not_used, wrong

COUNT, MOST = 50, 500
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")
RESULT = frozenset(
    {"_sort", "_count", "_summary", "_elements", "_total", "_include", "_revinclude"}
)
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the answer is cut: what a page holds, in which order, and how much of each resource."""

    count: int = COUNT
    order: str = NEWEST_FIRST
    summary: str = "false"
    elements: tuple[str, ...] = ()
    total: str = ""
    include: tuple[str, ...] = ()
    revinclude: tuple[str, ...] = ()


def shape_with(  # noqa: PLR0913  (what was asked for, and what is told back)
    pairs: Sequence[tuple[str, str]],
    known: Mapping[str, Parameter],
    includes: Sequence[str],
    revincludes: Sequence[str],
    used: list[tuple[str, str]],
    ignored: list[Problem],
) -> Shape:
    """The same with all that a search may ask; what is not offered goes to ``ignored``."""
    given: dict[str, str] = {}
    lists: dict[str, list[str]] = {"_include": [], "_revinclude": []}
    for key, value in pairs:
        if key in lists:
            is_offered = _includes(value, includes) if key == "_include" else value in revincludes
            if not is_offered:
                ignored.append(not_used(f"{key}={value}", "names nothing that is offered"))
                continue
            lists[key].append(value)
        elif key in given:
            raise wrong(f"{key} comes twice.", key, "Send it once.", "value")
        elif key == "_sort" and value.removeprefix("-") not in _sortable(known):
            ignored.append(not_used(f"_sort={value}", "names no order that is offered"))
            continue
        else:
            given[key] = _checked(key, value)
        used.append((key, given.get(key, value)))
    count = int(given.get("_count", COUNT))
    part = shape_of(given.items())
    return Shape(
        count=count,
        order=given.get("_sort", NEWEST_FIRST),
        summary=part.summary if count else "count",
        elements=part.elements,
        total=_one_of("_total", given.get("_total", ""), ("", *TOTALS)),
        include=tuple(lists["_include"]),
        revinclude=tuple(lists["_revinclude"]),
    )


def shape_of(pairs: Pairs) -> Shape:
    """How much of each resource is wanted; what else is asked for is not looked at."""
    given = dict(pairs)
    return Shape(
        summary=_one_of("_summary", given.get("_summary") or "false", SUMMARIES),
        elements=tuple(e.strip() for e in given.get("_elements", "").split(",") if e.strip()),
    )


def _includes(value: str, offered: Sequence[str]) -> bool:
    """``CarePlan:goal``, or ``CarePlan:goal:Goal`` for what refers to a Goal alone (R4)."""
    return value in offered or (value.count(":") > 1 and value.rpartition(":")[0] in offered)


def _checked(key: str, value: str) -> str:
    return str(count_of(value)) if key == "_count" else value


def count_of(text: str) -> int:
    """``_count``: how many a page may hold; more than we give is as many as we give."""
    if not (text.isascii() and text.isdigit()):
        raise wrong("_count is no whole number from 0.", "_count", code="value")
    return min(int(text[:9]), MOST)


def _sortable(known: Mapping[str, Parameter]) -> frozenset[str]:
    if "_lastUpdated" not in known:
        return frozenset({"_id"})
    dates = {name for name, parameter in known.items() if parameter.kind == "date"}
    return frozenset({"_id", "_lastUpdated", *dates})


def _one_of(key: str, value: str, allowed: Sequence[str]) -> str:
    if value in allowed:
        return value
    listed = ", ".join(a for a in allowed if a)
    raise wrong(f"{key} is none of {listed}.", key, code="value")
