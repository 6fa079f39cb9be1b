"""To whom things fall, in hard cases: names, trees of teams, offices nobody holds, people and
things that move."""

import pgtrigger
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.models import Alert, Delivery, Notice
from apps.alerts.preferences import set_preference, stop_mail
from apps.alerts.recipients import application_owners, organisation_roles, team_audiences
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_days,
    texts,
)
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_flag,
    make_member,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    made = make_small_world()
    made.event()
    return made


def owner_of(application: Application) -> int | None:
    return application_owners([application.pk])[application.pk].first


# --- names ----------------------------------------------------------------------------------------


def test_of_two_people_of_one_name_the_only_one_who_may_see_the_application_is_meant() -> None:
    ours, theirs = make_team(), make_team()
    anna = make_member(
        ours, TeamRole.VIEWER, make_user("anna1", first_name="Anna", last_name="Meier")
    )
    other = make_member(
        theirs, TeamRole.VIEWER, make_user("anna2", first_name="Anna", last_name="Meier")
    )

    assert owner_of(make_application(team=ours, business_owner="Anna Meier")) == anna.pk
    assert owner_of(make_application(team=theirs, business_owner="anna meier")) == other.pk
    assert owner_of(make_application(team=make_team(), business_owner="Anna Meier")) is None


def test_a_namesake_who_is_not_active_any_more_stands_in_nobody_s_way() -> None:
    team = make_team()
    make_member(
        team,
        TeamRole.OWNER,
        make_user("old", first_name="Anna", last_name="Meier", is_active=False),
    )
    anna = make_member(
        team, TeamRole.VIEWER, make_user("new", first_name="Anna", last_name="Meier")
    )

    assert owner_of(make_application(team=team, business_owner="Anna Meier")) == anna.pk


def test_one_person_named_twice_is_told_once(world: SmallWorld) -> None:
    make_member(
        world.team, TeamRole.VIEWER, make_user("lena", first_name="Lena", last_name="Marchetti")
    )
    Application.objects.update(business_owner="lena", technical_owner="Lena Marchetti")

    pass_day(0)

    assert addresses() == {"claims@example.org": 1, "lena@example.org": 1}
    assert Notice.objects.count() == 2


@pytest.mark.parametrize(
    "said", ["Team Blue", "Lena Marchetti <lena@example.org>", "%", "'; DROP", "lena,henrik", " "]
)
def test_a_word_that_names_nobody_leaves_it_with_the_team(world: SmallWorld, said: str) -> None:
    make_member(
        world.team, TeamRole.VIEWER, make_user("lena", first_name="Lena", last_name="Marchetti")
    )
    Application.objects.update(business_owner=said)

    pass_day(0)

    assert addresses() == {"claims@example.org": 1}


def test_owners_of_a_thousand_applications_cost_one_statement() -> None:
    team = make_team()
    make_member(team, TeamRole.VIEWER, make_user("lena"))
    ids = [make_application(team=team, business_owner="lena").pk for _ in range(5)]

    with CaptureQueriesContext(connection) as captured:
        found = application_owners(ids * 200)

    assert len(captured) == 1
    assert len({owners.first for owners in found.values()}) == 1


# --- teams ----------------------------------------------------------------------------------------


def test_in_a_deep_tree_the_owners_of_the_nearest_team_above_are_told() -> None:
    top = make_team(email="top@example.org")
    make_member(top, TeamRole.OWNER, make_user("top-owner"))
    team = top
    for n in range(40):
        team = make_team(f"Level {n}", parent=team, email="")
    make_member(team, TeamRole.EDITOR, make_user("editor"))

    audience = team_audiences([team.pk])[team.pk]

    assert (audience.has_mailbox, audience.owner_ids) == (
        False,
        (User.objects.get(username="top-owner").pk,),
    )


def test_a_circle_of_teams_with_an_owner_in_it_finds_the_owner() -> None:
    one, two = make_team(email=""), make_team(email="")
    # as it could be written before the database refused it
    with pgtrigger.ignore("accounts.Team:team_no_circle"):
        Team.objects.filter(pk=one.pk).update(parent=two)
        Team.objects.filter(pk=two.pk).update(parent=one)
    owner = make_member(two, TeamRole.OWNER)

    assert team_audiences([one.pk])[one.pk].owner_ids == (owner.pk,)
    assert owner_of(make_application(team=one, business_owner=owner.username)) == owner.pk


def test_a_team_that_nobody_can_be_told_for_is_told_when_somebody_governs() -> None:
    made = make_small_world(email="")
    made.event()
    pass_day(0)
    assert addresses() == {}
    assert Delivery.objects.get().reason_sentence.startswith("The team has no mailbox")

    make_user("amara", role="governance")
    Offering.objects.filter(pk=made.offering.pk).update(retires_on=day_in(30))
    pass_day(1)

    assert addresses() == {"amara@example.org": 1}


def test_offices_stand_in_for_each_other() -> None:
    admin = make_user(role="admin")
    make_user(role="auditor")
    assert organisation_roles().governance_users == organisation_roles().operators == [admin]
    governor = make_user(role="governance")
    make_user(role="governance", is_active=False)

    assert (organisation_roles().governance_users, organisation_roles().operators) == (
        [governor],
        [admin],
    )
    assert organisation_roles().deciders == [admin, governor]


def test_a_superuser_without_another_role_is_an_administrator() -> None:
    root = make_user("root", is_superuser=True)

    assert organisation_roles().governance_users == organisation_roles().operators == [root]


def test_a_flag_of_nobody_s_waits_and_is_told_to_the_first_who_governs() -> None:
    make_flag()
    pass_days(0, 2)
    assert addresses() == {}
    make_user("amara", role="governance")

    pass_days(3, 4)

    assert addresses() == {"amara@example.org": 1}


# --- people who fall away -------------------------------------------------------------------------


def test_an_owner_without_an_address_in_a_team_without_anybody_is_replaced_by_governance() -> None:
    made = make_small_world(email="")
    make_member(made.team, TeamRole.OWNER, make_user("lena", email=""))
    make_user("amara", role="governance")
    Application.objects.update(business_owner="lena")
    made.event()

    pass_days(0, 3)

    assert addresses() == {"amara@example.org": 1}
    assert "Motor damage estimator" in last_text("amara@example.org")
    assert not Notice.objects.owed().exists()


def test_an_owner_who_may_not_see_it_any_more_is_replaced(world: SmallWorld) -> None:
    lena = make_member(world.team, TeamRole.EDITOR, make_user("lena"))
    Application.objects.update(business_owner="lena")
    Team.objects.update(email="")
    make_member(world.team, TeamRole.OWNER, make_user("henrik"))
    Notice.objects.all().delete()
    look(NOW)
    Notice.objects.filter(user__username="henrik").delete()
    Membership.objects.filter(user=lena).delete()

    mail_out(NOW)
    pass_day(1)

    assert addresses() == {"henrik@example.org": 1}
    assert "Motor damage" not in "".join(texts("lena@example.org"))


def test_good_news_follows_whoever_the_application_falls_to_as_well() -> None:
    made = make_small_world(email="")
    lena = make_member(made.team, TeamRole.OWNER, make_user("lena"))
    Application.objects.update(business_owner="lena")
    made.event("withdrawn", old="2027-01-15", new=None, effective_on=None)
    Offering.objects.update(retires_on=None, date_kind="")
    look(NOW)
    User.objects.filter(pk=lena.pk).update(is_active=False, state="closed")
    make_member(made.team, TeamRole.OWNER, make_user("henrik"))

    mail_out(NOW)
    pass_day(1)

    assert addresses() == {"henrik@example.org": 1}
    assert "withdrawn" in last_text().lower()
    assert not Alert.objects.live().exists()


# --- applications that change hands ---------------------------------------------------------------


@pytest.mark.proof
def test_an_application_that_changed_hands_is_told_to_its_new_team_though_the_old_is_told_of_others(
    world: SmallWorld,
) -> None:
    moving = make_application("Fraud triage", team=world.team)
    make_dependency(moving, world.offering)
    look(NOW)
    other = make_team("Underwriting", email="underwriting@example.org")
    Application.objects.filter(pk=moving.pk).update(team=other)

    mail_out(NOW)
    pass_days(1, 3)

    assert addresses() == {"claims@example.org": 1, "underwriting@example.org": 1}
    assert "Fraud triage" in last_text("underwriting@example.org")
    assert "Motor damage" not in last_text("underwriting@example.org")
    assert "Fraud triage" not in last_text("claims@example.org")


@pytest.mark.proof
def test_it_is_told_to_a_team_that_was_told_of_its_own_applications_already(
    world: SmallWorld,
) -> None:
    other = make_team("Underwriting", email="underwriting@example.org")
    make_dependency(make_application("Policy wording comparer", team=other), world.offering)
    look(NOW)
    Application.objects.filter(pk=world.application.pk).update(team=other)

    mail_out(NOW)
    pass_days(1, 3)

    said = " ".join(texts("underwriting@example.org"))
    assert "Motor damage estimator" in said
    assert "Policy wording comparer" in said
    assert addresses().keys() == {"underwriting@example.org"}
    assert not Notice.objects.owed().exists()


@pytest.mark.proof
def test_who_wants_no_mail_gets_none_and_is_not_replaced_until_nobody_answers(
    world: SmallWorld,
) -> None:
    lena = make_member(world.team, TeamRole.EDITOR, make_user("lena"))
    henrik = make_member(world.team, TeamRole.OWNER, make_user("henrik"))
    Application.objects.update(business_owner="lena")
    Team.objects.update(email="")
    stop_mail(lena)
    stop_mail(henrik)
    make_user("amara", role="governance")

    pass_day(0)
    assert addresses() == {}
    pass_days(1, 5)

    assert addresses("escalated") == {"amara@example.org": 1}
    skipped = Delivery.objects.filter(state="skipped")
    assert {delivery.reason_sentence for delivery in skipped} == {
        "The frequency of this recipient is Off."
    }


# --- how ------------------------------------------------------------------------------------------


@pytest.mark.proof
def test_the_mailbox_of_a_team_has_an_hour_and_a_zone_of_its_own() -> None:
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    henrik = make_member(made.team, TeamRole.OWNER, make_user("henrik"))
    changes = {"hour": 6, "time_zone": "Asia/Tokyo", "cadence": "weekly", "weekday": 3}
    set_preference(by=henrik, team=made.team, at=morning(-1), **changes)
    pass_day(-1)
    made.event()
    look(morning(0))

    for hour in range(72):
        mail_out(morning(0, hour))

    # Thursday, six o'clock in Tokyo
    assert Delivery.objects.get().created_at == morning(1, 21)
