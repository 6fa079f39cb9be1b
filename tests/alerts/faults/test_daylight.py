"""Around the changes of the clocks everybody gets one digest a local day, at their hour or at what
stands for it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.models import Cadence, Delivery, Notice
from apps.alerts.preferences import set_preference
from apps.catalog.models import Offering
from tests.alerts.faults.life import DAY, HOUR, Life, make_model, make_readers, news, utc
from tests.builders import make_member

pytestmark = pytest.mark.proof

HALF_AN_HOUR = timedelta(minutes=30)


def live_with_news(
    life: Life, offering: Offering, begin: datetime, end: datetime, *, step: timedelta = HOUR
) -> None:
    """Something is owed in every window."""
    life.beat_seldom()
    life.beat(begin)
    for n in range((end - begin) // step):
        if n % 6 == 0:
            news(offering, life.at)
        life.beat(life.at + step)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "step"),
    [
        # 2 o'clock does not exist
        (
            "Europe/Zurich",
            date(2027, 3, 28),
            {0: "00:00", 1: "01:00", 2: "03:00", 3: "03:00", 23: "23:00"},
            HOUR,
        ),
        # 2 o'clock comes twice
        (
            "Europe/Zurich",
            date(2027, 10, 31),
            {0: "00:00", 1: "01:00", 2: "02:00", 3: "03:00", 23: "23:00"},
            HOUR,
        ),
        (
            "America/New_York",
            date(2027, 3, 14),
            {1: "01:00", 2: "03:00", 3: "03:00", 7: "07:00"},
            HOUR,
        ),
        (
            "America/New_York",
            date(2027, 11, 7),
            {0: "00:00", 1: "01:00", 2: "02:00", 7: "07:00"},
            HOUR,
        ),
        # half an hour's change, in a zone that is half an hour aside
        (
            "Australia/Lord_Howe",
            date(2027, 10, 3),
            {1: "01:00", 2: "02:30", 3: "03:00"},
            HALF_AN_HOUR,
        ),
        (
            "Australia/Lord_Howe",
            date(2027, 4, 4),
            {1: "01:00", 2: "02:00", 3: "03:00"},
            HALF_AN_HOUR,
        ),
        # an hour aside by the half, without changes
        ("Asia/Kolkata", date(2027, 3, 28), {2: "02:00", 7: "07:00"}, HALF_AN_HOUR),
    ],
)
def test_one_digest_a_local_day_whatever_the_clocks_do(
    life: Life, zone: str, day: date, hours: dict[int, str], step: timedelta
) -> None:
    local = ZoneInfo(zone)
    offering = make_model()
    found = make_readers(offering, [(zone, hour, Cadence.DAILY) for hour in hours])
    readers = dict(zip(hours, found, strict=True))
    midnight = datetime(day.year, day.month, day.day, tzinfo=local).astimezone(UTC)
    after = day + DAY

    live_with_news(life, offering, midnight - 12 * HOUR, midnight + 49 * HOUR, step=step)

    for hour, said in hours.items():
        local_moments = [moment.astimezone(local) for moment in life.moments(readers[hour])]
        moments = [moment for moment in local_moments if moment.date() in {day, after}]
        assert [f"{moment:%d %H:%M}" for moment in moments] == [
            f"{day:%d} {said}",
            f"{after:%d} {hour:02}:00",
        ]
        # of an hour that comes twice, the first one
        assert {moment.fold for moment in moments} == {0}


def test_a_change_of_hour_and_zone_in_between_loses_nothing_and_costs_one_mail_at_most(
    life: Life,
) -> None:
    offering = make_model()
    [team] = make_readers(offering, [("Europe/Zurich", 7, Cadence.DAILY)])
    owner = make_member(team, TeamRole.OWNER)
    begin = utc(2027, 3, 26, 0)
    changes = {
        # after today's digest, to an hour that is still to come today
        utc(2027, 3, 26, 9): {"hour": 18},
        # before today's, to an hour that has passed
        utc(2027, 3, 28, 9): {"hour": 6},
        # far to the west and far to the east, over the day on which the clocks change
        utc(2027, 3, 29, 1): {"time_zone": "Pacific/Honolulu"},
        utc(2027, 3, 31, 3): {"time_zone": "Pacific/Kiritimati"},
    }
    live_with_news(life, offering, begin, begin)
    for moment, wish in changes.items():
        live_with_news(life, offering, life.at, moment)
        set_preference(by=owner, at=moment, team=team, **wish)
    live_with_news(life, offering, life.at, utc(2027, 4, 3, 0))

    by_day = Counter(f"{moment:%d %b}" for moment in life.moments(team))
    # one more on the day of a change, and a day may pass without one where the new hour is a day
    # away
    assert set(by_day.values()) <= {1, 2}
    assert sum(by_day.values()) <= 8 + len(changes)
    gaps = [later - earlier for earlier, later in pairwise(life.moments(team))]
    assert max(gaps) < 2 * DAY
    # what came after the last digest waits; all else was carried, each once
    assert Notice.objects.owed().filter(owed_at__lte=life.moments(team)[-1]).count() == 0
    assert all(
        n == 1 for n in Counter(str(message["Message-ID"]) for message in life.messages).values()
    )
    assert Delivery.objects.filter(state="sent").count() == len(life.mails)
