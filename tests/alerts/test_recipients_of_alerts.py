"""To whom alerts fall: owners by name, teams, those who govern; and whoever falls away is
replaced."""

from datetime import timedelta

import pgtrigger
import pytest

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.models import Alert, Delivery, Notice
from apps.alerts.recipients import application_owners, team_audiences, visible_teams
from apps.inventory.models import Application
from tests.builders import NOW, make_application, make_dependency, make_member, make_team, make_user
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


def owner_of(application: Application) -> int | None:
    return application_owners([application.pk])[application.pk].first


@pytest.mark.parametrize(
    "said", ["lena", "LENA", "lena@example.org", " Lena Marchetti ", "lena marchetti"]
)
def test_an_owner_is_found_by_name_address_or_username(said: str) -> None:
    team = make_team()
    lena = make_member(
        team, TeamRole.VIEWER, make_user("lena", first_name="Lena", last_name="Marchetti")
    )

    assert owner_of(make_application(team=team, business_owner=said)) == lena.pk


def test_a_name_that_two_people_bear_is_nobody() -> None:
    team = make_team()
    for username in ("lena1", "lena2"):
        make_member(
            team, TeamRole.VIEWER, make_user(username, first_name="Lena", last_name="Marchetti")
        )

    assert owner_of(make_application(team=team, business_owner="Lena Marchetti")) is None


def test_an_owner_who_may_not_see_the_application_or_is_gone_is_passed_over() -> None:
    team = make_team()
    make_member(make_team(), TeamRole.OWNER, make_user("stranger"))
    make_member(team, TeamRole.OWNER, make_user("gone", is_active=False))
    technical = make_member(team, TeamRole.EDITOR, make_user("tech"))

    for said in ("stranger", "gone", "nobody at all", ""):
        application = make_application(team=team, business_owner=said, technical_owner="tech")
        assert owner_of(application) == technical.pk


def test_a_role_on_a_team_above_or_an_office_lets_an_owner_see_it() -> None:
    above = make_team()
    team = make_team(parent=make_team(parent=above))
    higher = make_member(above, TeamRole.VIEWER, make_user("higher"))
    auditor = make_user("aud", role="auditor")

    assert owner_of(make_application(team=team, business_owner="higher")) == higher.pk
    assert owner_of(make_application(team=team, business_owner="aud")) == auditor.pk


def test_two_owners_in_a_team_are_each_told_of_their_own_and_the_team_of_all() -> None:
    world = make_small_world()
    people = {
        name: make_member(world.team, TeamRole.EDITOR, make_user(name))
        for name in ("lena", "henrik", "tech")
    }
    Application.objects.update(business_owner="lena", technical_owner="tech")
    second = make_application("Policy wording comparer", team=world.team, business_owner="henrik")
    third = make_application("Fraud triage", team=world.team)
    for application in (second, third):
        make_dependency(application, world.offering)
    event = world.event()

    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))

    assert {alert.key: alert.application_ids for alert in Alert.objects.all()} == {
        f"event:{event.pk}|announced||user:{people['lena'].pk}@team:{world.team.pk}": [
            world.application.pk
        ],
        f"event:{event.pk}|announced||user:{people['henrik'].pk}@team:{world.team.pk}": [second.pk],
        f"event:{event.pk}|announced||team:{world.team.pk}": [third.pk],
    }
    names = ["Motor damage estimator", "Policy wording comparer", "Fraud triage"]
    named = {
        mail.address: [name for name in names if name in mail.body_text]
        for mail in Delivery.objects.all()
    }
    assert named == {
        "lena@example.org": names[:1],
        "tech@example.org": names[:1],
        "henrik@example.org": names[1:2],
        "claims@example.org": names,
    }


def test_a_mail_merges_what_several_alerts_say_of_one_thing() -> None:
    world = make_small_world(email="")
    owner = make_member(world.team, TeamRole.OWNER, make_user("lena"))
    Application.objects.update(business_owner="lena")
    make_dependency(make_application("Fraud triage", team=world.team), world.offering)
    world.event()

    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))

    mail = Delivery.objects.get(user=owner)
    assert Alert.objects.count() == 2
    assert mail.body_text.count("The retirement was announced") == 1
    assert "Motor damage estimator" in mail.body_text
    assert "Fraud triage" in mail.body_text


# --- falling away between raising and sending -----------------------------------------------------


def told_by_mail() -> set[tuple[str, str]]:
    return set(Delivery.objects.values_list("address", "state"))


def test_where_an_owner_left_the_team_is_told_instead() -> None:
    world = make_small_world(email="")
    lena = make_member(world.team, TeamRole.EDITOR, make_user("lena"))
    Application.objects.update(business_owner="lena")
    world.event()
    raise_alerts(at=NOW)
    assert set(Notice.objects.values_list("user__username", flat=True)) == {"lena"}
    lena.is_active = False
    lena.save()
    make_member(world.team, TeamRole.OWNER, make_user("henrik"))

    queue_digests(at=NOW, gather=timedelta(0))
    queue_digests(at=NOW + timedelta(days=1), gather=timedelta(0))

    assert told_by_mail() == {("lena@example.org", "skipped"), ("henrik@example.org", "queued")}
    assert Delivery.objects.get(state="skipped").reason_sentence == "The user is no longer active."
    assert Alert.objects.live().get().user is None


def test_where_nobody_is_left_governance_is_told() -> None:
    world = make_small_world(email="")
    lena = make_member(world.team, TeamRole.OWNER, make_user("lena"))
    make_user("amara", role="governance")
    world.event()
    raise_alerts(at=NOW)
    lena.is_active = False
    lena.save()

    for day in range(3):
        queue_digests(at=NOW + timedelta(days=day), gather=timedelta(0))

    assert told_by_mail() == {
        ("lena@example.org", "skipped"),
        ("amara@example.org", "queued"),
        ("", "skipped"),
    }
    assert not Notice.objects.owed().exists()


def test_a_team_that_lost_its_mailbox_is_told_through_its_owners() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    Team.objects.filter(pk=world.team.pk).update(email="")
    make_member(world.team, TeamRole.OWNER, make_user("henrik"))

    for day in range(2):
        queue_digests(at=NOW + timedelta(days=day), gather=timedelta(0))

    assert told_by_mail() == {("", "skipped"), ("henrik@example.org", "queued")}


def test_an_application_that_changed_hands_is_told_to_its_new_team_once() -> None:
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    world.application.team = other = make_team("Underwriting", email="underwriting@example.org")
    world.application.save()

    for day in range(3):
        queue_digests(at=NOW + timedelta(days=day), gather=timedelta(0))

    assert told_by_mail() == {
        ("claims@example.org", "skipped"),
        ("underwriting@example.org", "queued"),
    }
    assert Alert.objects.live().get().team == other


# --- what routing is made of ----------------------------------------------------------------------


def test_who_sees_which_teams_is_what_visible_to_says() -> None:
    top = make_team()
    middle = make_team(parent=top)
    low = make_team(parent=middle)
    make_team()
    people = [
        make_member(top),
        make_member(middle, TeamRole.VIEWER),
        make_member(low),
        make_user(),
        make_user(role="auditor"),
        make_user(is_active=False),
        make_user(is_superuser=True),
    ]

    seen = visible_teams(people)

    for user in people:
        teams = (
            set(Team.objects.visible_to(user).values_list("pk", flat=True))
            if user.is_active
            else set()
        )
        found = seen[user.pk]
        assert (
            set(Team.objects.values_list("pk", flat=True)) if found is None else set(found)
        ) == teams


def test_a_circle_of_teams_ends_the_search() -> None:
    one, two = make_team(email=""), make_team(email="")
    # as it could be written before the database refused it
    with pgtrigger.ignore("accounts.Team:team_no_circle"):
        Team.objects.filter(pk=one.pk).update(parent=two)
        Team.objects.filter(pk=two.pk).update(parent=one)

    audience = team_audiences([one.pk])[one.pk]

    assert (audience.has_mailbox, audience.owner_ids) == (False, ())
