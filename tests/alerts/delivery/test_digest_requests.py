"""Somebody asks where things stand: told once, at once, and only of what is owed to them."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    acknowledge_alert,
    create_mute,
    queue_digests,
    raise_alerts,
    raise_due_alerts,
)
from apps.alerts.delivery.digest_requests import DigestRequestError, open_alerts_for, request_digest
from apps.alerts.models import Alert, Cadence, Delivery, Notice
from apps.alerts.preferences import set_preference
from tests.alerts.simulation import RIPE
from tests.builders import NOW, make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    made = make_small_world(email="")
    made.event()
    return made


@pytest.fixture
def owner(world: SmallWorld) -> User:
    """Told of everything of Claims, as the team has no mailbox."""
    return make_member(world.team, TeamRole.OWNER, make_user("ilse"))


def mailed(user: User) -> list[tuple[str, int]]:
    """(kind, notices carried) of the person's mails, in order."""
    return [
        (each.kind, each.notices.count())
        for each in Delivery.objects.filter(user=user).order_by("pk")
    ]


def test_what_was_told_before_is_told_again_at_once(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    queue_digests(at=NOW + timedelta(days=1))
    later = NOW + timedelta(days=1, hours=3)

    n = request_digest(user=owner, at=later)
    queue_digests(at=later + RIPE)

    assert n == 1
    assert [kind for kind, _ in mailed(owner)] == [Delivery.Kind.DIGEST, Delivery.Kind.IMMEDIATE]
    assert Notice.objects.get(occasion__startswith="asked").delivery == Delivery.objects.latest(
        "pk"
    )


def test_days_that_come_nearer_do_not_wait_for_the_next_morning(
    world: SmallWorld, owner: User
) -> None:
    """Milestones usually wait for the digest of the day; whoever asks has asked."""
    raise_alerts(at=NOW)
    raise_due_alerts(at=NOW)
    set_preference(by=owner, at=NOW, immediate=False)
    queue_digests(at=NOW + timedelta(days=1))
    later = NOW + timedelta(days=1, hours=5)

    request_digest(user=owner, at=later)
    queue_digests(at=later + RIPE)

    assert mailed(owner)[-1] == (Delivery.Kind.IMMEDIATE, open_alerts_for(owner).count())


def test_what_is_owed_and_not_written_yet_goes_with_it_and_not_once_more(
    world: SmallWorld, owner: User
) -> None:
    raise_alerts(at=NOW)

    request_digest(user=owner, at=NOW)
    queue_digests(at=NOW + timedelta(days=2))

    assert [n for _, n in mailed(owner)] == [1]
    assert Notice.objects.get(occasion="raised", user=owner).skip_sentence.startswith(
        "The alert was included in a summary that the recipient requested"
    )


def test_asking_twice_on_one_day_sends_one_mail(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)

    assert request_digest(user=owner, at=NOW) == 1
    assert request_digest(user=owner, at=NOW + timedelta(hours=1)) == 0
    assert request_digest(user=owner, at=NOW + timedelta(days=1)) == 1


def test_what_somebody_answered_is_not_told(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    acknowledge_alert(alert=Alert.objects.get(), by=owner, at=NOW)

    assert request_digest(user=owner, at=NOW) == 0
    assert not Notice.objects.filter(occasion__startswith="asked").exists()


def test_what_falls_to_others_is_not_told_though_one_may_read_it(
    world: SmallWorld, owner: User
) -> None:
    raise_alerts(at=NOW)
    reader = make_member(world.team, TeamRole.VIEWER)

    assert request_digest(user=reader, at=NOW) == 0
    assert request_digest(user=make_user(role="auditor"), at=NOW) == 0


def test_what_one_was_given_is_told(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    editor = make_member(world.team)
    Alert.objects.update(assigned_to=editor)

    assert request_digest(user=editor, at=NOW) == 1
    assert Notice.objects.get(user=editor).why == Notice.Why.ASSIGNED


def test_what_is_muted_stays_muted(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    create_mute(by=owner, until=NOW.date() + timedelta(days=20), at=NOW, kind="announced")

    request_digest(user=owner, at=NOW)
    queue_digests(at=NOW + RIPE)

    assert mailed(owner) == []
    assert Notice.objects.get(occasion__startswith="asked").skip_sentence.startswith("Muted until")


def test_who_wants_no_mail_is_told_what_to_change_first(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    set_preference(by=owner, at=NOW, cadence=Cadence.NEVER)

    with pytest.raises(DigestRequestError, match="Your notification frequency is Off"):
        request_digest(user=owner, at=NOW)
    with pytest.raises(DigestRequestError, match="You have no email address"):
        request_digest(user=make_user(email=""), at=NOW)


def test_who_lost_sight_of_it_is_not_told(world: SmallWorld, owner: User) -> None:
    raise_alerts(at=NOW)
    owner.memberships.all().delete()

    assert request_digest(user=User.objects.get(pk=owner.pk), at=NOW) == 0
