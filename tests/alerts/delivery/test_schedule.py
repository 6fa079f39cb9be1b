"""When a digest is due: pure clock, over every time zone there is and clocks that jump both
ways."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.alerts.delivery.schedule import (
    MAX_CLOCK_LEAD,
    DigestSchedule,
    due_window,
    last_window,
    next_window,
)
from apps.alerts.models import Cadence

DAY = timedelta(days=1)
NOTHING = timedelta(0)
ZONES = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2036, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
RHYTHMS = st.builds(
    DigestSchedule,
    cadence=st.sampled_from([Cadence.DAILY, Cadence.WORKING_DAYS, Cadence.WEEKLY]),
    hour=st.integers(0, 23),
    time_zone=st.sampled_from(sorted(available_timezones())),
    weekday=st.integers(0, 6),
)


def windows_from(rhythm: DigestSchedule, at: datetime, n: int) -> list[datetime]:
    found = [last_window(rhythm, at)]
    for _ in range(n):
        found.append(next_window(rhythm, found[-1]))
    return found


@given(RHYTHMS, MOMENTS)
def test_every_local_day_that_has_a_digest_has_exactly_one(
    rhythm: DigestSchedule, at: datetime
) -> None:
    found = windows_from(rhythm, at, 12)

    days = [window.astimezone(ZoneInfo(rhythm.time_zone)).date() for window in found]
    step = [(after - before).days for before, after in pairwise(days)]
    match rhythm.cadence:
        case Cadence.DAILY:
            assert set(step) == {1}
        case Cadence.WEEKLY:
            assert set(step) == {7}
            assert {day.weekday() for day in days} == {rhythm.weekday}
        case _:
            assert set(step) == {1, 3}
            assert {day.weekday() for day in days} == {0, 1, 2, 3, 4}


@given(RHYTHMS, MOMENTS)
def test_a_window_is_at_the_hour_asked_for_or_at_the_one_after_it_where_that_is_left_out(
    rhythm: DigestSchedule, at: datetime
) -> None:
    local = last_window(rhythm, at).astimezone(ZoneInfo(rhythm.time_zone))

    if (local.hour, local.minute) != (rhythm.hour, 0):
        # the hour does not exist on that day: it maps onto itself nowhere
        asked = local.replace(hour=rhythm.hour, minute=0, fold=0)
        assert asked.astimezone(UTC).astimezone(asked.tzinfo).replace(tzinfo=None) != asked.replace(
            tzinfo=None
        )
        assert local.replace(tzinfo=None) - asked.replace(tzinfo=None) <= timedelta(hours=2)


@given(RHYTHMS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)))
def test_later_moments_have_later_windows(
    rhythm: DigestSchedule, at: datetime, step: timedelta
) -> None:
    assert last_window(rhythm, at) <= last_window(rhythm, at + step)
    assert next_window(rhythm, at) <= next_window(rhythm, at + step)


@given(
    RHYTHMS, MOMENTS, st.lists(st.integers(-15 * 24 * 60, 15 * 24 * 60), min_size=1, max_size=40)
)
def test_whatever_the_clock_does_no_window_is_served_twice_while_its_mark_is_believed(
    rhythm: DigestSchedule, at: datetime, jumps: list[int]
) -> None:
    """Minutes forwards and backwards; something is always owed, raised an hour before. A mark that
    lies far ahead was made by a clock that ran ahead and is put right, as queueing does."""
    served: datetime | None = None
    last_look: datetime | None = None

    for minutes in jumps:
        at += timedelta(minutes=minutes)
        if served is not None and served > at + MAX_CLOCK_LEAD:
            served = at
        window = due_window(
            replace(rhythm, served_at=served),
            at=at,
            oldest=at - timedelta(hours=1),
            last_scan_at=last_look,
            gather=timedelta(minutes=1),
        )
        if window is not None:
            assert window <= at
            assert served is None or window > served
            served = window
        last_look = at


@given(RHYTHMS, MOMENTS)
def test_looked_at_each_minute_a_digest_comes_within_the_minute_of_its_window(
    rhythm: DigestSchedule, at: datetime
) -> None:
    window = next_window(rhythm, at)
    served = replace(rhythm, served_at=last_window(rhythm, at))
    raised = at - timedelta(minutes=5)

    def due(moment: datetime) -> datetime | None:
        looked = moment - timedelta(minutes=1)
        return due_window(
            served, at=moment, oldest=raised, last_scan_at=looked, gather=timedelta(minutes=1)
        )

    assert due(window - timedelta(seconds=1)) is None
    assert due(window) == due(window + timedelta(seconds=59)) == window


@given(RHYTHMS, MOMENTS)
def test_the_last_window_is_past_and_the_next_one_ahead(
    rhythm: DigestSchedule, at: datetime
) -> None:
    assert last_window(rhythm, at) <= at < next_window(rhythm, at)
    assert last_window(rhythm, next_window(rhythm, at)) == next_window(rhythm, at)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 7, 23])
def test_there_is_one_window_a_local_day_all_year_round(zone: str, hour: int) -> None:
    found = windows_from(
        DigestSchedule(hour=hour, time_zone=zone), datetime(2027, 1, 1, tzinfo=UTC), 366
    )

    days = [window.astimezone(ZoneInfo(zone)).date() for window in found]
    assert {after - before for before, after in pairwise(days)} == {DAY}
    for window, after in pairwise(found):
        assert (
            last_window(DigestSchedule(hour=hour, time_zone=zone), after - timedelta(minutes=30))
            == window
        )


@pytest.mark.parametrize(
    ("day", "zone", "hour", "window"),
    [
        (
            date(2027, 3, 28),
            "Europe/Zurich",
            2,
            datetime(2027, 3, 28, 1, tzinfo=UTC),
        ),  # does not exist: 3 o'clock
        (
            date(2027, 10, 31),
            "Europe/Zurich",
            2,
            datetime(2027, 10, 31, 0, tzinfo=UTC),
        ),  # twice: the first time
        (date(2027, 3, 28), "Europe/Zurich", 7, datetime(2027, 3, 28, 5, tzinfo=UTC)),
        (date(2027, 3, 27), "Europe/Zurich", 7, datetime(2027, 3, 27, 6, tzinfo=UTC)),
        (date(2027, 11, 7), "America/New_York", 1, datetime(2027, 11, 7, 5, tzinfo=UTC)),
        (date(2027, 6, 1), "Asia/Kolkata", 7, datetime(2027, 6, 1, 1, 30, tzinfo=UTC)),
        (date(2027, 6, 1), "No/Such", 7, datetime(2027, 6, 1, 7, tzinfo=UTC)),
    ],
)
def test_windows_around_the_change_of_the_clocks(
    day: date, zone: str, hour: int, window: datetime
) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    assert last_window(DigestSchedule(hour=hour, time_zone=zone), noon) == window


@given(RHYTHMS, MOMENTS, st.lists(st.integers(1, 30 * 60), min_size=1, max_size=60), st.randoms())
def test_a_window_is_served_once_and_none_with_something_owed_is_passed_over(
    rhythm: DigestSchedule, at: datetime, steps: list[int], rng: object
) -> None:
    """A clock that only goes forward, in steps from a minute to a day; something is raised now and
    then."""
    last_look, oldest, served = at, None, []
    for minutes in steps:
        at += timedelta(minutes=minutes)
        if oldest is None and minutes % 3:
            oldest = at - timedelta(minutes=minutes % 7)
        known = replace(rhythm, served_at=served[-1] if served else None)
        window = due_window(known, at=at, oldest=oldest, last_scan_at=last_look, gather=NOTHING)
        if window is not None:
            assert not served or window > served[-1]
            served.append(window)
            oldest = None
        if oldest is not None:
            # what was raised before a window is never left beyond it
            assert oldest > last_window(rhythm, at)
        last_look = at


def due(rhythm: DigestSchedule, at: datetime, *, raised: datetime, looked: datetime | None) -> bool:
    return due_window(rhythm, at=at, oldest=raised, last_scan_at=looked, gather=NOTHING) is not None


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_what_is_raised_after_the_hour_waits_for_the_next_day() -> None:
    assert not due(DigestSchedule(), moment(24, 9, 1), raised=moment(24, 9), looked=moment(24, 9))
    assert due(DigestSchedule(), moment(25, 7), raised=moment(24, 9), looked=moment(25, 6, 59))


def test_after_three_days_of_silence_what_is_raised_only_now_comes_at_once() -> None:
    assert due(DigestSchedule(), moment(24, 9, 1), raised=moment(24, 9), looked=moment(21, 9))


def test_a_clock_set_back_repeats_no_window_and_one_far_ahead_locks_nobody_out() -> None:
    served = DigestSchedule(served_at=moment(24, 7))

    assert not due(served, moment(24, 6), raised=moment(24, 5), looked=moment(24, 8))
    assert not due(served, moment(24, 7, 30), raised=moment(24, 5), looked=moment(24, 7))
    ahead = DigestSchedule(served_at=moment(24, 7) + timedelta(days=365))
    assert due(
        ahead, moment(24, 7, 1), raised=moment(24, 5), looked=moment(24, 7) + timedelta(days=365)
    )


def test_weekly_and_working_days() -> None:
    # 24 November 2026 is a Tuesday
    weekly = DigestSchedule(cadence=Cadence.WEEKLY, weekday=4)
    assert last_window(weekly, moment(24, 12)) == moment(20, 7)
    assert next_window(weekly, moment(24, 12)) == moment(27, 7)
    working = DigestSchedule(cadence=Cadence.WORKING_DAYS)
    assert last_window(working, moment(22, 12)) == moment(20, 7)
    assert next_window(working, moment(20, 7)) == moment(23, 7)


def test_a_sign_of_life_is_due_once_a_window_although_nothing_is_owed() -> None:
    rhythm = DigestSchedule(heartbeat=True, served_at=moment(23, 7))

    assert due_window(
        rhythm, at=moment(24, 7), oldest=None, last_scan_at=moment(24, 6), gather=NOTHING
    ) == moment(24, 7)
    served = DigestSchedule(heartbeat=True, served_at=moment(24, 7))
    assert (
        due_window(
            served, at=moment(24, 8), oldest=None, last_scan_at=moment(24, 7), gather=NOTHING
        )
        is None
    )
    assert (
        due_window(
            DigestSchedule(),
            at=moment(24, 7),
            oldest=None,
            last_scan_at=moment(23, 7),
            gather=NOTHING,
        )
        is None
    )
