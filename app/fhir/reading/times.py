"""FHIR dates and times as instants in UTC: the first, and the last, that a text allows."""

import re
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
    match = _DATE.match(text)
    try:
        if match is not None:
            year, month, day = (int(part or 1) for part in match.groups())
            return datetime(year, month, day, tzinfo=UTC)
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text))
    except ValueError:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # the first and the last day that Python knows
        return moment.replace(tzinfo=UTC)


def last_instant(text: object) -> datetime | None:
    """The end of the year, month or day of a partial date; else the instant itself."""
    first = instant(text)
    if first is None or not isinstance(text, str) or len(text) > _DAY:
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


def start_of(resource: dict[str, Any], name: str) -> datetime | None:
    """``<name>DateTime``, ``<name>Instant`` or the end, else the start, of ``<name>Period``."""
    return instant(text_of(resource, name))


def end_of(resource: dict[str, Any], name: str) -> datetime | None:
    """The last instant that the same element allows."""
    return last_instant(text_of(resource, name))


def text_of(resource: dict[str, Any], name: str) -> object:
    """The date or time as it was sent; None when there is none that can be read."""
    for suffix in ("DateTime", "Instant"):
        text = resource.get(name + suffix)
        if instant(text) is not None:
            return text
    period = resource.get(name + "Period")
    if isinstance(period, dict):
        return period.get("end") if instant(period.get("end")) else period.get("start")
    timing = resource.get(name + "Timing")
    if isinstance(timing, dict) and timing.get("event"):
        return timing["event"][-1]
    return None
