"""FHIR dates and times as instants in UTC: the first, and the last, that a text allows."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_LEAP_SECOND = re.compile(r"(T\d{2}:\d{2}):60")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")
_DAY, _MONTH = len("2026-05-28"), len("2026-05")
# R4: a year, a month, a day, or a time with its zone; the calendar is for ``instant`` to know.
DATE_TIME = re.compile(
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00)))?)?)?",
    re.ASCII,
)
_TICK = timedelta(microseconds=1)


def instant(text: object) -> datetime | None:
    """``2026``, ``2026-05``, ``2026-05-28`` or a full dateTime; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        if len(text) <= _DAY and (match := _DATE.match(text)) is not None:
            year, month, day = (int(part or 1) for part in match.groups())
            return datetime(year, month, day, tzinfo=UTC)
        if ":60" in text:
            text = _LEAP_SECOND.sub(r"\1:59", text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # the first and the last day that Python knows
        return moment.replace(tzinfo=UTC)


def last_instant(text: object) -> datetime | None:
    """The end of the year, month or day of a partial date; else the instant itself."""
    first = instant(text)
    return first if first is None or not isinstance(text, str) else _last(text, first)


def _last(text: str, first: datetime) -> datetime:
    """The last instant of a text that begins with ``first``."""
    if len(text) > _DAY:
        return first
    try:
        if len(text) == _DAY:
            return first + timedelta(days=1) - _TICK
        next_month = first.month % 12 + 1 if len(text) == _MONTH else 1
        next_year = first.year + (next_month == 1)
        return datetime(next_year, next_month, 1, tzinfo=UTC) - _TICK
    except (OverflowError, ValueError):  # the last year that Python knows
        return first


def last_updated(resource: dict[str, Any]) -> datetime | None:
    """The ``meta.lastUpdated`` that it came with."""
    meta = resource.get("meta")
    return instant(meta.get("lastUpdated")) if isinstance(meta, dict) else None


def span(resource: dict[str, Any], name: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant that an element allows; None where none can be read.

    ``<name>DateTime``, ``<name>Instant`` or the end, else the start, of ``<name>Period``.
    """
    for text in _told(resource, name):
        first = instant(text)
        if first is not None:
            return first, _last(str(text), first)
    return None, None


def _told(resource: dict[str, Any], name: str) -> Iterator[object]:
    """The dates or times that were sent, the better first."""
    yield resource.get(name + "DateTime")
    yield resource.get(name + "Instant")
    period = resource.get(name + "Period")
    if isinstance(period, dict):
        yield period.get("end")
        yield period.get("start")
    timing = resource.get(name + "Timing")
    if isinstance(timing, dict) and timing.get("event"):
        yield timing["event"][-1]
