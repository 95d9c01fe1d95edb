"""Lengths of clinical time (``P14D``, ``P12W``, ``P6M``, ``P5Y``) and the age of a record."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

_FORM = re.compile(r"P([1-9][0-9]*)([DWMY])\Z")
_MONTHS_IN_A_YEAR = 12
_DAYS_IN_A_WEEK = 7


class Period(NamedTuple):
    """A length in whole days or whole calendar months."""

    days: int = 0
    months: int = 0

    @staticmethod
    def parse(text: str) -> "Period":
        """Read ISO 8601 with one unit; anything else is a ValueError that names the text.

        >>> Period.parse("P12W")
        Period(days=84, months=0)
        """
        match = _FORM.match(text)
        if match is None:
            message = f"{text!r} is not a period like P14D, P12W, P6M or P5Y"
            raise ValueError(message)
        count = int(match[1])
        match match[2]:
            case "D":
                return Period(days=count)
            case "W":
                return Period(days=count * _DAYS_IN_A_WEEK)
            case "M":
                return Period(months=count)
            case _:
                return Period(months=count * _MONTHS_IN_A_YEAR)

    def earliest(self, as_of: datetime) -> datetime:
        """The earliest instant that is not older than this period at ``as_of``.

        Ages are counted in whole days, as a clinician counts them: what was said 14 days and
        9 hours ago is 14 days old. Months are calendar months.
        """
        if self.months:
            return _months_before(as_of, self.months)
        return as_of - timedelta(days=self.days + 1) + timedelta(microseconds=1)

    def later(self, moment: datetime) -> datetime:
        """The instant that lies this period after ``moment``."""
        if self.months:
            return _months_before(moment, -self.months)
        return moment + timedelta(days=self.days)

    def after(self, day: date) -> date:
        """The day that lies this period after ``day``."""
        return self.later(datetime(day.year, day.month, day.day, tzinfo=UTC)).date()


def age_in_years(born: datetime, as_of: datetime) -> int:
    """Completed years at ``as_of``."""
    had_birthday = (as_of.month, as_of.day) >= (born.month, born.day)
    return as_of.year - born.year - (0 if had_birthday else 1)


def whole_weeks(since: datetime, as_of: datetime) -> int:
    """Completed weeks from ``since`` to ``as_of``; never negative."""
    return max(0, (as_of - since).days // _DAYS_IN_A_WEEK)


def _months_before(moment: datetime, months: int) -> datetime:
    index = moment.year * _MONTHS_IN_A_YEAR + (moment.month - 1) - months
    year, month = divmod(index, _MONTHS_IN_A_YEAR)
    day = min(moment.day, _last_day(year, month + 1))
    return moment.replace(year=year, month=month + 1, day=day)


def _last_day(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return (following - timedelta(days=1)).day
