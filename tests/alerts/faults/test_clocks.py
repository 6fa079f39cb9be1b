"""The clock is wrong, and is put right: nobody is locked out, nobody is mailed twice."""

from datetime import datetime, timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.delivery.due_digests import MAX_IMMEDIATE_PER_DAY
from apps.alerts.models import Alert, AlertPolicy, Cadence, Delivery, Notice
from apps.inventory.models import Criticality
from tests.alerts.faults.crowd import join
from tests.alerts.faults.life import (
    DAY,
    HOUR,
    MINUTE,
    Life,
    make_listener,
    make_model,
    make_readers,
    news,
    utc,
)
from tests.alerts.faults.sums import assert_sums
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_user,
)

pytestmark = pytest.mark.proof

SEVEN = utc(2026, 11, 25, 7)
YEAR = timedelta(days=365)


def days(moments: list[datetime]) -> list[str]:
    return [f"{moment:%d %b %H:%M}" for moment in moments]


def test_a_clock_set_back_by_hours_over_a_window_brings_no_second_digest(life: Life) -> None:
    model = make_model()
    [reader] = make_readers(model, [("UTC", 7, Cadence.DAILY)])
    listener = make_listener(NOW)
    news(model, NOW)
    life.beat(NOW + MINUTE)
    life.beat(SEVEN)
    assert len(life.mails) == 2

    life.beat(SEVEN - 3 * HOUR)
    news(model, SEVEN - 2 * HOUR)
    life.live(SEVEN + 12 * HOUR, step=10 * MINUTE)
    assert days(life.moments(reader)) == days(life.moments(listener)) == ["25 Nov 07:00"]

    life.beat(SEVEN + DAY)
    assert (
        days(life.moments(reader))
        == days(life.moments(listener))
        == ["25 Nov 07:00", "26 Nov 07:00"]
    )
    assert_sums(life.peer)
    assert Notice.objects.count() == 2


@pytest.mark.parametrize("back", [DAY, 2 * DAY, 40 * DAY])
def test_a_clock_set_back_by_days_keeps_nobody_waiting_for_longer_than_their_rhythm(
    life: Life, back: timedelta
) -> None:
    life.beat_seldom()
    model = make_model()
    daily, weekly = make_readers(model, [("UTC", 7, Cadence.DAILY), ("UTC", 8, Cadence.WEEKLY)])
    listener = make_listener(NOW)
    news(model, NOW)
    life.live(SEVEN + 6 * DAY - 4 * HOUR, step=4 * HOUR)
    life.beat(SEVEN + 6 * DAY)
    assert len(life.moments(daily)) == len(life.moments(weekly)) == 1
    n_signs = len(life.moments(listener))

    # not to the microsecond what the clock has shown before: a sign of life is known by its moment
    start = SEVEN + 6 * DAY - back + HOUR + timedelta(seconds=7)
    life.beat(start)
    news(model, start)
    life.live(start + DAY, step=HOUR)
    # what came after the clock was put right goes with the next digest
    assert days(life.moments(daily)[1:]) == days([SEVEN + 7 * DAY - back])
    assert len(life.moments(listener)) == n_signs + 1
    life.live(start + 8 * DAY, step=4 * HOUR)
    assert len(life.moments(daily)) == len(life.moments(weekly)) == 2
    assert len(life.moments(listener)) == n_signs + 8
    assert_sums(life.peer)


def test_a_clock_a_year_ahead_for_one_run_locks_nobody_out_and_doubles_nothing(life: Life) -> None:
    life.beat_seldom()
    model = make_model()
    daily, weekly = make_readers(
        model, [("Europe/Zurich", 7, Cadence.DAILY), ("UTC", 8, Cadence.WEEKLY)]
    )
    listener = make_listener(NOW)
    news(model, NOW)
    life.live(SEVEN)
    assert (len(life.moments(daily)), len(life.moments(weekly)), len(life.moments(listener))) == (
        1,
        0,
        1,
    )

    # one run too far: what was owed goes out, as its hour seems to have come
    life.beat(SEVEN + YEAR)
    assert (len(life.moments(daily)), len(life.moments(weekly)), len(life.moments(listener))) == (
        1,
        1,
        2,
    )
    life.beat(SEVEN + HOUR)
    news(model, SEVEN + HOUR)
    life.live(SEVEN + 8 * DAY - HOUR, step=2 * HOUR)
    life.beat(SEVEN + 8 * DAY)

    assert days(life.moments(daily)[1:]) == ["26 Nov 06:00"]
    assert days(life.moments(weekly)[1:]) == ["30 Nov 08:00"]
    assert len(life.moments(listener)) == 2 + 8
    assert_sums(life.peer)
    assert Notice.objects.count() == 4


def test_what_was_raised_by_a_clock_a_year_ahead_is_mailed_once_the_clock_is_right(
    life: Life,
) -> None:
    model = make_model()
    [reader] = make_readers(model, [("UTC", 7, Cadence.DAILY)])
    news(model, NOW)
    # it gathers for a minute still when the clock is put right
    life.beat(NOW + YEAR)
    assert life.mails == []

    life.beat(NOW + 3 * MINUTE)
    life.live(NOW + 3 * DAY)

    assert len(life.moments(reader)) == 1
    assert life.moments(reader)[0] <= utc(2026, 11, 25, 7)
    assert_sums(life.peer)


def test_what_was_written_by_a_clock_a_year_ahead_and_refused_is_sent_once_the_clock_is_right(
    life: Life,
) -> None:
    model = make_model()
    first, second = make_readers(model, [("UTC", 7, Cadence.DAILY), ("UTC", 8, Cadence.DAILY)])
    news(model, NOW)
    life.beat(NOW + MINUTE)
    life.peer.answers.append("450 4.2.1 Mailbox busy")
    life.beat(NOW + YEAR)
    assert len(life.peer.taken) == 1

    life.beat(NOW + 3 * MINUTE)
    life.live(NOW + 2 * HOUR, step=10 * MINUTE)

    assert len(life.moments(first)) == len(life.moments(second)) == 1
    assert_sums(life.peer)


def test_what_a_clock_a_year_ahead_claimed_and_a_killed_worker_left_is_taken_over(
    life: Life,
) -> None:
    model = make_model()
    [reader] = make_readers(model, [("UTC", 7, Cadence.DAILY)])
    news(model, NOW)
    life.beat(NOW + MINUTE)
    life.peer.answers.append("450 4.2.1 Mailbox busy")
    life.beat(SEVEN)
    Delivery.objects.update(state="sending", claimed_at=SEVEN + YEAR)

    life.live(SEVEN + HOUR, step=10 * MINUTE)

    assert len(life.moments(reader)) == 1
    assert_sums(life.peer)


def test_what_a_clock_a_year_ahead_told_of_goes_further_when_nobody_answers(life: Life) -> None:
    model = make_offering(retires_on=utc(2027, 1, 15).date(), date_kind="firm")
    application = make_application("Motor damage estimator", criticality=Criticality.CRITICAL)
    make_dependency(application, model)
    make_member(application.team, TeamRole.OWNER, make_user("maren"))
    make_event(model, new="2027-01-15")
    life.beat(NOW + YEAR, days_too=True)
    life.beat(NOW + YEAR + MINUTE, days_too=True)
    assert {address for _, address in life.mails} == {application.team.email}

    life.beat(NOW + HOUR, days_too=True)
    life.live(NOW + 7 * DAY, step=4 * HOUR, days_too=True)

    assert "maren@example.org" in {address for _, address in life.mails}
    assert_sums(life.peer)


def test_milestones_that_a_clock_a_year_ahead_passed_over_are_told_when_their_day_comes(
    life: Life,
) -> None:
    ends_on = NOW.date() + timedelta(days=400)
    model = make_offering(retires_on=ends_on, date_kind="firm")
    team = join(model, "Claims")
    life.beat(NOW + YEAR, days_too=True)
    life.beat(NOW + YEAR + MINUTE, days_too=True)
    [early] = Alert.objects.values_list("milestone", flat=True)

    life.beat(NOW + HOUR, days_too=True)
    milestones = sorted(
        AlertPolicy.objects.get(criticality=Criticality.STANDARD).milestones, reverse=True
    )
    for days_left in milestones:
        day = utc(ends_on.year, ends_on.month, ends_on.day) - timedelta(days=days_left)
        for hour in (0, 6, 7):
            life.beat(day + hour * HOUR, days_too=True)

    told = Alert.objects.values_list("milestone", flat=True)
    assert sorted(told) == sorted([*milestones, early])
    assert len(life.moments(team)) == len(milestones) + 1
    assert_sums(life.peer)


def test_urgent_mails_of_a_clock_a_year_ahead_do_not_use_up_the_days_that_follow(
    life: Life,
) -> None:
    model = make_offering(retires_on=utc(2026, 11, 30).date(), date_kind="firm")
    application = make_application("Motor damage estimator", criticality=Criticality.CRITICAL)
    make_dependency(application, model)
    for minutes in range(0, 60, 3):
        make_event(model, "moved_earlier", new="2026-11-30")
        life.beat(NOW + YEAR + timedelta(minutes=minutes))
        life.beat(NOW + YEAR + timedelta(minutes=minutes + 2))
    assert len(life.moments(application.team)) == MAX_IMMEDIATE_PER_DAY + 1

    life.beat(NOW + HOUR)
    make_event(model, "moved_earlier", new="2026-11-30")
    life.beat(NOW + HOUR + 3 * MINUTE)
    life.beat(NOW + HOUR + 5 * MINUTE)

    assert len(life.moments(application.team)) == MAX_IMMEDIATE_PER_DAY + 2
