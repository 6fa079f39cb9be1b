"""Properties of the clock of digests, over every time zone there is and clocks that jump both ways."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from apps.alerts.models import Cadence
from apps.alerts.windows import AHEAD, Rhythm, digest_due, last_window, next_window

DAY = timedelta(days=1)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2036, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
RHYTHMS = st.builds(
    Rhythm,
    cadence=st.sampled_from([Cadence.DAILY, Cadence.WORKING_DAYS, Cadence.WEEKLY]),
    hour=st.integers(0, 23),
    time_zone=st.sampled_from(sorted(available_timezones())),
    weekday=st.integers(0, 6),
)


def windows_from(rhythm: Rhythm, at: datetime, n: int) -> list[datetime]:
    found = [last_window(rhythm, at)]
    for _ in range(n):
        found.append(next_window(rhythm, found[-1]))
    return found


@given(RHYTHMS, MOMENTS)
def test_every_local_day_that_has_a_digest_has_exactly_one(rhythm: Rhythm, at: datetime) -> None:
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
    rhythm: Rhythm, at: datetime
) -> None:
    local = last_window(rhythm, at).astimezone(ZoneInfo(rhythm.time_zone))

    if (local.hour, local.minute) != (rhythm.hour, 0):
        # the hour does not exist on that day: it maps onto itself nowhere
        asked = local.replace(hour=rhythm.hour, minute=0, fold=0)
        assert asked.astimezone(UTC).astimezone(asked.tzinfo).replace(tzinfo=None) != asked.replace(tzinfo=None)
        assert local.replace(tzinfo=None) - asked.replace(tzinfo=None) <= timedelta(hours=2)


@given(RHYTHMS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)))
def test_later_moments_have_later_windows(rhythm: Rhythm, at: datetime, step: timedelta) -> None:
    assert last_window(rhythm, at) <= last_window(rhythm, at + step)
    assert next_window(rhythm, at) <= next_window(rhythm, at + step)


@given(RHYTHMS, MOMENTS, st.lists(st.integers(-15 * 24 * 60, 15 * 24 * 60), min_size=1, max_size=40))
def test_whatever_the_clock_does_no_window_is_served_twice_while_its_mark_is_believed(
    rhythm: Rhythm, at: datetime, jumps: list[int]
) -> None:
    """Minutes forwards and backwards; something is always owed, raised an hour before. A mark that lies far ahead was
    made by a clock that ran ahead and is put right, as queueing does."""
    served: datetime | None = None
    last_look: datetime | None = None

    for minutes in jumps:
        at += timedelta(minutes=minutes)
        if served is not None and served > at + AHEAD:
            served = at
        window = digest_due(
            replace(rhythm, served_at=served), at=at, oldest=at - timedelta(hours=1), last_look=last_look,
            gather=timedelta(minutes=1),
        )  # fmt: skip
        if window is not None:
            assert window <= at
            assert served is None or window > served
            served = window
        last_look = at


@given(RHYTHMS, MOMENTS)
def test_looked_at_each_minute_a_digest_comes_within_the_minute_of_its_window(rhythm: Rhythm, at: datetime) -> None:
    window = next_window(rhythm, at)
    served = replace(rhythm, served_at=last_window(rhythm, at))
    raised = at - timedelta(minutes=5)

    def due(moment: datetime) -> datetime | None:
        looked = moment - timedelta(minutes=1)
        return digest_due(served, at=moment, oldest=raised, last_look=looked, gather=timedelta(minutes=1))

    assert due(window - timedelta(seconds=1)) is None
    assert due(window) == due(window + timedelta(seconds=59)) == window
