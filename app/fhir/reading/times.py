"""FHIR dates and times as instants in UTC; a partial date is its first instant."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

MONTHS = 12
_LEAP_SECOND = re.compile(r"(T\d{2}:\d{2}):60")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")


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


def end_of(text: object) -> datetime | None:
    """As ``instant``; of a partial date the first instant after it."""
    match = _DATE.match(text) if isinstance(text, str) else None
    start = instant(text)
    if match is None or start is None:
        return start
    _, month, day = match.groups()
    try:
        if day is not None:
            return start + timedelta(days=1)
        if month is not None and start.month < MONTHS:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1)
    except (OverflowError, ValueError):  # the last year that Python knows
        return start


def last_updated(resource: dict[str, Any]) -> datetime | None:
    """The ``meta.lastUpdated`` that it came with."""
    meta = resource.get("meta")
    return instant(meta.get("lastUpdated")) if isinstance(meta, dict) else None


def start_of(resource: dict[str, Any], name: str) -> datetime | None:
    """``<name>DateTime``, ``<name>Instant`` or the end, else the start, of ``<name>Period``."""
    for suffix in ("DateTime", "Instant"):
        found = instant(resource.get(name + suffix))
        if found is not None:
            return found
    period = resource.get(name + "Period")
    if isinstance(period, dict):
        return instant(period.get("end")) or instant(period.get("start"))
    timing = resource.get(name + "Timing")
    if isinstance(timing, dict) and timing.get("event"):
        return instant(timing["event"][-1])
    return None
