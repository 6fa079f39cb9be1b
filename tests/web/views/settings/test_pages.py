"""Teams, people and keys: who may change them, and that nobody overwrites what they have not
seen."""

import pytest
from django.core import mail
from django.urls import reverse

from apps.accounts.models import ApiToken, Membership, Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.accounts.service_accounts import add_service
from tests.builders import make_application, make_member, make_team, make_user
from tests.http import text_of

pytestmark = pytest.mark.django_db


def facts(team, seen, **changed):
    return {
        "name": team.name,
        "parent": team.parent_id or "",
        "email": team.email,
        "time_zone": team.time_zone,
        "digest_hour": team.digest_hour,
        "seen": seen,
        **changed,
    }


def seen_on(client, address):
    page = client.get(address)
    return page.context["form"]["seen"].value()


def test_governance_adds_a_team_and_people_get_roles_from_its_owners(as_user):
    governance, owner, newcomer = make_user(role="governance"), make_user("olga"), make_user("nele")

    page = as_user(governance).post(
        reverse("teams:create"),
        {"name": "Claims & more", "time_zone": "Europe/Berlin", "digest_hour": 8},
        follow=True,
    )
    team = Team.objects.get(slug="claims-more")
    assert "Claims &amp; more was added." in text_of(page)
    make_member(team, TeamRole.OWNER, owner)

    page = as_user(owner).post(
        reverse("teams:add-member", args=[team.slug]),
        {"person": "nele", "role": TeamRole.EDITOR.rank},
        follow=True,
    )
    assert "nele is editor of Claims &amp; more." in text_of(page)
    assert User.objects.get(pk=newcomer.pk).may(TeamRole.EDITOR, team)

    membership = Membership.objects.get(user=newcomer)
    as_user(owner).post(reverse("teams:remove-member", args=[team.slug, membership.pk]))
    assert not Membership.objects.filter(user=newcomer).exists()


def test_an_editor_gives_no_roles_and_a_stranger_finds_no_team(as_user):
    team = make_team()
    editor, stranger = make_member(team, TeamRole.EDITOR), make_member(make_team())

    given = {"person": "x", "role": 3}
    assert (
        as_user(editor).post(reverse("teams:add-member", args=[team.slug]), given).status_code
        == 403
    )
    assert as_user(editor).post(reverse("teams:detail", args=[team.slug]), {}).status_code == 403
    assert as_user(stranger).get(reverse("teams:detail", args=[team.slug])).status_code == 404
    assert (
        as_user(stranger).post(reverse("teams:add-member", args=[team.slug]), given).status_code
        == 404
    )


def test_two_who_change_a_team_at_once_are_shown_what_the_other_did(as_user):
    team = make_team("Claims")
    first, second = (
        as_user(make_user("ada", role="governance")),
        as_user(make_user("bo", role="governance")),
    )
    address = reverse("teams:detail", args=[team.slug])
    seen_by_both = seen_on(first, address)

    assert first.post(address, facts(team, seen_by_both, name="Claims EU")).status_code == 302
    refused = second.post(address, facts(team, seen_by_both, name="Claims DE"))

    page = text_of(refused)
    assert refused.status_code == 422
    assert "ada" in page
    assert "changed this record while you were editing" in page
    assert "<b>Claims EU</b>" in page
    assert Team.objects.get(pk=team.pk).name == "Claims EU"

    again = second.post(
        address, facts(team, refused.context["form"]["seen"].value(), name="Claims DE")
    )
    assert again.status_code == 302
    assert Team.objects.get(pk=team.pk).name == "Claims DE"


def test_a_team_that_owns_something_stays(as_user):
    application = make_application()
    client = as_user(make_user(role="governance"))

    page = client.post(reverse("teams:delete", args=[application.team.slug]), follow=True)
    assert "still owns applications" in text_of(page)

    empty = make_team("Empty")
    client.post(reverse("teams:delete", args=[empty.slug]))
    assert not Team.objects.filter(pk=empty.pk).exists()


def test_a_team_is_neither_added_nor_renamed_to_stand_beside_one_of_its_name(as_user):
    make_team("Payments", slug="payments")
    team = make_team("Claims")
    client = as_user(make_user(role="governance"))
    address = reverse("teams:detail", args=[team.slug])

    added = client.post(
        reverse("teams:create"), {"name": "payments", "time_zone": "UTC", "digest_hour": 7}
    )
    renamed = client.post(address, facts(team, seen_on(client, address), name="Payments"))

    assert (added.status_code, renamed.status_code) == (422, 422)
    for page in (added, renamed):
        assert (
            "A top-level team named Payments already exists (payments). Choose another name."
            in text_of(page)
        )
    assert sorted(Team.objects.values_list("name", flat=True)) == ["Claims", "Payments"]


def test_a_zone_that_is_none_is_refused_with_a_sentence(as_user):
    team = make_team()
    client = as_user(make_user(role="governance"))
    address = reverse("teams:detail", args=[team.slug])

    page = client.post(address, facts(team, seen_on(client, address), time_zone="Atlantis"))

    assert "“Atlantis” is not a valid time zone." in text_of(page)


def test_an_administrator_invites_and_the_person_sets_a_password_by_the_mail(as_user, client):
    team = make_team("Claims")
    admin = as_user(make_user("root", role="admin"))

    page = admin.post(
        reverse("users:invite"),
        {
            "username": "nele",
            "email": "nele@example.org",
            "team": team.pk,
            "role": TeamRole.EDITOR.rank,
        },
        follow=True,
    )

    assert "An invitation was sent to nele@example.org." in text_of(page)
    assert User.objects.get(username="nele").may(TeamRole.EDITOR, team)
    [letter] = mail.outbox
    address = next(word for word in letter.body.split() if "/accounts/password/reset/key/" in word)
    form = client.get(address.split("//", 1)[1].split("/", 1)[1].join(["/", ""]), follow=True)
    done = client.post(
        form.redirect_chain[-1][0],
        {"password1": "long-enough-77", "password2": "long-enough-77"},
        follow=True,
    )
    assert done.status_code == 200
    assert client.login(username="nele", password="long-enough-77")


def test_only_administrators_change_people_and_one_of_them_must_stay(as_user):
    admin, governance = make_user("root", role="admin"), make_user("gov", role="governance")
    person = make_user("nele", email="nele@example.org")

    assert as_user(governance).get(reverse("users:list")).status_code == 200
    assert as_user(governance).post(reverse("users:invite"), {}).status_code == 403
    assert (
        as_user(governance).post(reverse("users:detail", args=[person.pk]), {}).status_code == 403
    )
    assert as_user(person).get(reverse("users:list")).status_code == 403

    client = as_user(admin)
    own = reverse("users:detail", args=[admin.pk])
    given = {
        "email": "root@example.org",
        "organisation_role": "",
        "is_active": "on",
        "seen": seen_on(client, own),
    }
    assert "At least one administrator is required." in text_of(client.post(own, given))
    assert User.objects.get(pk=admin.pk).organisation_role == "admin"

    address = reverse("users:detail", args=[person.pk])
    closed = {
        "email": "nele@example.org",
        "organisation_role": "",
        "seen": seen_on(client, address),
    }
    assert client.post(address, closed).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active


def test_a_key_is_shown_once_and_revoked(as_user, client):
    person = make_user("nele", role="auditor")
    own = as_user(person)

    page = own.post(reverse("tokens:create"), {"name": "Reports", "scopes": ["read"], "days": 30})
    secret = page.context["secret"]
    assert secret in text_of(page)
    assert page["Cache-Control"] == "no-store"
    assert secret not in text_of(own.get(reverse("tokens:list")))
    assert (
        client.get("/api/v1/teams/", headers={"authorization": f"Bearer {secret}"}).status_code
        == 200
    )

    token = ApiToken.objects.get()
    assert (
        as_user(make_user(role="governance"))
        .post(reverse("tokens:revoke", args=[token.pk]))
        .status_code
        == 404
    )
    own.post(reverse("tokens:revoke", args=[token.pk]))
    assert (
        client.get("/api/v1/teams/", headers={"authorization": f"Bearer {secret}"}).status_code
        == 401
    )


def test_the_own_profile_is_changed_and_offices_are_not(as_user):
    person = make_user("nele")
    client = as_user(person)
    address = reverse("account:detail")

    given = {
        "first_name": "Nele",
        "last_name": "Berg",
        "time_zone": "Europe/Berlin",
        "digest_hour": 6,
        "organisation_role": "admin",
        "seen": seen_on(client, address),
    }
    assert client.post(address, given).status_code == 302

    person.refresh_from_db()
    assert (str(person), person.digest_hour, person.organisation_role) == ("Nele Berg", 6, "")
    assert "You sign in with a password only." in text_of(client.get(address))


@pytest.mark.parametrize(
    "name", ["settings:home", "teams:list", "tokens:list", "account:detail", "users:list"]
)
def test_every_page_of_the_settings_opens(name, as_user):
    assert as_user(make_user(role="admin")).get(reverse(name)).status_code == 200


def test_an_administrator_sees_what_is_stored_and_for_how_long(as_user):
    page = text_of(as_user(make_user(role=OrganisationRole.ADMIN)).get("/settings/"))

    assert "Storage and retention" in page
    assert "7 years" in page
    others = as_user(make_user(role=OrganisationRole.GOVERNANCE)).get("/settings/").content.decode()
    assert "Storage and retention" not in others


def test_two_teams_of_one_name_are_told_apart_in_a_search_by_the_team_above(as_user):
    claims, legal = make_team("Claims"), make_team("Legal")
    make_team("Data science", parent=claims)
    make_team("Data science", parent=legal)

    page = text_of(as_user(make_user(role="governance")).get(reverse("teams:list"), {"q": "data"}))

    assert "part of Claims" in page
    assert "part of Legal" in page


def test_an_only_administrator_is_not_sent_to_governance_to_begin(as_user):
    root = make_user("root", is_superuser=True, is_staff=True)

    page = text_of(as_user(root).get(reverse("teams:list")))

    assert "Add the teams, then give users a role on theirs." in page
    assert "ontact a governance user" not in page


def test_first_steps_count_people_and_no_service_accounts(as_user):
    administrator = make_user(role="admin")
    make_user("nele")
    add_service(
        username="gateway", about="Sends calls.", team=None, by=make_user(role="governance")
    )

    assert "Three people can sign in." in text_of(as_user(administrator).get(reverse("home:start")))
