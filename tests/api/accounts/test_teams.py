"""Teams by REST: governance adds, changes and removes them; two of one name never stand beside each
other."""

import pytest
from pghistory.models import Events

from apps.accounts.models import ApiToken, Membership, Team
from apps.accounts.roles import TeamRole
from tests.builders import make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db

TEAMS = "/api/v1/teams/"
FACTS = {"email": "eu@example.org", "time_zone": "Europe/Berlin", "digest_hour": 8}


@pytest.fixture
def governance(api):
    return api(make_user("gus", role="governance"), "read", "write")


def test_governance_adds_a_team_below_another_with_all_that_the_page_asks(governance):
    above = make_team("Claims")

    answer = governance.post(
        TEAMS, {"name": "Claims EU", "parent": above.slug, **FACTS}, format="json"
    )

    assert answer.status_code == 201, answer.json()
    body = answer.json()
    assert body == {**body, "slug": "claims-eu", "name": "Claims EU", "parent": above.slug, **FACTS}
    assert governance.get(f"{TEAMS}claims-eu/").json() == body
    assert Team.objects.get(slug="claims-eu").parent == above


def test_a_second_team_of_one_name_is_refused_beside_the_first_and_added_below_another(governance):
    first = make_team("Payments", slug="payments")

    refused = governance.post(TEAMS, {"name": "payments "}, format="json")
    elsewhere = governance.post(TEAMS, {"name": "Payments", "parent": first.slug}, format="json")
    named = governance.post(TEAMS, {"name": "Payments", "slug": "payments-apac"}, format="json")

    assert (refused.status_code, named.status_code, elsewhere.status_code) == (409, 409, 201)
    assert refused.json()["detail"] == (
        "A top-level team named Payments already exists (payments). Choose another name."
    )
    assert sorted(Team.objects.values_list("slug", flat=True)) == ["payments", "payments-2"]


def test_a_team_is_not_renamed_or_moved_to_stand_beside_one_of_its_name(governance):
    division, other = make_team("Division"), make_team("Claims")
    below = make_team("Claims", parent=division)

    moved = governance.patch(f"{TEAMS}{below.slug}/", {"parent": None}, format="json")
    renamed = governance.patch(f"{TEAMS}{division.slug}/", {"name": "claims"}, format="json")
    kept = governance.patch(
        f"{TEAMS}{other.slug}/", {"name": "Claims", "email": "x@example.org"}, format="json"
    )

    assert (moved.status_code, renamed.status_code, kept.status_code) == (409, 409, 200)
    assert "Choose another name." in moved.json()["detail"]
    assert Team.objects.get(pk=below.pk).parent == division
    assert Team.objects.get(pk=other.pk).email == "x@example.org"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "New", "time_zone": "Atlantis"}, "time_zone"),
        ({"name": "New", "digest_hour": 24}, "digest_hour"),
        ({"name": "New", "email": "no address"}, "email"),
        ({"name": "New", "parent": "nowhere"}, "parent"),
        ({"name": "New", "slug": "not a slug"}, "slug"),
        ({"name": "New", "slug": "taken"}, "slug"),
        ({"name": "New", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named_and_no_team_is_added(governance, sent, field):
    make_team("Taken", slug="taken")

    answer = governance.post(TEAMS, sent, format="json")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Team.objects.count() == 1


def test_a_change_keeps_the_rest_and_what_was_read_can_be_sent_back(governance):
    team = make_team("Claims", email="a@example.org")
    address = f"{TEAMS}{team.slug}/"
    read = governance.get(address).json()

    answer = governance.patch(address, {**read, "digest_hour": 9}, format="json")
    other_slug = governance.patch(address, {"slug": "other"}, format="json")

    assert answer.status_code == 200, answer.json()
    team.refresh_from_db()
    assert (team.name, team.email, team.digest_hour) == ("Claims", "a@example.org", 9)
    assert (other_slug.status_code, other_slug.json()["errors"][0]["field"]) == (400, "slug")


def test_a_team_does_not_come_to_stand_below_itself(governance):
    above = make_team("Above")
    below = make_team("Below", parent=above)

    answer = governance.patch(f"{TEAMS}{above.slug}/", {"parent": below.slug}, format="json")

    assert answer.status_code == 400
    assert "below itself" in answer.json()["detail"]


def test_a_change_of_what_another_has_changed_since_is_refused(governance):
    team = make_team("Claims")
    address = f"{TEAMS}{team.slug}/"
    etag = governance.get(address)["ETag"]
    governance.patch(address, {"digest_hour": 9}, format="json")

    late = governance.patch(address, {"digest_hour": 10}, format="json", headers={"If-Match": etag})

    assert late.status_code == 412
    assert Team.objects.get(pk=team.pk).digest_hour == 9


def test_a_team_that_owns_nothing_goes_with_its_roles_and_another_stays(governance):
    empty, owning = make_team("Empty"), make_application().team
    make_member(empty)

    gone = governance.delete(f"{TEAMS}{empty.slug}/")
    refused = governance.delete(f"{TEAMS}{owning.slug}/")

    assert (gone.status_code, refused.status_code) == (204, 409)
    assert "still owns applications" in refused.json()["detail"]
    assert list(Team.objects.all()) == [owning]
    assert not Membership.objects.exists()


def test_the_history_names_who_did_it_and_an_idempotency_key_does_it_once(governance):
    answers = [
        governance.post(
            TEAMS, {"name": "Claims"}, format="json", headers={"Idempotency-Key": "one"}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert Team.objects.count() == 1
    [entry] = Events.objects.tracks(Team.objects.get())
    assert (entry.pgh_context["actor"], entry.pgh_context["reason"]) == ("gus", "team added")


def test_owners_of_a_team_and_tokens_bound_to_one_change_no_team(api):
    team = make_team("Claims")
    owner, governance = make_member(team, TeamRole.OWNER), make_user(role="governance")
    clients = [
        api(owner, "read", "write"),
        api(governance, "read", "write", team=team),
        api(make_user(role="auditor"), "read", "write"),
    ]

    for client in clients:
        address = f"{TEAMS}{team.slug}/"
        assert client.get(address).status_code == 200
        codes = (
            client.post(TEAMS, {"name": "New"}, format="json").status_code,
            client.patch(address, {"name": "New"}, format="json").status_code,
            client.delete(address).status_code,
        )
        assert codes == (403, 403, 403)
    assert Team.objects.get().name == "Claims"
    assert ApiToken.objects.filter(team=team).exists()
