"""One mail per recipient and window, to the right address, with exactly what is theirs."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.models import Alert, Delivery, Notice
from tests.alerts.simulation import RIPE
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_flag,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.threads import run_in_threads
from tests.worlds.small import make_small_world


@pytest.mark.django_db
def test_alerts_gather_for_a_minute_and_become_one_mail() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    raise_alerts(at=NOW + timedelta(seconds=30))

    assert queue_digests(at=NOW + timedelta(seconds=59)) == 0
    assert queue_digests(at=NOW + RIPE) == 1

    delivery = Delivery.objects.get()
    assert (delivery.team, delivery.user, delivery.address) == (
        world.team,
        None,
        "claims@example.org",
    )
    assert (delivery.state, delivery.due_at) == ("queued", NOW + RIPE)
    assert set(Notice.objects.values_list("delivery", flat=True)) == {delivery.pk}


@pytest.mark.django_db
def test_the_operator_sets_how_long_alerts_gather(settings: Any) -> None:
    settings.ALERT_GATHER_SECONDS = 600
    make_small_world().event()
    raise_alerts(at=NOW)

    assert queue_digests(at=NOW + timedelta(seconds=599)) == 0
    assert queue_digests(at=NOW + timedelta(seconds=600)) == 1


@pytest.mark.django_db
def test_queueing_again_writes_no_second_mail() -> None:
    make_small_world().event()
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)

    assert queue_digests(at=NOW + timedelta(days=1)) == 0

    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_what_happens_later_is_a_mail_of_its_own() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)
    world.event("moved_later", old="2027-01-15", new="2027-03-20")
    raise_alerts(at=NOW + timedelta(hours=1))

    assert queue_digests(at=NOW + timedelta(hours=1) + RIPE) == 0
    assert queue_digests(at=NOW + timedelta(hours=18, minutes=59)) == 0
    assert queue_digests(at=NOW + timedelta(hours=19)) == 1

    assert Delivery.objects.values("message_id").distinct().count() == 2


@pytest.mark.django_db
def test_each_team_gets_one_mail_that_names_no_application_of_another() -> None:
    world = make_small_world()
    other = make_team("Underwriting", email="underwriting@example.org")
    make_dependency(make_application("Policy wording comparer", team=other), world.offering)
    world.event()
    raise_alerts(at=NOW)

    assert queue_digests(at=NOW + RIPE) == 2

    ours = Delivery.objects.get(team=world.team)
    theirs = Delivery.objects.get(team=other)
    for body in (ours.body_text, ours.body_html, ours.subject):
        assert "Policy wording comparer" not in body
    for body in (theirs.body_text, theirs.body_html, theirs.subject):
        assert "Motor damage estimator" not in body
    assert "Motor damage estimator" in ours.body_text
    assert "Policy wording comparer" in theirs.body_text


@pytest.mark.django_db
def test_an_application_that_changed_hands_meanwhile_is_not_shown_to_its_former_team() -> None:
    world = make_small_world()
    stays = make_application("Fraud triage", team=world.team)
    make_dependency(stays, world.offering)
    world.event()
    raise_alerts(at=NOW)
    world.application.team = make_team()
    world.application.save()

    queue_digests(at=NOW + RIPE)

    delivery = Delivery.objects.get()
    assert "Fraud triage" in delivery.body_text
    assert (
        "Motor damage estimator" not in delivery.body_text + delivery.body_html + delivery.subject
    )


@pytest.mark.django_db
def test_a_mail_with_nothing_left_to_show_is_skipped_and_says_so() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    world.application.team = make_team()
    world.application.save()

    queue_digests(at=NOW + RIPE)

    delivery = Delivery.objects.get()
    assert delivery.state == "skipped"
    assert (
        "The recipient no longer owns any of the affected applications" in delivery.reason_sentence
    )


# --- where a team is told -------------------------------------------------------------------------


def addresses_of(team: Team) -> list[tuple[str, str]]:
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)
    told = Delivery.objects.filter(notices__alert__team=team)
    return sorted(told.values_list("address", "state").distinct())


@pytest.mark.django_db
def test_a_team_without_a_mailbox_is_told_through_its_owners_each_by_a_mail_of_their_own() -> None:
    world = make_small_world(email="")
    for name in ("maren", "henrik"):
        make_member(world.team, TeamRole.OWNER, make_user(name))
    make_member(world.team, TeamRole.OWNER, make_user("gone", is_active=False))
    make_member(world.team, TeamRole.OWNER, make_user("silent", email=""))
    make_member(world.team, TeamRole.EDITOR, make_user("editor"))
    world.event()

    assert addresses_of(world.team) == [
        ("henrik@example.org", "queued"),
        ("maren@example.org", "queued"),
    ]


@pytest.mark.django_db
def test_a_team_without_owners_is_told_through_the_owners_of_the_nearest_team_above() -> None:
    world = make_small_world(email="")
    top = make_team("Insurance", email="")
    middle = make_team("Property", parent=top, email="")
    world.team.parent = middle
    world.team.save()
    make_member(top, TeamRole.OWNER, make_user("top"))
    make_member(middle, TeamRole.OWNER, make_user("middle"))
    world.event()

    assert addresses_of(world.team) == [("middle@example.org", "queued")]


@pytest.mark.django_db
def test_a_team_that_nobody_can_be_told_for_is_in_the_ledger_with_the_reason() -> None:
    world = make_small_world(email="")
    world.event()

    assert addresses_of(world.team) == [("", "skipped")]

    delivery = Delivery.objects.get()
    assert delivery.reason_sentence.startswith("The team has no mailbox")
    assert Notice.objects.get().delivery == delivery


@pytest.mark.django_db
def test_where_a_team_has_nobody_governance_is_told_in_its_place() -> None:
    world = make_small_world(email="")
    make_user("amara", role="governance")
    world.event()

    assert addresses_of(world.team) == [("", "skipped"), ("amara@example.org", "queued")]


@pytest.mark.django_db
def test_a_mail_to_a_person_is_in_their_time_zone_and_a_mail_to_a_mailbox_in_utc() -> None:
    world = make_small_world()
    other = make_team("Underwriting", email="")
    make_member(other, TeamRole.OWNER, make_user("maren", time_zone="Europe/Zurich"))
    make_dependency(make_application(team=other), world.offering)
    world.event()

    addresses_of(other)

    of_team = Delivery.objects.get(team=world.team)
    of_user = Delivery.objects.get(user__username="maren")
    assert "24 November 2026, 12:01 (UTC)" in of_team.body_html
    assert "at 12:01." in of_team.body_text
    assert "24 November 2026, 13:01 (Europe/Zurich)" in of_user.body_html
    assert "at 13:01." in of_user.body_text


@pytest.mark.django_db
def test_an_unknown_time_zone_does_not_hold_up_the_mail() -> None:
    world = make_small_world(email="")
    make_member(world.team, TeamRole.OWNER, make_user("maren", time_zone="Mars/Olympus"))
    world.event()

    assert addresses_of(world.team) == [("maren@example.org", "queued")]


@pytest.mark.django_db
def test_governance_is_told_of_a_flag_by_a_mail_to_the_person() -> None:
    person = make_user("amara", role="governance")
    application = make_application("Motor damage estimator", criticality=0)
    make_flag("Google", application_ids=[application.pk])
    raise_alerts(at=NOW)

    queue_digests(at=NOW + RIPE)

    delivery = Delivery.objects.get()
    assert (delivery.team, delivery.user, delivery.address) == (None, person, "amara@example.org")
    assert (
        delivery.subject
        == "62% of critical applications depend on Google as developer (tolerance 50%)"
    )
    assert "Motor damage estimator (critical)" in delivery.body_text


@pytest.mark.django_db
def test_somebody_in_governance_without_an_address_is_in_the_ledger_with_the_reason() -> None:
    make_user(role="governance", email="")
    make_flag()
    raise_alerts(at=NOW)

    queue_digests(at=NOW + RIPE)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason_sentence) == (
        "skipped",
        "The user has no email address.",
    )


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_write_one_mail_per_team() -> None:
    world = make_small_world()
    for n in range(8):
        team = make_team(f"Team number {n}")
        make_dependency(make_application(team=team), world.offering)
    world.event()
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    raise_alerts(at=NOW)

    run_in_threads(3, lambda: queue_digests(at=NOW + RIPE))
    queue_digests(at=NOW + RIPE)

    assert Delivery.objects.count() == 9
    assert Delivery.objects.values("team").distinct().count() == 9
    assert not Notice.objects.owed().exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("damaged", "damage"), [("application_ids", {"not": ["a", "list"]}), ("details", 7)]
)
def test_trouble_with_one_recipient_is_reported_and_the_others_are_told_all_the_same(
    damaged: str, damage: Any
) -> None:
    world = make_small_world()
    world.event()
    broken = make_team("Broken", email="broken@example.org")
    offering = make_offering()
    make_dependency(make_application(team=broken), offering)
    make_event(offering, "repriced", old={"input": "1"}, new={"input": "2"})
    raise_alerts(at=NOW - timedelta(minutes=5))
    # something no code foresaw, in what is loaded for all or in what is written for one
    Alert.objects.filter(team=broken).update(**{damaged: damage})

    with pytest.raises(ExceptionGroup):
        queue_digests(at=NOW)

    assert Delivery.objects.get().team == world.team
    assert Notice.objects.owed().get().team == broken
