"""Owners of applications: the text names a person, wherever it is entered."""

from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import EmailAlias, PersonState, User
from apps.accounts.people.contacts import close_person, find_or_create_contact
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.merge import merge_people
from apps.accounts.roles import TeamRole
from apps.alerts.models import Delivery
from apps.alerts.recipients import application_owners
from apps.common.history.context import audit_context
from apps.inventory.actions.applications import change_application, register_application
from apps.inventory.actions.bulk_update import change_applications
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Application
from apps.inventory.owners import issue_owners_statement, link_owners, owner_persons
from apps.inventory.queries import last_change_id
from tests.builders import NOW, make_application, make_contact, make_member, make_team, make_user
from tests.intake.spreadsheets.claims_team import confirm, preview

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team(slug="claims")


@pytest.fixture
def editor(team):
    return make_member(team, TeamRole.EDITOR, make_user("eve"))


def member(team, username, first="", last=""):
    user = make_user(username, first_name=first, last_name=last)
    return make_member(team, TeamRole.VIEWER, user)


def contact():
    return User.objects.contacts().get()


def person_of(text, team, by=None):
    pk = owner_persons([(text, team.pk)], by=by)[text, team.pk]
    return None if pk is None else User.objects.get(pk=pk)


class TestTexts:
    @pytest.mark.parametrize(
        "text",
        ["ilse", "ILSE ", "Ilse Brandt", "ilse@example.org", "Ilse Brandt <ilse@example.org>"],
    )
    def test_username_name_and_address_name_the_person(self, team, text):
        ilse = member(team, "ilse", "Ilse", "Brandt")

        assert person_of(text, team) == ilse

    def test_a_further_address_names_the_person(self, team, editor):
        ilse = member(team, "ilse")
        EmailAlias.objects.create(user=ilse, email="i.b@example.org")

        assert person_of("I.B@example.org", team, editor) == ilse

    def test_a_name_of_two_who_may_see_it_names_nobody(self, team):
        member(team, "ilse", "Ilse", "Brandt")
        member(team, "ilse2", "Ilse", "Brandt")
        make_user("ilse3", first_name="Ilse", last_name="Brandt")

        assert person_of("Ilse Brandt", team) is None
        assert person_of("ilse2", team).username == "ilse2"

    def test_a_name_without_access_names_nobody_but_the_address_does(self, team, editor):
        stranger = make_user("otto", first_name="Otto", last_name="Meier")

        assert person_of("Otto Meier", team) is None
        assert person_of("otto@example.org", team, editor) == stranger

    def test_an_unknown_address_becomes_a_contact_and_other_texts_stay_texts(self, team, editor):
        texts = ["new.one@example.org", "Model committee", "a@x.org or b@x.org", ""]

        persons = owner_persons([(text, team.pk) for text in texts], by=editor)

        assert contact().email == "new.one@example.org"
        assert persons == {
            ("new.one@example.org", team.pk): contact().pk,
            ("Model committee", team.pk): None,
            ("a@x.org or b@x.org", team.pk): None,
        }

    def test_many_texts_take_as_many_statements_as_few(self, team, editor):
        editor.team_roles()
        with CaptureQueriesContext(connection) as few:
            owner_persons([("a@x.org", team.pk), ("Nobody Known", team.pk)], by=editor)
        with CaptureQueriesContext(connection) as many:
            owner_persons(
                [(text, team.pk) for n in range(200) for text in (f"p{n}@x.org", f"Name {n}")],
                by=editor,
            )

        assert len(many) <= len(few)


class TestWriting:
    """The same text links the same person by every way."""

    TEXT = "Ada.Lovelace@example.org"

    def linked(self, application):
        application.refresh_from_db()
        person = application.business_owner_person
        return application.business_owner, person and person.email

    def test_registering_and_changing(self, team, editor):
        application = register_application(
            name="Triage", team=team, by=editor, facts={"business_owner": self.TEXT}
        )
        assert self.linked(application) == (self.TEXT, self.TEXT.lower())
        assert application.business_owner_name == "Ada Lovelace"
        assert application.history.count() == 1

        change_application(
            application=application, facts={"business_owner": "Committee"}, by=editor
        )
        assert self.linked(application) == ("Committee", None)

        change_application(application=application, facts={"technical_owner": self.TEXT}, by=editor)
        application.refresh_from_db()
        assert application.technical_owner_person == contact()

    def test_rest(self, team, editor):
        client = APIClient()
        client.force_login(editor)

        created = client.post(
            "/api/v1/applications/",
            {"name": "Triage", "team": "claims", "business_owner": self.TEXT},
            format="json",
        )

        assert created.status_code == 201, created.content
        body = client.get(f"/api/v1/applications/{created.data['slug']}/").json()
        assert (body["business_owner"], body["business_owner_person"]) == (
            self.TEXT,
            self.TEXT.lower(),
        )
        assert body["technical_owner_person"] is None

    def test_bulk_by_slug(self, team, editor):
        known = make_application("Known", team=team)
        client = APIClient()
        client.force_login(editor)

        answer = client.post(
            "/api/v1/applications/bulk/",
            [
                {"slug": known.slug, "business_owner": self.TEXT},
                {"slug": "new", "name": "New", "team": "claims", "business_owner": self.TEXT},
            ],
            format="json",
        )

        assert answer.status_code == 200, answer.content
        assert self.linked(known) == self.linked(Application.objects.get(slug="new"))
        assert self.linked(known) == (self.TEXT, self.TEXT.lower())

    def test_bulk_update_adds_nobody_for_rejected_applications(self, team, editor):
        own, hidden = make_application(team=team), make_application()

        change_applications(facts_by_id={hidden.pk: {"business_owner": self.TEXT}}, by=editor)
        assert not User.objects.contacts().exists()
        change_applications(
            facts_by_id={pk: {"business_owner": self.TEXT} for pk in (own.pk, hidden.pk)},
            by=editor,
        )

        assert self.linked(own) == (self.TEXT, self.TEXT.lower())
        assert self.linked(hidden) == ("", None)

    def test_a_spreadsheet(self, team):
        editor = make_user("root", role="admin")
        known = make_application("Known", team=team)

        previewed = preview(
            [
                ("ID", "Application", "Team", "Business owner"),
                (known.slug, "Known", "claims", self.TEXT),
                ("", "New", "claims", self.TEXT),
            ],
            editor,
        )
        assert not User.objects.contacts().exists()
        confirm(previewed)

        assert self.linked(known) == (self.TEXT, self.TEXT.lower())
        assert self.linked(Application.objects.get(name="New")) == self.linked(known)

    def test_undo_puts_person_and_text_back_and_keeps_the_contact(self, team, editor):
        ilse = member(team, "ilse")
        application = register_application(
            name="Triage", team=team, by=editor, facts={"business_owner": "ilse"}
        )
        change_application(application=application, facts={"business_owner": self.TEXT}, by=editor)
        change = last_change_id(application)

        undo_change(change=change, by=editor)

        application.refresh_from_db()
        assert (application.business_owner, application.business_owner_person) == ("ilse", ilse)
        assert contact().email == self.TEXT.lower()

    def test_undo_of_a_text_from_before_persons_links_it(self, team, editor):
        ilse = member(team, "ilse")
        application = make_application(team=team, business_owner="ilse")
        change_application(application=application, facts={"business_owner": ""}, by=editor)

        undo_change(change=last_change_id(application), by=editor)

        application.refresh_from_db()
        assert application.business_owner_person == ilse

    def test_nothing_is_written_where_the_text_is_the_same(self, team, editor):
        application = register_application(
            name="Triage", team=team, by=editor, facts={"business_owner": self.TEXT}
        )

        change_application(application=application, facts={"business_owner": self.TEXT}, by=editor)
        with audit_context(user=editor):
            assert link_owners([application.pk], by=editor) == 0

        assert application.history.count() == 1


class TestOwners:
    """Who owns an application for issues and for alerts."""

    def issue_owner(self, application):
        with connection.cursor() as cursor:
            cursor.execute(issue_owners_statement("a.id = %(id)s"), {"id": application.pk})
            return cursor.fetchone()[2]

    def test_a_contact_owns_issues_and_gets_no_alerts(self, team):
        person = make_contact("ilse@example.org")
        application = make_application(team=team, business_owner_person=person)

        assert self.issue_owner(application) == person.pk
        assert application_owners([application.pk])[application.pk].first is None

    def test_the_linked_person_comes_before_the_text(self, team):
        ilse, otto = member(team, "ilse"), member(team, "otto")
        application = make_application(team=team, business_owner="otto", business_owner_person=ilse)

        assert self.issue_owner(application) == ilse.pk
        assert application_owners([application.pk])[application.pk].first == ilse.pk
        close_person(person=ilse, by=make_user(role="admin"))
        assert self.issue_owner(application) == otto.pk

    def test_a_linked_person_without_access_gets_no_alerts(self, team):
        stranger = make_user()
        application = make_application(team=team, business_owner_person=stranger)

        assert self.issue_owner(application) == stranger.pk
        assert application_owners([application.pk])[application.pk].first is None

    def test_a_text_without_a_person_counts_as_before(self, team):
        ilse = member(team, "ilse")
        application = make_application(team=team, business_owner="Ilse")

        assert application_owners([application.pk])[application.pk].first == ilse.pk
        assert self.issue_owner(application) == ilse.pk


class TestMigration:
    """Texts from before persons were linked."""

    def test_texts_become_persons_where_they_are_one_address_or_one_known_name(self, team):
        ilse = member(team, "ilse", "Ilse", "Brandt")
        member(team, "anna1", "Anna", "Meier")
        member(team, "anna2", "Anna", "Meier")
        make_user("a.b@new.org", email="other@example.org")
        texts = {
            "Ilse Brandt": ilse.email,
            "ILSE@example.org ": ilse.email,
            "Kai Lund <kai.lund@New.org>": "kai.lund@new.org",
            "a.b@new.org": "a.b@new.org",
            "Anna Meier": None,
            "Model committee": None,
            "x@y.org or z@y.org": None,
        }
        rows = {text: make_application(team=team, business_owner=text) for text in texts}
        migration = import_module("apps.inventory.migrations.0002_owner_persons")

        with connection.schema_editor() as editor:
            migration.link_owners(None, editor)

        linked = {
            text: (person := Application.objects.get(pk=row.pk).business_owner_person)
            and person.email
            for text, row in rows.items()
        }
        assert linked == texts
        kai = User.objects.get(email="kai.lund@new.org")
        assert (kai.state, str(kai)) == (PersonState.CONTACT, "Kai Lund")
        assert not kai.has_usable_password()


class TestPersons:
    def test_applications_follow_a_merged_person(self, team):
        governor = make_user(role="governance")
        ilse, double = make_user(), make_contact()
        application = make_application(team=team, business_owner_person=double)

        merge_people(survivor=ilse, duplicate=double, by=governor, at=NOW)

        application.refresh_from_db()
        assert application.business_owner_person == ilse
        assert application.history.count() == 2

    def test_erasure_takes_the_address_from_applications_history_and_deliveries(self, team, editor):
        governor = make_user(role="governance")
        person = find_or_create_contact(email="ilse.brandt@example.org", by=editor)
        application = register_application(
            name="Triage",
            team=team,
            by=editor,
            facts={
                "business_owner": "Ilse.Brandt@example.org",
                "technical_owner": "otto@example.org, ilse.brandt@example.org",
            },
        )
        delivery = Delivery.objects.create(
            user=person,
            address=person.email,
            message_id="<1@x>",
            subject="s",
            body_text="For Ilse Brandt",
            due_at=NOW,
        )

        erased = erase_contact(person=person, by=governor)

        application.refresh_from_db()
        delivery.refresh_from_db()
        assert application.business_owner == str(erased)
        assert application.business_owner_person is None
        assert application.technical_owner == f"otto@example.org, {erased}"
        texts = [
            f"{version.business_owner} {version.technical_owner}".lower()
            for version in application.history.all()
        ]
        assert not any("ilse" in text for text in texts)
        assert (delivery.address, delivery.body_text) == (str(erased), "")
        assert erased.state == PersonState.CLOSED
