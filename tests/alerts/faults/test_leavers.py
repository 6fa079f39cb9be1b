"""Somebody leaves, moves or loses their address between raising and sending: somebody is told all
the same, and nobody who should not be."""

from datetime import timedelta

import pytest

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.models import Alert, Delivery, Notice
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.alerts.faults.life import MINUTE, Life, news
from tests.alerts.faults.sums import assert_sums
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_flag,
    make_member,
    make_offering,
    make_team,
    make_user,
)

pytestmark = pytest.mark.proof

RAISED = NOW + MINUTE
MORNING = NOW + timedelta(hours=19)


@pytest.fixture
def offering() -> Offering:
    return make_offering("gemini-2.5-pro")


def an_application(offering: Offering, team: Team, **fields: object) -> Application:
    application = make_application("Motor damage estimator", team=team, **fields)
    make_dependency(application, offering)
    return application


def raise_it(life: Life, offering: Offering) -> None:
    news(offering, NOW)
    life.beat(RAISED)
    assert Notice.objects.owed().exists()
    assert life.mails == []


def send_it(life: Life) -> list[str]:
    """To whom it goes in the end; what is passed on gathers once more."""
    life.beat(MORNING)
    for minutes in (1, 2, 3):
        life.beat(MORNING + minutes * MINUTE)
    life.beat_seldom()
    life.live(MORNING + timedelta(days=2), step=timedelta(hours=4))
    assert_sums(life.peer)
    return sorted(address for _, address in life.mails)


def leave(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False, state="closed")


def reasons() -> dict[str, str]:
    skipped = Delivery.objects.filter(state="skipped")
    return {delivery.address: delivery.reason_sentence for delivery in skipped}


def nobody_was_told() -> bool:
    return not Notice.objects.filter(delivery__state="sent").exists()


def test_of_two_owners_one_leaves_and_the_other_is_told(life: Life, offering: Offering) -> None:
    team = make_team("Claims", email="")
    stays, leaver = (
        make_member(team, TeamRole.OWNER, make_user(name)) for name in ("stays", "leaver")
    )
    an_application(offering, team)
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [stays.email]
    assert reasons() == {leaver.email: "The user is no longer active."}


def test_the_only_owner_leaves_and_the_owners_of_the_team_above_are_told(
    life: Life, offering: Offering
) -> None:
    above = make_team("Insurance", email="")
    chief = make_member(above, TeamRole.OWNER, make_user("chief"))
    team = make_team("Claims", email="", parent=above)
    leaver = make_member(team, TeamRole.OWNER, make_user("leaver"))
    make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [chief.email]


def test_the_only_owner_leaves_a_team_that_cannot_be_told_and_governance_is(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    leaver = make_member(team, TeamRole.OWNER, make_user("leaver"))
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [governor.email]
    assert "Motor damage estimator" in str(life.messages[0])


def test_whom_the_application_falls_to_leaves_and_the_teams_mailbox_is_told_once(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims")
    leaver = make_member(team, TeamRole.EDITOR, make_user("leaver"))
    an_application(offering, team, business_owner="leaver")
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [team.email]
    assert reasons() == {leaver.email: "The user is no longer active."}


def test_whom_the_application_falls_to_leaves_and_a_team_without_mailbox_is_told_through_its_owner(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    owner = make_member(team, TeamRole.OWNER, make_user("owner"))
    leaver = make_member(team, TeamRole.EDITOR, make_user("leaver"))
    an_application(offering, team, business_owner="leaver")
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [owner.email]


def test_whom_the_application_falls_to_leaves_a_team_that_cannot_be_told_and_governance_is(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    leaver = make_member(team, TeamRole.EDITOR, make_user("leaver"))
    governor = make_user("amara", role="governance")
    an_application(offering, team, business_owner="leaver")
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == [governor.email]


def test_a_person_without_address_in_a_team_that_cannot_be_told_is_no_dead_end(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    silent = make_member(team, TeamRole.EDITOR, make_user("silent", email=""))
    governor = make_user("amara", role="governance")
    an_application(offering, team, business_owner="silent")
    raise_it(life, offering)

    assert send_it(life) == [governor.email]
    assert Delivery.objects.get(user=silent).reason_sentence == "The user has no email address."


def test_an_owner_who_loses_their_address_in_between_is_no_dead_end(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    owner = make_member(team, TeamRole.OWNER, make_user("owner"))
    governor = make_user("amara", role="governance")
    an_application(offering, team, business_owner="owner")
    raise_it(life, offering)

    User.objects.filter(pk=owner.pk).update(email="")

    assert send_it(life) == [governor.email]


def test_an_application_that_moves_is_told_to_its_new_team_and_not_to_the_former(
    life: Life, offering: Offering
) -> None:
    former, new = make_team("Claims"), make_team("Underwriting")
    application = an_application(offering, former)
    raise_it(life, offering)

    Application.objects.filter(pk=application.pk).update(team=new)

    assert send_it(life) == [new.email]
    assert list(reasons()) == [former.email]


def test_one_of_two_applications_moves_and_each_team_is_told_of_its_own(
    life: Life, offering: Offering
) -> None:
    former, new = make_team("Claims"), make_team("Underwriting")
    moves = an_application(offering, former)
    make_dependency(make_application("Fraud triage", team=former), offering)
    raise_it(life, offering)

    Application.objects.filter(pk=moves.pk).update(team=new)

    assert send_it(life) == [former.email, new.email]
    told = {str(message["To"]): str(message) for message in life.messages}
    assert "Motor damage estimator" not in told[former.email]
    assert "Fraud triage" not in told[new.email]


@pytest.mark.parametrize("has_owner", [True, False])
def test_a_mailbox_that_is_deleted_is_replaced_by_the_owners_or_by_governance(
    life: Life, offering: Offering, has_owner: bool
) -> None:
    team = make_team("Claims")
    owner = make_member(team, TeamRole.OWNER if has_owner else TeamRole.EDITOR, make_user("owner"))
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)

    Team.objects.filter(pk=team.pk).update(email="")

    assert send_it(life) == [owner.email if has_owner else governor.email]


def test_a_membership_that_ends_takes_the_mail_with_it(life: Life, offering: Offering) -> None:
    """Who may no longer see a team's applications is not told of them, though still here."""
    team = make_team("Claims", email="")
    former = make_member(team, TeamRole.OWNER, make_user("former"))
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)

    Membership.objects.filter(user=former).delete()

    assert send_it(life) == [governor.email]
    assert reasons()[former.email].startswith(
        "The recipient no longer owns any of the affected applications"
    )


def test_where_nobody_is_left_the_ledger_says_so_and_whoever_comes_reads_it_on_the_page(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    leaver = make_member(team, TeamRole.OWNER, make_user("leaver"))
    an_application(offering, team)
    raise_it(life, offering)

    leave(leaver)

    assert send_it(life) == []
    assert nobody_was_told()
    assert all(reasons().values())
    assert reasons().keys() == {"", leaver.email}
    assert Alert.objects.live().exists()


def test_of_two_who_govern_one_leaves_and_the_other_is_told_of_the_flag_once(life: Life) -> None:
    stays, leaver = make_user("amara", role="governance"), make_user("leaver", role="governance")
    application = make_application(
        "Motor damage estimator", team=make_team("Claims"), criticality=0
    )
    make_flag("Google", application_ids=[application.pk])
    life.beat(RAISED)

    leave(leaver)

    assert send_it(life) == [stays.email]
    assert not Alert.objects.filter(flag__isnull=False, team__isnull=False).exists()


def test_the_only_one_who_governs_leaves_and_the_successor_is_told_of_the_flag_and_no_team_is(
    life: Life,
) -> None:
    leaver = make_user("leaver", role="governance")
    team = make_team("Claims")
    application = make_application("Motor damage estimator", team=team, criticality=0)
    make_flag("Google", application_ids=[application.pk])
    life.beat(RAISED)

    leave(leaver)
    successor = make_user("successor", role="governance")

    assert send_it(life) == [successor.email]
    assert not Alert.objects.filter(flag__isnull=False, team__isnull=False).exists()


# --- written already, and not sent yet ------------------------------------------------------------


def test_who_leaves_while_the_mail_waits_to_be_tried_again_gets_it_no_more_and_governance_does(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    leaver = make_member(team, TeamRole.OWNER, make_user("leaver"))
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)
    life.peer.answers.append("450 4.2.1 Mailbox busy")
    life.beat(MORNING)
    assert Delivery.objects.get().state == "queued"

    leave(leaver)

    assert send_it(life) == [governor.email]
    assert reasons()[leaver.email] == "The user is no longer active."


def test_where_the_only_mailbox_is_closed_governance_is_told_instead(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims")
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)
    life.peer.rcpt_answers.append("550 5.1.1 No such mailbox")

    assert send_it(life) == [governor.email]
    failed = Delivery.objects.get(state="failed")
    assert (failed.address, failed.reason) == (team.email, "550 5.1.1 No such mailbox")


def test_where_one_of_two_mailboxes_is_closed_nobody_else_is_bothered(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims", email="")
    for name in ("first", "second"):
        make_member(team, TeamRole.OWNER, make_user(name))
    make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)
    life.peer.rcpt_answers.append("550 5.1.1 No such mailbox")

    assert len(send_it(life)) == 1
    assert {address.partition("@")[0] for _, address in life.mails} <= {"first", "second"}


def test_a_server_that_refuses_everything_is_no_reason_to_write_to_everybody(
    life: Life, offering: Offering
) -> None:
    team = make_team("Claims")
    governor = make_user("amara", role="governance")
    an_application(offering, team)
    raise_it(life, offering)
    life.peer.answers.extend(["554 5.7.1 Not this content"] * 20)

    assert send_it(life) == []
    assert sorted(Delivery.objects.values_list("address", "state")) == [
        (governor.email, "failed"),
        (team.email, "failed"),
    ]
