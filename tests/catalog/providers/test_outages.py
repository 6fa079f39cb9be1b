"""Outages counted by a threshold, in months observed from their first to their last day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.providers.outages import (
    DEFAULT_THRESHOLD,
    IMPACTS,
    MAX_MONTHS,
    RECORD_THRESHOLDS,
    THRESHOLD_HOURS,
    Outage,
    OutageLength,
    OutageThreshold,
    count_outages,
    full_months,
)

MAJOR_4_HOURS = OutageThreshold("major", 4.0)


def moment(year: int, month: int, day: int = 1, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def outage(started_at: datetime, hours: float, impact: str = "major", **facts: bool) -> Outage:
    return Outage(started_at, started_at + timedelta(hours=hours), impact, **facts)


def test_only_full_months_count_so_that_the_incident_that_starts_a_record_does_not() -> None:
    first = outage(moment(2025, 1, 10), 9)

    counts = count_outages(
        [first, outage(moment(2025, 2, 28, 23), 5), outage(moment(2025, 4, 2), 8)],
        MAJOR_4_HOURS,
        observed_from=first.started_at,
        observed_until=moment(2025, 4, 20),
    )

    assert counts.months == ((date(2025, 2, 1), 1), (date(2025, 3, 1), 0))
    assert (counts.n, counts.years, counts.per_year) == (1, pytest.approx(1 / 6), pytest.approx(6))


@pytest.mark.parametrize(
    ("impact", "hours", "n"),
    [
        ("minor", 100, 0),
        ("major", 3.99, 0),
        ("major", 4, 1),
        ("critical", 4, 1),
        ("critical", 0.5, 0),
        ("none", 40, 0),
    ],
)
def test_an_outage_counts_from_its_impact_and_length(impact: str, hours: float, n: int) -> None:
    counts = count_outages(
        [outage(moment(2025, 3, 5), hours, impact)],
        MAJOR_4_HOURS,
        observed_from=moment(2025, 3),
        observed_until=moment(2025, 4),
    )

    assert counts.n == n


def test_an_open_outage_counts_once_it_has_lasted_and_its_length_is_a_lower_bound() -> None:
    start = moment(2025, 3, 31, 20)
    counts_by_hours = {
        hours: count_outages(
            [outage(start, hours, is_open=True)],
            MAJOR_4_HOURS,
            observed_from=moment(2025, 3),
            observed_until=moment(2025, 4, 2),
        )
        for hours in (3, 5)
    }

    assert {hours: counts.n for hours, counts in counts_by_hours.items()} == {3: 0, 5: 1}
    assert counts_by_hours[3].lengths == (OutageLength(3.0, is_open=True),)


def test_lengths_are_those_of_every_outage_of_the_impact() -> None:
    counts = count_outages(
        [
            outage(moment(2025, 3, 5), 1),
            outage(moment(2025, 3, 6), 9, "critical"),
            outage(moment(2025, 3, 7), 2, "minor"),
        ],
        MAJOR_4_HOURS,
        observed_from=moment(2025, 3),
        observed_until=moment(2025, 4),
    )

    assert [length.hours for length in counts.lengths] == [1, 9]


def test_nothing_is_counted_before_a_month_is_over() -> None:
    counts = count_outages(
        [outage(moment(2025, 3, 5), 9)],
        MAJOR_4_HOURS,
        observed_from=moment(2025, 3, 2),
        observed_until=moment(2025, 4, 30),
    )

    assert (counts.months, counts.n, counts.per_year) == ((), 0, None)


def test_an_end_before_the_start_is_no_time() -> None:
    assert outage(moment(2025, 3, 5), -2).hours == 0


def test_the_thresholds_of_a_record_are_ones_that_were_counted_elsewhere() -> None:
    assert DEFAULT_THRESHOLD in RECORD_THRESHOLDS
    for threshold in RECORD_THRESHOLDS:
        assert threshold.hours in THRESHOLD_HOURS
        assert threshold.impacts == IMPACTS[IMPACTS.index(threshold.impact) :]


_moments = st.datetimes(datetime(2020, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@given(_moments, _moments)
def test_months_are_consecutive_within_the_time_of_observation_and_at_most_two_years(
    observed_from: datetime, observed_until: datetime
) -> None:
    months = full_months(observed_from, observed_until)

    assert len(months) <= MAX_MONTHS
    for month, next_month in pairwise(months):
        assert (next_month - month).days in range(28, 32)
    if months:
        assert observed_from <= datetime(months[0].year, months[0].month, 1, tzinfo=UTC)
        end_of_last = (months[-1] + timedelta(days=31)).replace(day=1)
        assert datetime(end_of_last.year, end_of_last.month, 1, tzinfo=UTC) <= observed_until
