"""What people say to an alert, who may, what it changes, and what a mute keeps back until when."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership, User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import (
    AlertPermissionError,
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    can_respond,
    create_mute,
    end_mute,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.lifecycle.mutes import longest_mute
from apps.alerts.models import Alert, Mute, Notice
from apps.alerts.subscriptions import alert_facts
from apps.catalog.models import Offering
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_days,
    told,
)
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_flag,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    """Claims has an editor, Henrik, and a mailbox. The end of its model is announced and not mailed
    yet."""
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    make_member(made.team, TeamRole.EDITOR, make_user("henrik"))
    made.event()
    look(NOW)
    return made


@pytest.fixture
def henrik(world: SmallWorld) -> User:
    return User.objects.get(username="henrik")


def alert() -> Alert:
    return Alert.objects.get()


# --- who may --------------------------------------------------------------------------------------


def test_who_may_answer_is_whoever_works_on_it_and_may_still_see_it(world: SmallWorld) -> None:
    above = make_team()
    world.team.parent = above
    world.team.save()
    viewer = make_member(world.team, TeamRole.VIEWER)
    assignee = make_member(world.team, TeamRole.VIEWER)
    gone = make_member(world.team, TeamRole.OWNER)
    Alert.objects.update(assigned_to=assignee)
    may = {
        make_member(world.team, TeamRole.EDITOR): True,
        make_member(above, TeamRole.EDITOR): True,
        make_user(role="governance"): True,
        make_user(role="admin"): True,
        assignee: True,
        viewer: False,
        make_user(role="auditor"): False,
        make_member(make_team(), TeamRole.OWNER): False,
        gone: True,
    }
    for user, expected in may.items():
        assert can_respond(user, alert()) is expected

    Membership.objects.filter(user__in=[assignee, gone]).delete()
    for user in (assignee, gone):
        assert not can_respond(User.objects.get(pk=user.pk), alert())
    User.objects.filter(pk=gone.pk).update(
        is_active=False, state="closed", organisation_role="governance"
    )
    assert not can_respond(User.objects.get(pk=gone.pk), alert())


def test_what_is_owed_to_one_person_is_answered_by_them_and_by_who_governs() -> None:
    amara, bo = make_user("amara", role="governance"), make_user("bo")
    make_flag()
    look(NOW)
    Alert.objects.update(user=bo)

    assert can_respond(bo, alert())
    assert can_respond(amara, alert())
    assert not can_respond(make_user(role="auditor"), alert())


# --- what it changes ------------------------------------------------------------------------------


def test_the_first_to_acknowledge_stays_the_one(world: SmallWorld, henrik: User) -> None:
    second = make_member(world.team, TeamRole.EDITOR)
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)
    acknowledge_alert(alert=alert(), by=second, at=NOW + timedelta(hours=1))

    assert (alert().state, alert().acknowledged_by, alert().acknowledged_at) == (
        "acknowledged",
        henrik,
        NOW,
    )


def test_an_acknowledged_alert_is_mailed_all_the_same_once(world: SmallWorld, henrik: User) -> None:
    acknowledge_alert(alert=alert(), by=henrik, at=NOW)

    pass_days(0, 3)

    assert addresses() == {"claims@example.org": 1}


def test_what_is_resolved_before_a_message_was_due_is_not_mailed_unless_it_is_opened_again(
    world: SmallWorld, henrik: User
) -> None:
    resolve_alert(alert=alert(), reason=" moved\n yesterday ", by=henrik, at=NOW)
    assert alert().resolution_sentence == "moved yesterday"
    pass_days(0, 1)
    assert addresses() == {}
    reopen_alert(alert=alert(), by=henrik, at=morning(1, 9))

    pass_days(2, 3)

    assert addresses() == {"claims@example.org": 1}
    assert (alert().state, alert().resolved_at, alert().resolution_sentence) == ("open", None, "")


@pytest.mark.parametrize("why", ["", "  ", "\n\t"])
def test_to_resolve_says_how(world: SmallWorld, henrik: User, why: str) -> None:
    with pytest.raises(InvalidResponseError, match="Enter how the alert was resolved"):
        resolve_alert(alert=alert(), reason=why, by=henrik, at=NOW)


@pytest.mark.parametrize(
    "act",
    [
        lambda by: snooze_alert(alert=alert(), until=day_in(3), by=by, at=NOW),
        lambda by: assign_alert(alert=alert(), to=by, by=by, at=NOW),
    ],
)
def test_what_is_settled_is_opened_before_it_is_answered_anew(
    world: SmallWorld, henrik: User, act: Callable[[User], Any]
) -> None:
    resolve_alert(alert=alert(), reason="moved", by=henrik, at=NOW)

    with pytest.raises(InvalidResponseError, match="This alert is resolved"):
        act(henrik)

    reopen_alert(alert=alert(), by=henrik, at=NOW)
    act(henrik)


@pytest.mark.proof
def test_a_snooze_may_be_given_again_and_ends_on_the_last_day_given(
    world: SmallWorld, henrik: User
) -> None:
    snooze_alert(alert=alert(), until=day_in(3), by=henrik, at=NOW)
    snooze_alert(alert=alert(), until=day_in(6), by=henrik, at=morning(1))
    pass_days(1, 5)
    assert alert().state == "snoozed"

    pass_days(6, 8)

    assert alert().state == "open"
    assert addresses("woken") == {"henrik@example.org": 1}
    snooze_alert(alert=alert(), until=day_in(10), by=henrik, at=morning(9))
    pass_days(9, 11)
    assert addresses("woken") == {"henrik@example.org": 2}


def test_to_answer_a_snoozed_alert_ends_the_snooze(world: SmallWorld, henrik: User) -> None:
    snooze_alert(alert=alert(), until=day_in(3), by=henrik, at=NOW)
    acknowledge_alert(alert=alert(), by=henrik, at=morning(1))

    pass_days(2, 5)

    assert (alert().state, alert().snoozed_until) == ("acknowledged", None)
    assert addresses("woken") == {}


@pytest.mark.proof
def test_who_is_given_an_alert_is_told_once_and_not_when_they_took_it_themselves(
    world: SmallWorld, henrik: User
) -> None:
    ines = make_member(world.team, TeamRole.VIEWER, make_user("ines"))
    assign_alert(alert=alert(), to=henrik, by=henrik, at=NOW)
    assign_alert(alert=alert(), to=ines, by=henrik, at=NOW)
    assign_alert(alert=alert(), to=ines, by=henrik, at=NOW + timedelta(minutes=5))

    pass_days(0, 2)

    assert addresses("assigned") == {"ines@example.org": 1}
    assert "Assigned to you." in last_text("ines@example.org")


def test_strangers_and_leavers_are_given_nothing(world: SmallWorld, henrik: User) -> None:
    gone = make_member(world.team, TeamRole.EDITOR)
    User.objects.filter(pk=gone.pk).update(is_active=False, state="closed")

    for person in (make_member(make_team()), User.objects.get(pk=gone.pk)):
        with pytest.raises(InvalidResponseError, match="cannot view this alert"):
            assign_alert(alert=alert(), to=person, by=henrik, at=NOW)


def test_whoever_holds_an_old_copy_of_it_changes_what_is_stored(
    world: SmallWorld, henrik: User
) -> None:
    old = alert()
    snooze_alert(alert=alert(), until=day_in(3), by=henrik, at=NOW)

    acknowledge_alert(alert=old, by=henrik, at=NOW)

    assert (old.state, old.snoozed_until) == ("acknowledged", None)
    assert alert().state == "acknowledged"


# --- mutes ----------------------------------------------------------------------------------------


def test_each_scope_of_a_mute_keeps_back_what_it_names_and_nothing_else(world: SmallWorld) -> None:
    assert world.offering.version is not None
    second = SmallWorld(world.team, make_offering("gpt-5"), make_application(team=world.team))
    make_dependency(second.application, second.offering)
    Notice.objects.all().delete()
    Alert.objects.all().delete()
    for made in (world, second):
        made.event("moved_earlier", old="2027-02-15", new="2027-01-15")
        made.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    whats = alert_facts(Alert.objects.all())
    first = Alert.objects.get(kind="moved_earlier", offering=world.offering)

    def kept_by(**what: Any) -> int:
        return sum(
            longest_mute([Mute(until=day_in(5), **what)], each) is not None
            for each in whats.values()
        )

    assert kept_by(kind="repriced") == 2
    assert kept_by(offering=world.offering) == 2
    assert kept_by(provider=world.offering.host) == 2
    assert kept_by(provider=world.offering.version.foundation.developer) == 2
    assert kept_by(application=world.application) == 2
    assert kept_by(subject=first.subject) == 1
    assert kept_by(kind="repriced", offering=second.offering) == 1
    assert kept_by(kind="retired") == 0


def test_a_mute_of_the_team_s_mailbox_keeps_nothing_back_from_its_people(
    world: SmallWorld, henrik: User
) -> None:
    ines = make_member(world.team, TeamRole.EDITOR, make_user("ines"))
    assign_alert(alert=alert(), to=ines, by=henrik, at=NOW)
    create_mute(
        by=henrik, team=world.team, until=day_in(9), at=NOW, kind="announced", reason="known"
    )

    mail_out(NOW)

    assert addresses("") == {"ines@example.org": 1}
    assert Notice.objects.get(team=world.team).skip_sentence == f"Muted until {day_in(9)}."


@pytest.mark.proof
def test_what_was_kept_back_and_still_waits_is_told_once_when_the_mute_ends(
    world: SmallWorld, henrik: User
) -> None:
    create_mute(by=henrik, team=world.team, until=day_in(4), at=NOW, offering=world.offering)
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    look(NOW)
    mail_out(NOW)
    pass_days(1, 3)
    assert addresses() == {}
    acknowledge_alert(alert=Alert.objects.get(kind="repriced"), by=henrik, at=morning(3, 9))

    pass_days(4, 7)

    assert addresses("unmuted") == {"claims@example.org": 1}
    text = last_text()
    assert "The mute ended. The alert still needs a response." in text
    assert "PRICE INCREASES" not in text


@pytest.mark.proof
def test_two_mutes_keep_it_back_until_the_later_one_ends(world: SmallWorld, henrik: User) -> None:
    create_mute(by=henrik, team=world.team, until=day_in(3), at=NOW, kind="announced")
    create_mute(by=henrik, team=world.team, until=day_in(6), at=NOW, offering=world.offering)

    mail_out(NOW)
    pass_days(1, 5)
    assert addresses("") == {}
    pass_days(6, 8)

    assert addresses("unmuted") == {"claims@example.org": 1}


@pytest.mark.proof
def test_a_snoozed_alert_that_a_mute_kept_back_is_told_when_it_waits_again(
    world: SmallWorld, henrik: User
) -> None:
    create_mute(by=henrik, team=world.team, until=day_in(2), at=NOW, kind="announced")
    snooze_alert(alert=alert(), until=day_in(5), by=henrik, at=NOW)

    mail_out(NOW)
    pass_days(1, 4)
    assert addresses("") == {}
    pass_days(5, 6)

    assert addresses("unmuted") == {"claims@example.org": 1}


@pytest.mark.proof
def test_a_mute_that_ends_tells_nothing_of_what_has_passed(world: SmallWorld, henrik: User) -> None:
    create_mute(by=henrik, team=world.team, until=day_in(3), at=NOW, kind="announced")
    mail_out(NOW)
    world.application.dependencies.update(until=day_in(1))

    pass_days(1, 5)

    assert addresses("") == {}


def test_a_mute_is_lifted_by_who_has_it_or_governs(world: SmallWorld, henrik: User) -> None:
    own = create_mute(by=henrik, until=day_in(3), at=NOW, kind="announced")
    of_team = create_mute(by=henrik, team=world.team, until=day_in(3), at=NOW, kind="announced")
    other = make_member(world.team, TeamRole.EDITOR)

    with pytest.raises(AlertPermissionError):
        end_mute(mute=own, by=other, at=NOW)
    assert end_mute(mute=of_team, by=other, at=NOW)
    assert end_mute(mute=own, by=make_user(role="governance"), at=NOW)
    with pytest.raises(AlertPermissionError):
        end_mute(mute=of_team, by=make_member(world.team, TeamRole.VIEWER), at=NOW)


@pytest.mark.proof
def test_a_mute_of_one_matter_does_not_keep_the_next_day_of_it_back(
    world: SmallWorld, henrik: User
) -> None:
    Offering.objects.update(retires_on=day_in(30), date_kind="firm")
    look(NOW)
    create_mute(
        by=henrik,
        team=world.team,
        until=day_in(90),
        at=NOW,
        subject=Alert.objects.get(kind="milestone").subject,
    )
    mail_out(NOW)
    assert [kind for _, kind, _ in told()] == ["announced"]
    Offering.objects.update(retires_on=day_in(50))

    pass_day(1)

    assert [kind for _, kind, _ in told()] == ["announced", "milestone"]


def test_a_year_is_the_longest_mute_and_today_is_none(world: SmallWorld, henrik: User) -> None:
    assert create_mute(
        by=henrik, until=TODAY + timedelta(days=366), at=NOW, kind="announced"
    ).holds_on(TODAY)
    for days in (367, 0, -1):
        with pytest.raises(InvalidResponseError):
            create_mute(by=henrik, until=TODAY + timedelta(days=days), at=NOW, kind="announced")
