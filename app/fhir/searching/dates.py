"""FHIR dates as spans of time, and what a prefix says about two spans (R4, 3.1.1.4.5)."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from app.domain.searching import Alternative, Comparison
from app.fhir.reading.times import DATE_TIME
from app.fhir.reading.times import instant as moment_of

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
EARLIEST, LATEST = "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"
APPROXIMATE = 10
_MINUTE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[+-]\d\d:\d\d)?\Z")
_ZONELESS = re.compile(r"T[^Z+-]*\Z")
_FRACTION = re.compile(r"T\d\d:\d\d:\d\d\.(\d+)")
_YEAR, _MONTH, _DAY = 4, 7, 10
_MICROSECONDS = 6
Span = tuple[str, str]


@lru_cache(maxsize=1024)  # the resources of one request share their instants
def span_of(text: str) -> Span | None:
    """From the first instant to before the first one after; None for what is no date.

    A search may leave seconds and zone out (UTC then).
    """
    whole = _MINUTE.sub(r"\1:00\2", text)
    is_minute = whole != text
    if _ZONELESS.search(whole):
        whole += "Z"
    first = moment_of(whole) if DATE_TIME.fullmatch(whole) else None
    if first is None:
        return None
    try:
        after = first + timedelta(minutes=1) if is_minute else _after(first, text)
    except (OverflowError, ValueError):  # the last year that Python knows
        return written(first), LATEST
    return written(first), written(after)


def _after(first: datetime, text: str) -> datetime:
    if len(text) == _YEAR:
        return first.replace(year=first.year + 1)
    if len(text) == _MONTH:
        return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    if len(text) == _DAY:
        return first + timedelta(days=1)
    fraction = _FRACTION.search(text)
    if fraction is None:
        return first + timedelta(seconds=1)
    digits = min(len(fraction[1]), _MICROSECONDS)
    return first + timedelta(microseconds=10 ** (_MICROSECONDS - digits))


def spans_in(node: Any) -> list[Span]:
    """The spans of a date, dateTime, instant, Period or Timing, as they stand in a resource."""
    match node:
        case str():
            span = span_of(node)
            return [span] if span else []
        case list():
            return [span for one in node for span in spans_in(one)]
        case {"event": events}:
            return spans_in(events)
        case {"repeat": {"boundsPeriod": period}}:
            return spans_in(period)
        case dict() if "start" in node or "end" in node:
            return _period(node)
        case _:
            return []


def _period(period: dict[str, Any]) -> list[Span]:
    """What is open on one side began ever, or never ends."""
    start = span_of(str(period["start"])) if "start" in period else (EARLIEST, EARLIEST)
    end = span_of(str(period["end"])) if "end" in period else (LATEST, LATEST)
    return [(start[0], end[1])] if start and end else []


def alternatives(prefix: str, span: Span, now: datetime) -> tuple[Alternative, ...]:
    """When a value ``[value, until)`` answers to the prefix and the span that was asked for."""
    low, high = span
    begins_in = Comparison("value", ">=", low)
    ends_in = Comparison("until", "<=", high)
    begins_before = Comparison("value", "<", low)
    ends_after = Comparison("until", ">", high)
    match prefix:
        case "ne":
            return (begins_before,), (ends_after,)
        case "gt":
            return ((ends_after,),)
        case "lt":
            return ((begins_before,),)
        case "ge":
            return (ends_after,), (begins_in, ends_in)
        case "le":
            return (begins_before,), (begins_in, ends_in)
        case "sa":
            return ((Comparison("value", ">=", high),),)
        case "eb":
            return ((Comparison("until", "<=", low),),)
        case "ap":
            return (_about(low, high, now),)
        case _:
            return ((begins_in, ends_in),)


def _about(low: str, high: str, now: datetime) -> Alternative:
    """Within a tenth of the time that lies between then and now (the standard's suggestion)."""
    first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
    leeway = abs(now - first) / APPROXIMATE
    try:
        low, high = written(first - leeway), written(last + leeway)
    except OverflowError:
        low, high = EARLIEST, LATEST
    return (Comparison("until", ">", low), Comparison("value", "<", high))


def written(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: its order as text is its order in time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
