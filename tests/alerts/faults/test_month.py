"""A month with random news and random standstills: a digest for each recipient and window in which
something was owed, and none otherwise."""

import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Team
from apps.alerts.models import Cadence, Delivery, Notice
from tests.alerts.faults.life import DAY, HOUR, Life, make_listener, make_readers, news, utc
from tests.alerts.faults.sums import assert_sums
from tests.builders import make_offering

pytestmark = pytest.mark.proof

BEGIN, END = utc(2027, 3, 10), utc(2027, 4, 9)
STEP = 3 * HOUR
GATHER = timedelta(minutes=1)
WEDNESDAY = 2
WISHES = [
    ("UTC", 7, Cadence.DAILY),
    ("Europe/Zurich", 2, Cadence.DAILY),
    ("America/New_York", 18, Cadence.WORKING_DAYS),
    ("Asia/Kolkata", 6, Cadence.DAILY),
    ("Pacific/Auckland", 9, Cadence.WEEKLY),
    ("Australia/Adelaide", 23, Cadence.WEEKLY),
]


def windows_of(zone: str, hour: int, cadence: str) -> list[datetime]:
    """When a digest is due by the calendar on the wall: worked out here once more, by other
    means."""
    found = []
    day = BEGIN.date() - 14 * DAY
    while day < END.date() + 9 * DAY:
        wanted = {
            Cadence.DAILY: True,
            Cadence.WORKING_DAYS: day.weekday() < 5,
            Cadence.WEEKLY: day.weekday() == WEDNESDAY,
        }
        if wanted[Cadence(cadence)]:
            found.append(datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC))
        day += DAY
    return found


def a_month(life: Life, rng: random.Random) -> list[datetime]:
    """Live through it, at half past the hour so that no window falls on a beat; when there were
    beats."""
    offerings = [
        make_offering(retires_on=None),
        make_offering(retires_on=(BEGIN + 20 * DAY).date(), date_kind="firm"),
    ]
    make_readers(offerings[0], WISHES, weekday=WEDNESDAY)
    beats = [BEGIN + timedelta(minutes=rng.randint(11, 29))]
    while beats[-1] < END:
        standstill = timedelta(hours=rng.randint(3, 70)) if rng.random() < 0.02 else timedelta(0)
        beats.append(beats[-1] + STEP + standstill)
    for number, at in enumerate(beats):
        if rng.random() < 0.08:
            news(offerings[0], at - timedelta(minutes=rng.randint(1, 100)))
        life.beat(at, days_too=number % 6 == 0)
    return beats


@pytest.mark.parametrize("seed", [1])
def test_a_month_of_news_and_standstills(life: Life, seed: int) -> None:
    life.beat_seldom()
    listener = make_listener(BEGIN)
    beats = a_month(life, random.Random(seed))

    for team, wish in zip(
        Team.objects.filter(mail_preference__isnull=False).order_by("pk"), WISHES, strict=True
    ):
        windows = windows_of(*wish)
        moments = life.moments(team)
        # one a window at most, and each for something
        served = [max(window for window in windows if window <= moment) for moment in moments]
        assert len(served) == len(set(served))
        for delivery in Delivery.objects.filter(team=team):
            assert delivery.notices.exists()
        # none at another time than at the first beat after a window, or a beat later where the news
        # itself was new
        for moment, window in zip(moments, served, strict=True):
            since = [beat for beat in beats if window <= beat]
            assert moment in since[:2]
        # and none missing: what was owed before a window went at the first beat after it
        for notice in Notice.objects.filter(team=team).select_related("delivery"):
            window = next(window for window in windows if window >= notice.owed_at)
            ready = [beat for beat in beats if beat >= max(window, notice.owed_at + GATHER)]
            if ready and not notice.skip_reason:
                assert notice.delivery is not None
                assert notice.delivery.created_at <= ready[0]
    assert Counter(life.moments(listener)) == Counter(
        {
            next(beat for beat in beats if beat >= window)
            for window in windows_of("UTC", 7, Cadence.DAILY)
            if BEGIN < window <= beats[-1]
        }
    )
    Notice.objects.owed().update(skip_reason="other")
    counts = assert_sums(life.peer)
    assert counts == {"sent": len(life.mails)}
    assert len(life.mails) > 60
