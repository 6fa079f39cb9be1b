"""Who reads alerts and the ledger, and who may say that somebody is on it."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    AlertPermissionError,
    acknowledge_alert,
    queue_digests,
    raise_alerts,
    requeue_delivery,
)
from apps.alerts.models import Alert, Delivery
from apps.alerts.queries import visible_alerts, visible_deliveries
from tests.builders import NOW, make_flag, make_member, make_team, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    made = make_small_world()
    made.event()
    make_user("governor", role="governance")
    make_flag()
    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    return made


def reads(user: object) -> tuple[set[str], set[str]]:
    """The kinds of alerts and the addresses of deliveries that `user` sees."""
    return (
        set(visible_alerts(user).values_list("kind", flat=True)),
        set(visible_deliveries(user).values_list("address", flat=True)),
    )


def test_members_of_the_team_and_of_teams_above_read_what_it_was_told(world: SmallWorld) -> None:
    above = make_team()
    world.team.parent = above
    world.team.save()

    for user in (make_member(world.team, TeamRole.VIEWER), make_member(above, TeamRole.VIEWER)):
        assert reads(user) == ({"announced"}, {"claims@example.org"})


def test_strangers_read_nothing(world: SmallWorld) -> None:
    for user in (
        make_user(),
        make_member(make_team()),
        make_user(is_active=False),
        AnonymousUser(),
    ):
        assert reads(user) == (set(), set())


@pytest.mark.parametrize("role", ["governance", "auditor", "admin"])
def test_the_offices_of_the_organisation_read_everything(world: SmallWorld, role: str) -> None:
    assert reads(make_user(role=role)) == (
        {"announced", "opened"},
        {"claims@example.org", "governor@example.org"},
    )


def test_a_row_of_the_lists_costs_no_further_statement(
    world: SmallWorld, django_assert_num_queries: object
) -> None:
    user = make_user(role="auditor")
    for alert in Alert.objects.all():
        Alert.objects.filter(pk=alert.pk).update(key=f"{alert.key} earlier")
        alert.pk = None
        alert.save()

    # both lists, and three relations that only some alerts have, each for all rows at its first use
    with django_assert_num_queries(5):  # type: ignore[operator]
        for alert in visible_alerts(user):
            assert alert.team or alert.user
            assert (alert.event and alert.event.offering.host and alert.event.source) or alert.flag
        for delivery in visible_deliveries(user):
            assert delivery.team or delivery.user


@pytest.mark.parametrize("role", [TeamRole.EDITOR, TeamRole.OWNER])
def test_who_works_on_the_team_acknowledges_its_alerts(world: SmallWorld, role: TeamRole) -> None:
    user = make_member(world.team, role)

    alert = acknowledge_alert(alert=Alert.objects.get(team=world.team), by=user, at=NOW)

    assert (alert.state, alert.acknowledged_by) == ("acknowledged", user)


def test_governance_acknowledges_for_everybody(world: SmallWorld) -> None:
    governor = User.objects.get(username="governor")

    for alert in Alert.objects.all():
        assert acknowledge_alert(alert=alert, by=governor, at=NOW).state == "acknowledged"


def test_who_only_reads_does_not_acknowledge(world: SmallWorld) -> None:
    alert = Alert.objects.get(team=world.team)

    for user in (make_member(world.team, TeamRole.VIEWER), make_user(role="auditor"), make_user()):
        with pytest.raises(AlertPermissionError, match="You need the editor role on"):
            acknowledge_alert(alert=alert, by=user, at=NOW)
    alert.refresh_from_db()
    assert alert.state == "open"


def test_acknowledging_twice_keeps_the_first_name(world: SmallWorld) -> None:
    first, second = make_member(world.team), make_member(world.team)
    alert = Alert.objects.get(team=world.team)
    acknowledge_alert(alert=alert, by=first, at=NOW)

    assert acknowledge_alert(alert=alert, by=second, at=NOW).acknowledged_by == first


def test_an_acknowledgement_is_in_the_history_with_its_actor(world: SmallWorld) -> None:
    user = make_member(world.team)
    alert = acknowledge_alert(alert=Alert.objects.get(team=world.team), by=user, at=NOW)

    history = apps.get_model("alerts", "AlertHistory").objects.filter(id=alert.pk)
    last = history.select_related("pgh_context").latest("pgh_id")
    assert (last.state, last.pgh_context.metadata["user"]) == ("acknowledged", user.pk)
    assert last.pgh_context.metadata["reason"] == "alert acknowledged"


def test_only_governance_and_administrators_send_a_failed_mail_again(world: SmallWorld) -> None:
    Delivery.objects.update(state="failed")
    delivery = Delivery.objects.get(team=world.team)

    with pytest.raises(AlertPermissionError):
        requeue_delivery(delivery=delivery, at=NOW, by=make_member(world.team, TeamRole.OWNER))

    delivery.refresh_from_db()
    assert delivery.state == "failed"
