from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir.reading.times import instant, last_updated, span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-05", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-28", datetime(2026, 5, 28, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("0001", datetime(1, 1, 1, tzinfo=UTC)),
        ("2026-05-28T08:00:00Z", datetime(2026, 5, 28, 8, tzinfo=UTC)),
        ("2026-05-28T08:00:00+00:00", datetime(2026, 5, 28, 8, tzinfo=UTC)),
        ("2026-05-28T08:00:00-05:00", datetime(2026, 5, 28, 13, tzinfo=UTC)),
        ("2026-05-28T01:00:00+05:30", datetime(2026, 5, 27, 19, 30, tzinfo=UTC)),
        ("2026-05-28T08:00:00.5Z", datetime(2026, 5, 28, 8, 0, 0, 500000, tzinfo=UTC)),
        ("2026-05-28T08:00:00.123456789Z", datetime(2026, 5, 28, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-05-28T08:00:00", datetime(2026, 5, 28, 8, tzinfo=UTC)),
    ],
)
def test_a_time_of_fhir_is_an_instant_a_partial_date_its_first(
    text: str, expected: datetime
) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    ("text", "year"),
    [("0001-01-01T00:00:00+14:00", 1), ("9999-12-31T23:59:59-14:00", 9999)],
)
def test_a_time_at_the_ends_of_the_calendar_stays_there(text: str, year: int) -> None:
    found = instant(text)

    assert found is not None
    assert found.year == year


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-13",
        "0000",
        "2026-5-1",
        "2026-05-28T08:60:00Z",
        "2026-05-28T25:00:00Z",
        "28.05.2026",
        "2026\n",
        2026,
        None,
        ["2026"],
    ],
)
def test_what_is_no_time_of_fhir_is_no_instant(text: object) -> None:
    assert instant(text) is None


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=OFFSETS))
def test_a_time_with_a_zone_is_the_same_instant(moment: datetime) -> None:
    found = instant(moment.isoformat())

    assert found is not None
    assert abs((found - moment).total_seconds()) < 24 * 3600
    if 1 < moment.year < 9999:
        assert found == moment


@given(st.text())
def test_no_text_makes_it_fall_over(text: str) -> None:
    found = instant(text)

    assert found is None or found.tzinfo is UTC


def test_a_moment_wins_over_a_period_and_the_end_over_the_start() -> None:
    period = {"start": "2026-05-01", "end": "2026-05-09"}

    assert span({"onsetDateTime": "2026", "onsetPeriod": period}, "onset")[0] == instant("2026")
    assert span({"onsetPeriod": period}, "onset")[0] == instant("2026-05-09")
    assert span({"onsetPeriod": {"start": "2026-05-01"}}, "onset")[0] == instant("2026-05-01")
    assert span({"abatementDateTime": "2026"}, "onset")[0] is None


@pytest.mark.parametrize("meta", [None, "2026", {}, {"lastUpdated": 2026}])
def test_a_resource_that_does_not_say_when_it_changed_has_no_time_of_change(meta: object) -> None:
    assert last_updated({"meta": meta}) is None
