"""Mail of what is urgent alone: no digest, and the ledger says of everything else that it was not
wanted."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.alerts.actions import maintain_alerts, queue_digests
from apps.alerts.delivery.digest_requests import request_digest
from apps.alerts.delivery.due_digests import MAX_IMMEDIATE_PER_DAY
from apps.alerts.delivery.status import delivery_totals, recipients_of_alerts
from apps.alerts.models import Alert, Cadence, Delivery, Notice, Preference
from apps.alerts.preferences import set_preference
from apps.alerts.unsubscribe_links import recipient_schedule
from tests.alerts.simulation import RIPE, addresses, look, mail_out, morning, pass_day
from tests.builders import NOW, make_dependency, make_offering, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
ONLY_URGENT = "The frequency of this recipient is Urgent only."
ADDRESS = "ilse@example.org"


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Ilse owns the application, which falls to her, and wants to be mailed of what is urgent
    alone."""
    made = make_small_world(email="")
    made.application.business_owner = "ilse"
    made.application.save()
    ilse = make_user("ilse", email=ADDRESS, role="governance")
    set_preference(by=ilse, at=NOW, cadence=Cadence.URGENT, immediate=False, hour=7)
    return made


@pytest.fixture
def ilse(world: SmallWorld) -> User:
    return User.objects.get(username="ilse")


def mine() -> list[tuple[str, str, str]]:
    """(kind, state, reason) of each message to her, in their order."""
    return [
        (delivery.kind, delivery.state, delivery.reason_sentence)
        for delivery in Delivery.objects.filter(address=ADDRESS).order_by("pk")
    ]


def test_what_is_severe_is_mailed_and_what_is_not_is_skipped_with_the_reason(
    world: SmallWorld, ilse: User
) -> None:
    world.event("retired")
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    mail_out(NOW)

    assert mine() == [("immediate", "sent", ""), ("digest", "skipped", ONLY_URGENT)]
    skipped = Notice.objects.get(delivery__state="skipped")
    assert skipped.alert.kind == "repriced"
    assert (
        recipients_of_alerts([skipped.alert_id], user=ilse)[skipped.alert_id].named[0].reason
        == ONLY_URGENT
    )
    assert "Emails for urgent alerts only." in Delivery.objects.get(state="sent").body_text


@pytest.mark.proof
def test_what_is_not_urgent_waits_for_no_window_and_is_not_mailed_by_a_later_urgent_one(
    world: SmallWorld,
) -> None:
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    for n in range(3):
        pass_day(n)
    assert mine() == [("digest", "skipped", ONLY_URGENT)]

    world.event("retired", detected_at=morning(3))
    pass_day(3)

    assert mine() == [("digest", "skipped", ONLY_URGENT), ("immediate", "sent", "")]
    assert Notice.objects.get(delivery__state="sent").alert.kind == "retired"


def test_nothing_owed_is_lost_and_unanswered_it_goes_further_all_the_same(
    world: SmallWorld,
) -> None:
    """What is not mailed counts as told: in time somebody else hears of it."""
    world.application.team.email = "claims@example.org"
    world.application.team.save()
    other = make_user("gus", email="gus@example.org", role="governance")
    world.event("retired")
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    Alert.objects.update(severity=3)
    look(NOW)
    mail_out(NOW)
    Alert.objects.filter(kind="repriced").update(severity=3, escalate_at=NOW + timedelta(hours=24))

    maintain_alerts(at=NOW + timedelta(hours=25))

    assert Notice.objects.filter(user=other, why="escalation", alert__kind="repriced").exists()
    account = delivery_totals(User.objects.get(username="ilse"))
    assert (
        account.n_owed == account.n_sent + account.n_failed + account.n_skipped + account.n_waiting
    )


def test_what_the_clock_brings_comes_at_the_hour_and_not_at_midnight(world: SmallWorld) -> None:
    assert world.offering.retires_on is not None
    day = (world.offering.retires_on - NOW.date()).days - 7
    mail_out(morning(day - 1, 23.9))
    look(morning(day, 0.1))
    urgent = Notice.objects.get(user__username="ilse", alert__kind="milestone")
    assert urgent.urgent

    mail_out(morning(day, 0.2))
    assert mine() == []
    mail_out(morning(day, 7.1))

    assert mine() == [("immediate", "sent", "")]


def test_beyond_twelve_a_day_it_waits_until_there_is_room_and_is_not_dropped(
    world: SmallWorld,
) -> None:
    for n in range(MAX_IMMEDIATE_PER_DAY):
        Delivery.objects.create(
            user=User.objects.get(username="ilse"),
            kind="immediate",
            address=ADDRESS,
            message_id=f"<{n}@x>",
            subject="x",
            body_text="x",
            state="sent",
            due_at=NOW,
            created_at=NOW - timedelta(hours=1),
        )
    world.event("retired")
    look(NOW)

    assert queue_digests(at=NOW + RIPE) == 0
    assert Notice.objects.owed().count() == 1
    assert queue_digests(at=NOW + timedelta(hours=24)) == 1


def test_whoever_asks_where_things_stand_is_told_all_of_it(world: SmallWorld, ilse: User) -> None:
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    mail_out(NOW)

    assert request_digest(user=ilse, at=NOW + timedelta(hours=1)) == Alert.objects.waiting().count()
    mail_out(NOW + timedelta(hours=2))

    assert addresses("asked") == {ADDRESS: 1}


def test_two_looks_at_once_write_it_down_once_and_a_digest_begins_again_with_what_is_new(
    world: SmallWorld, ilse: User
) -> None:
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    assert (queue_digests(at=NOW + RIPE), queue_digests(at=NOW + RIPE)) == (1, 0)

    set_preference(by=ilse, at=NOW, cadence=Cadence.DAILY)
    make_dependency(world.application, make_offering("other"))
    world.event("moved_later", old="2027-01-15", new="2027-03-20", detected_at=morning(1))
    pass_day(1)

    sent = Notice.objects.filter(delivery__state="sent").values_list("alert__kind", flat=True)
    assert list(sent) == ["moved_later"]


def test_it_means_urgent_mail_whatever_was_said_of_that_before(
    world: SmallWorld, ilse: User
) -> None:
    assert not Preference.objects.get(user=ilse).immediate

    rhythm = recipient_schedule(ilse)

    assert (rhythm.wants_only_urgent, rhythm.immediate, rhythm.has_windows) == (True, True, False)
