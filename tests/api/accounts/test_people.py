"""Persons by REST: names for everybody, addresses for those who work together, changes by
governance."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Delegation, EmailAlias, PeopleSettings, PersonState, User
from apps.accounts.roles import TeamRole
from tests.builders import TODAY, make_contact, make_member, make_team, make_user

pytestmark = pytest.mark.django_db

PEOPLE, DELEGATIONS = "/api/v1/people/", "/api/v1/delegations/"


@pytest.fixture
def team():
    return make_team()


@pytest.fixture
def governor(api):
    user = make_user("maren", role="governance", email="maren@insurer.example")
    return api(user, "read", "write")


@pytest.fixture
def editor(api, team):
    return api(make_member(team, TeamRole.EDITOR, make_user("eve")), "read", "write")


def rows(client, **query):
    answer = client.get(PEOPLE, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


class TestReading:
    def test_everybody_sees_names_and_states_and_few_see_addresses(self, governor, editor, team):
        colleague = make_member(team, TeamRole.VIEWER, make_user("cara", first_name="Cara"))
        contact = make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")
        EmailAlias.objects.create(user=contact, email="i.b@insurer.example")

        seen = {row["id"]: row for row in rows(editor)}
        full = {row["id"]: row for row in rows(governor)}

        assert seen[contact.pk] == {
            "id": contact.pk,
            "name": "Ilse Brandt",
            "username": "",
            "email": "",
            "aliases": [],
            "state": "contact",
            "mail_confirmed_at": None,
        }
        assert seen[colleague.pk]["email"] == "cara@example.org"
        assert full[contact.pk]["email"] == "ilse@insurer.example"
        assert full[contact.pk]["aliases"] == ["i.b@insurer.example"]

    def test_an_address_is_found_by_those_only_who_may_see_it(self, governor, editor):
        contact = make_contact("secret@insurer.example", first_name="Ilse", last_name="Brandt")

        assert [row["id"] for row in rows(governor, q="secret@")] == [contact.pk]
        assert rows(editor, q="secret@") == []
        assert [row["id"] for row in rows(editor, q="ilse br")] == [contact.pk]

    def test_lists_are_narrowed_by_state_and_by_what_waits_for_confirmation(self, governor):
        inside = make_contact("a@insurer.example")
        outside = make_contact("b@elsewhere.example")

        assert {row["id"] for row in rows(governor, state="contact")} == {inside.pk, outside.pk}
        assert [row["id"] for row in rows(governor, unconfirmed="true")] == [outside.pk]

    def test_merged_persons_and_service_accounts_are_not_listed(self, governor):
        double = make_contact()
        User.objects.filter(pk=double.pk).update(
            state="closed", email="", merged_into=make_contact()
        )

        ids = {row["id"] for row in rows(governor)}

        assert double.pk not in ids
        assert governor.get(f"{PEOPLE}{double.pk}/").status_code == 404

    def test_a_page_takes_the_same_number_of_statements_however_long(self, governor):
        rows(governor)
        for _ in range(3):
            make_contact()
        with CaptureQueriesContext(connection) as few:
            rows(governor)
        for _ in range(30):
            make_contact()
        with CaptureQueriesContext(connection) as many:
            rows(governor)

        assert len(few) == len(many)


class TestContacts:
    def test_governance_adds_a_contact_once(self, governor):
        body = {"email": "Ilse.Brandt@insurer.example"}

        first, again = (governor.post(PEOPLE, body, format="json") for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.json()["name"] == "Ilse Brandt"
        assert first.json()["state"] == "contact"

    def test_a_name_is_corrected(self, governor):
        contact = make_contact(first_name="ibrandt")

        answer = governor.patch(
            f"{PEOPLE}{contact.pk}/", {"first_name": "Ilse", "last_name": "Brandt"}, format="json"
        )

        assert answer.json()["name"] == "Ilse Brandt"

    def test_one_some_and_all_are_invited(self, governor):
        one, two, three = (make_contact() for _ in range(3))
        active = make_user()

        single = governor.post(f"{PEOPLE}{one.pk}/invite/")
        some = governor.post(f"{PEOPLE}invite/", {"ids": [two.pk, active.pk]}, format="json")
        everybody = governor.post(f"{PEOPLE}invite/", {}, format="json")

        assert single.json()["state"] == "invited"
        assert some.json()["invited"] == [two.pk]
        assert [row["id"] for row in some.json()["rejected"]] == [active.pk]
        assert everybody.json()["invited"] == [three.pk]

    def test_addresses_outside_are_confirmed(self, governor):
        contact = make_contact("b@elsewhere.example")

        answer = governor.post(f"{PEOPLE}confirm/", {"ids": [contact.pk]}, format="json")

        assert answer.json() == {"confirmed": 1}
        assert rows(governor, unconfirmed="true") == []

    def test_two_records_are_merged(self, governor):
        ilse, double = make_user("ilse"), make_contact("i@insurer.example")

        answer = governor.post(f"{PEOPLE}{ilse.pk}/merge/", {"duplicate": double.pk}, format="json")

        assert answer.status_code == 200, answer.content
        assert answer.json()["aliases"] == ["i@insurer.example"]
        assert answer.json()["kept"] == {}

    def test_merging_with_itself_is_a_conflict(self, governor):
        ilse = make_contact()

        answer = governor.post(f"{PEOPLE}{ilse.pk}/merge/", {"duplicate": ilse.pk}, format="json")

        assert answer.status_code == 409

    def test_a_contact_is_closed_and_erased(self, governor):
        contact = make_contact("ilse@insurer.example")

        closed = governor.post(f"{PEOPLE}{contact.pk}/close/")
        erased = governor.post(f"{PEOPLE}{contact.pk}/erase/")

        assert closed.json()["state"] == "closed"
        assert erased.json()["name"].startswith("Erased contact")
        assert erased.json()["email"] == ""

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("", {"email": "x@y.org"}),
            ("{pk}/invite/", {}),
            ("invite/", {}),
            ("confirm/", {"ids": [1]}),
            ("{pk}/merge/", {"duplicate": 1}),
            ("{pk}/erase/", {}),
            ("{pk}/close/", {}),
        ],
    )
    def test_others_change_nobody(self, editor, api, path, body):
        contact = make_contact()
        auditor = api(make_user(role="auditor"), "read", "write")

        for client in (editor, auditor):
            answer = client.post(PEOPLE + path.format(pk=contact.pk), body, format="json")
            assert answer.status_code == 403, answer.content
        contact.refresh_from_db()
        assert contact.state == PersonState.CONTACT


class TestSettings:
    def test_governance_sets_the_allowed_domains(self, governor, editor):
        url = "/api/v1/people-settings/"

        assert governor.get(url).json() == {
            "allowed_domains": [],
            "effective_domains": ["example.org", "insurer.example"],
        }
        changed = governor.patch(url, {"allowed_domains": ["Partner.example"]}, format="json")
        assert changed.json()["effective_domains"] == ["partner.example"]
        assert governor.patch(url, {"allowed_domains": ["x"]}, format="json").status_code == 400
        assert editor.get(url).status_code == 403
        assert PeopleSettings.objects.get().allowed_domains == ["partner.example"]


class TestDelegations:
    def body(self, **changed):
        return {
            "deputy": "bob",
            "since": TODAY.isoformat(),
            "until": (TODAY + timedelta(days=7)).isoformat(),
            **changed,
        }

    def test_a_person_sets_and_ends_the_own_deputy(self, editor):
        make_user("bob")

        made = editor.post(DELEGATIONS, self.body(), format="json")

        assert made.status_code == 201, made.content
        assert (made.json()["person"], made.json()["deputy"]) == ("eve", "bob")
        assert editor.post(DELEGATIONS, self.body(), format="json").status_code == 400
        assert editor.delete(f"{DELEGATIONS}{made.json()['id']}/").status_code == 204

    def test_governance_sets_that_of_others_and_nobody_else(self, editor, governor):
        make_user("bob"), make_user("cara")

        assert editor.post(DELEGATIONS, self.body(person="cara"), format="json").status_code == 403
        assert (
            governor.post(DELEGATIONS, self.body(person="cara"), format="json").status_code == 201
        )
        assert editor.get(DELEGATIONS).json()["results"] == []
        pk = Delegation.objects.get().pk
        assert editor.get(f"{DELEGATIONS}{pk}/").status_code == 404
