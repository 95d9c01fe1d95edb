"""Clinical time: whole days, calendar months, completed weeks and years."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.period import Period, age_in_years, whole_weeks

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
moments = st.datetimes(
    min_value=datetime(1950, 1, 1),  # noqa: DTZ001  (hypothesis adds the zone itself)
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001  (hypothesis adds the zone itself)
    timezones=st.just(UTC),
)


def day(year: int, month: int, day_: int) -> datetime:
    return datetime(year, month, day_, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P14D", Period(days=14)),
        ("P12W", Period(days=84)),
        ("P6M", Period(months=6)),
        ("P5Y", Period(months=60)),
    ],
)
def test_a_period_is_read(text: str, period: Period) -> None:
    assert Period.parse(text) == period


@pytest.mark.parametrize("text", ["", "14D", "P0D", "P-1D", "P1.5M", "P1M2D", "PT5M", "P14D "])
def test_what_is_no_period_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period") as refused:
        Period.parse(text)
    assert repr(text) in str(refused.value)


def test_an_answer_of_14_days_and_9_hours_is_14_days_old() -> None:
    edge = Period(days=14).earliest(NOON)

    assert NOON - timedelta(days=14, hours=9) >= edge


def test_an_answer_of_15_days_is_older_than_14_days() -> None:
    edge = Period(days=14).earliest(NOON)

    assert NOON - timedelta(days=15) < edge


@pytest.mark.parametrize(
    ("months", "then", "earliest"),
    [
        (6, day(2026, 6, 1), day(2025, 12, 1)),
        (6, day(2026, 8, 31), day(2026, 2, 28)),
        (6, day(2024, 8, 31), day(2024, 2, 29)),
        (12, day(2024, 2, 29), day(2023, 2, 28)),
        (1, day(2026, 1, 15), day(2025, 12, 15)),
        (60, day(2026, 12, 31), day(2021, 12, 31)),
    ],
)
def test_months_are_those_of_the_calendar(months: int, then: datetime, earliest: datetime) -> None:
    assert Period(months=months).earliest(then) == earliest


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period(days=84), date(2026, 6, 1), date(2026, 8, 24)),
        (Period(days=1), date(2026, 12, 31), date(2027, 1, 1)),
        (Period(months=3), date(2026, 11, 30), date(2027, 2, 28)),
        (Period(months=1), date(2027, 11, 30), date(2027, 12, 30)),
    ],
)
def test_the_day_after_a_period(period: Period, start: date, end: date) -> None:
    assert period.after(start) == end


@given(moments, st.integers(1, 600), st.integers(1, 600))
def test_a_longer_period_reaches_further_back(then: datetime, some: int, more: int) -> None:
    shorter, longer = sorted((some, more))

    assert Period(days=longer).earliest(then) <= Period(days=shorter).earliest(then)
    assert Period(months=longer).earliest(then) <= Period(months=shorter).earliest(then)


@pytest.mark.parametrize(
    ("then", "years"),
    [
        (day(2026, 5, 31), 45),
        (day(2026, 6, 1), 46),
        (day(2026, 6, 2), 46),
    ],
)
def test_a_year_of_age_is_complete_on_the_birthday(then: datetime, years: int) -> None:
    assert age_in_years(day(1980, 6, 1), then) == years


def test_whoever_is_born_on_29_february_grows_older_on_1_march() -> None:
    assert age_in_years(day(2000, 2, 29), day(2026, 2, 28)) == 25
    assert age_in_years(day(2000, 2, 29), day(2026, 3, 1)) == 26


@pytest.mark.parametrize(("days", "weeks"), [(0, 0), (6, 0), (7, 1), (13, 1), (84, 12), (-7, 0)])
def test_weeks_count_when_they_are_complete(days: int, weeks: int) -> None:
    assert whole_weeks(NOON - timedelta(days=days), NOON) == weeks


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (Period(days=84), datetime(2026, 4, 25, 12, 0, tzinfo=UTC)),
        (Period(months=1), datetime(2026, 2, 28, 12, 0, tzinfo=UTC)),
        (Period(months=13), datetime(2027, 2, 28, 12, 0, tzinfo=UTC)),
    ],
)
def test_what_lies_a_period_later_keeps_its_hour_and_ends_with_the_month(
    period: Period, expected: datetime
) -> None:
    assert period.later(datetime(2026, 1, 31, 12, 0, tzinfo=UTC)) == expected
