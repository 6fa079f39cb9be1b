"""A mail also when nothing changed, for whoever wants to know that the register is alive."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.models import Delivery
from apps.alerts.preferences import set_preference
from apps.feeds.models import PollState
from tests.builders import NOW, make_member, make_source, make_team, make_user
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_it_comes_once_a_window_and_says_how_fresh_the_feeds_are() -> None:
    person = make_user("noor")
    fresh, _ = make_source("litellm"), make_source("openrouter")
    PollState.objects.create(source=fresh, last_success_at=NOW + 4 * DAY)
    set_preference(by=person, at=NOW, heartbeat=True)

    written = [
        queue_digests(at=NOW + n * timedelta(hours=4), gather=timedelta(0)) for n in range(12)
    ]

    assert sum(written) == 2, "one for each of the two mornings"
    mail = Delivery.objects.latest("pk")
    assert (mail.kind, mail.subject) == (
        "heartbeat",
        "No changes since 25 November 2026, 1 of 2 feeds up to date",
    )
    assert (
        "No changes since 25 November 2026. 1 of 2 feeds up to date.\nNot updating: openrouter.\n"
    ) in mail.body_text


def test_the_mailbox_of_a_team_gets_one_too() -> None:
    team = make_team(email="team@example.org")
    owner = make_member(team, TeamRole.OWNER)
    set_preference(by=owner, team=team, at=NOW, heartbeat=True)

    queue_digests(at=NOW + DAY, gather=timedelta(0))

    assert Delivery.objects.get().address == "team@example.org"


def test_with_news_the_digest_is_the_sign() -> None:
    world = make_small_world(email="")
    owner = make_member(world.team, TeamRole.OWNER, make_user("lena"))
    set_preference(by=owner, at=NOW, heartbeat=True)
    world.event()
    raise_alerts(at=NOW)

    queue_digests(at=NOW + DAY, gather=timedelta(0))

    assert Delivery.objects.get().kind == "digest"


def test_somebody_without_an_address_gets_none_and_holds_nobody_up() -> None:
    silent, other = make_user("silent", email=""), make_user("other")
    for person in (silent, other):
        set_preference(by=person, at=NOW, heartbeat=True)

    for n in (1, 2, 3):
        queue_digests(at=NOW + n * DAY, gather=timedelta(0))

    assert set(Delivery.objects.values_list("address", flat=True)) == {"other@example.org"}
    assert Delivery.objects.count() == 3
