"""The register stood still for three days: one digest covers the gap, not three, and not none."""

from datetime import timedelta

import pytest

from apps.alerts.models import Alert, Cadence, Notice
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
from tests.alerts.faults.sums import assert_ledger, assert_sums
from tests.builders import NOW, make_offering
from tests.processes import holding

pytestmark = pytest.mark.proof

BACK = utc(2026, 11, 27, 15, 30)
THURSDAY, MONDAY = 3, 0


def test_after_three_days_of_silence_one_digest_covers_the_gap(life: Life) -> None:
    offering = make_model()
    readers = make_readers(
        offering,
        [
            ("UTC", 7, Cadence.DAILY),
            ("Europe/Zurich", 18, Cadence.DAILY),
            ("America/New_York", 7, Cadence.WORKING_DAYS),
            ("Asia/Kolkata", 6, Cadence.DAILY),
            ("Pacific/Auckland", 23, Cadence.DAILY),
        ],
    )
    [passed] = make_readers(offering, [("Europe/Zurich", 7, Cadence.WEEKLY)], weekday=THURSDAY)
    [to_come] = make_readers(offering, [("America/New_York", 9, Cadence.WEEKLY)], weekday=MONDAY)
    # one piece of news was raised and waits for its window; then nothing runs, and more comes
    news(offering, NOW)
    life.beat(NOW + 2 * MINUTE)
    for hours in (1, 25, 49, 70):
        news(offering, NOW + timedelta(hours=hours))
    assert life.mails == []

    life.beat(BACK)
    life.live(BACK + HOUR, step=MINUTE)
    life.live(utc(2026, 11, 30, 13, 59), step=timedelta(minutes=29))

    for reader in [*readers, passed]:
        [moment] = life.moments(reader)
        assert BACK <= moment <= BACK + 2 * MINUTE
        assert Notice.objects.filter(team=reader).values("delivery").distinct().count() == 1
    assert life.moments(to_come) == []
    life.beat(utc(2026, 11, 30, 14, 0))
    assert life.moments(to_come) == [utc(2026, 11, 30, 14, 0)]
    assert_sums(life.peer)
    assert Notice.objects.count() == 5 * 7


def test_what_was_owed_before_the_gap_and_what_came_in_it_go_in_one_mail(life: Life) -> None:
    offering = make_model()
    [reader] = make_readers(offering, [("UTC", 7, Cadence.DAILY)])
    before = news(offering, NOW)
    life.beat(NOW + 2 * MINUTE)
    within = news(offering, NOW + DAY)

    life.beat(BACK)
    life.beat(BACK + MINUTE)

    carried = Notice.objects.filter(delivery__isnull=False).values_list("alert__event", flat=True)
    assert set(carried) == {before.pk, within.pk}
    assert len(life.moments(reader)) == 1


def test_after_a_gap_somebody_who_wants_signs_of_life_gets_one(life: Life) -> None:
    listener = make_listener(NOW)

    life.beat(BACK)
    life.live(utc(2026, 11, 28, 6, 59))

    assert life.moments(listener) == [BACK]
    life.beat(utc(2026, 11, 28, 7))
    assert life.moments(listener) == [BACK, utc(2026, 11, 28, 7)]
    assert_ledger()


@pytest.mark.django_db(transaction=True)
def test_a_recipient_whose_row_was_in_use_after_the_gap_is_written_to_a_minute_later(
    life: Life,
) -> None:
    offering = make_model()
    busy, free = make_readers(offering, [("UTC", 7, Cadence.DAILY), ("UTC", 8, Cadence.DAILY)])
    news(offering, NOW + DAY)
    life.beat(BACK)

    # somebody changes the team, or a worker that is about to be killed has its row
    with holding(f"SELECT FROM accounts_team WHERE id = {busy.pk} FOR NO KEY UPDATE"):
        life.beat(BACK + MINUTE)
    assert (life.moments(busy), life.moments(free)) == ([], [BACK + MINUTE])
    life.beat(BACK + 2 * MINUTE)

    assert life.moments(busy) == [BACK + 2 * MINUTE]
    assert_sums(life.peer)


def test_what_cannot_be_written_for_one_does_not_change_the_hours_of_the_others(life: Life) -> None:
    broken_model, model = make_model(), make_offering()
    make_readers(broken_model, [("Europe/Zurich", 7, Cadence.DAILY)])
    [reader] = make_readers(model, [("UTC", 7, Cadence.DAILY)])
    news(broken_model, NOW)
    life.beat(NOW + MINUTE)
    # something no code foresaw
    Alert.objects.update(application_ids={"not": ["a", "list"]})
    for at in (utc(2026, 11, 25, 7), utc(2026, 11, 25, 7, 1)):
        with pytest.raises(ExceptionGroup):
            life.beat(at)

    news(model, utc(2026, 11, 25, 8))
    with pytest.raises(ExceptionGroup):
        life.beat(utc(2026, 11, 25, 8, 1))
    with pytest.raises(ExceptionGroup):
        life.beat(utc(2026, 11, 25, 8, 3))
    assert life.moments(reader) == []
    with pytest.raises(ExceptionGroup):
        life.beat(utc(2026, 11, 26, 7))

    assert life.moments(reader) == [utc(2026, 11, 26, 7)]
