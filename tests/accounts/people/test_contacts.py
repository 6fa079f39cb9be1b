"""Contacts: added by those who may name owners, confirmed by governance, closed, erased."""

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.events.emails import send_event_emails
from apps.accounts.models import (
    AccountEvent,
    EmailAlias,
    PeopleSettings,
    PersonState,
    User,
)
from apps.accounts.people.addresses import guess_name, read_address, split_name
from apps.accounts.people.contacts import (
    change_people_settings,
    close_person,
    confirm_contacts,
    find_or_create_contact,
    find_or_create_contacts,
    rename_contact,
)
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.invitations import invite_people, invite_person
from apps.accounts.people.mail_rules import (
    allowed_domains,
    contacts_with_mail,
    may_receive_mail,
    unconfirmed_contacts,
)
from apps.accounts.people.queries import search_people, visible_people
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from tests.builders import NOW, make_contact, make_member, make_team, make_user
from tests.threads import run_in_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def governor():
    return make_user("maren", role="governance", email="maren@insurer.example")


@pytest.fixture
def editor():
    return make_member(make_team(), TeamRole.EDITOR)


class TestAddressTexts:
    @pytest.mark.parametrize(
        ("text", "address", "name"),
        [
            ("ilse@example.org", "ilse@example.org", ""),
            (" Ilse@Example.org ", "ilse@example.org", ""),
            ("Ilse Brandt <ilse@example.org>", "ilse@example.org", "Ilse Brandt"),
            ('"Brandt, Ilse" <ilse@example.org>', "ilse@example.org", "Brandt, Ilse"),
        ],
    )
    def test_one_address_is_read(self, text, address, name):
        read = read_address(text)

        assert read is not None
        assert (read.address, read.name) == (address, name)

    @pytest.mark.parametrize(
        "text",
        ["", "Ilse Brandt", "a@b.org, c@d.org", "ask ilse@example.org", "ilse@", "@ilse", "a@b"],
    )
    def test_anything_else_is_no_address(self, text):
        assert read_address(text) is None

    def test_names_are_guessed_from_addresses(self):
        assert guess_name("ilse.brandt@example.org") == ("Ilse", "Brandt")
        assert guess_name("anna-lena.de_vries@example.org") == ("Anna-Lena", "De Vries")
        assert guess_name("ibrandt7@example.org") == ("ibrandt7", "")
        assert split_name("Brandt, Ilse") == ("Ilse", "Brandt")


class TestAdding:
    def test_an_editor_adds_an_unknown_address(self, editor):
        contact = find_or_create_contact(email="Ilse.Brandt@example.org", by=editor)

        assert (contact.state, contact.email) == (PersonState.CONTACT, "ilse.brandt@example.org")
        assert str(contact) == "Ilse Brandt"
        assert not contact.has_usable_password()
        entry = contact.history.select_related("pgh_context").get()
        assert entry.pgh_context.metadata["user"] == editor.pk

    def test_a_known_address_or_alias_is_the_person(self, editor):
        ada = make_user("ada", email="ada@example.org")
        EmailAlias.objects.create(user=ada, email="a.l@example.org")

        for email in ("ADA@example.org", "Ada L <a.L@example.org>"):
            assert find_or_create_contact(email=email, by=editor) == ada

    def test_viewers_and_auditors_add_nobody(self):
        viewer = make_member(make_team(), TeamRole.VIEWER)
        for user in (viewer, make_user(), make_user(role="auditor")):
            with pytest.raises(ForbiddenError):
                find_or_create_contact(email="new@example.org", by=user)

        known = make_contact("known@example.org")
        assert find_or_create_contact(email="known@example.org", by=viewer) == known

    def test_what_is_no_address_is_refused(self, editor):
        with pytest.raises(DomainError, match="not a valid email address"):
            find_or_create_contact(email="Ilse Brandt", by=editor)

    def test_a_taken_username_gets_another(self, editor):
        make_user("ilse@example.org", email="other@example.org")

        contact = find_or_create_contact(email="ilse@example.org", by=editor)

        assert contact.email == "ilse@example.org"
        assert contact.username.startswith("ilse@example.org-")

    def test_many_take_as_many_statements_as_one(self, editor):
        with CaptureQueriesContext(connection) as few:
            find_or_create_contacts(names={"a@example.org": ""}, by=editor)
        with CaptureQueriesContext(connection) as many:
            find_or_create_contacts(names={f"p{n}@example.org": "" for n in range(300)}, by=editor)

        assert User.objects.contacts().count() == 301
        # the roles of the editor are read once
        assert len(many) <= len(few)

    @pytest.mark.django_db(transaction=True)
    def test_at_the_same_moment_it_is_one_contact(self):
        editor = make_user(role="governance")

        found = run_in_threads(
            4, lambda: find_or_create_contact(email="new@example.org", by=editor).pk
        )

        assert len(set(found)) == 1
        assert User.objects.contacts().count() == 1


class TestMail:
    def test_domains_of_active_users_are_allowed(self, governor):
        make_user("gone", email="x@closed.example", is_active=False)
        inside = make_contact("ilse@INSURER.example")
        outside = make_contact("vendor@elsewhere.example")

        assert allowed_domains() == ["insurer.example"]
        assert contacts_with_mail([inside.pk, outside.pk]) == {inside.pk}
        assert list(unconfirmed_contacts()) == [outside]

    def test_configured_domains_take_their_place(self, governor):
        contact = make_contact("ilse@insurer.example")

        row = change_people_settings(allowed_domains=[" Partner.example "], by=governor)

        assert row.allowed_domains == ["partner.example"]
        assert not may_receive_mail(contact)
        assert PeopleSettings.objects.count() == 1

    def test_governance_confirms_an_address_outside(self, governor, editor):
        contact = make_contact("vendor@elsewhere.example")
        with pytest.raises(ForbiddenError):
            confirm_contacts(people=[contact.pk], by=editor, at=NOW)

        assert confirm_contacts(people=[contact.pk], by=governor, at=NOW) == 1
        assert confirm_contacts(people=[contact.pk], by=governor, at=NOW) == 0

        assert may_receive_mail(User.objects.get(pk=contact.pk))
        assert not unconfirmed_contacts().exists()

    def test_users_receive_mail_whatever_their_domain(self, governor):
        assert may_receive_mail(make_user(email="x@elsewhere.example"))
        assert not may_receive_mail(make_user(is_active=False))


class TestInvitations:
    def test_a_contact_gets_an_account_and_the_link_is_made_when_it_is_sent(self, governor):
        contact = make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")

        invited = invite_person(person=contact, by=governor)
        assert send_event_emails(at=invited.account_events.get().first_at) == 1

        assert (invited.state, invited.is_active) == (PersonState.INVITED, True)
        (message,) = mail.outbox
        assert message.to == ["ilse@insurer.example"]
        assert "/accounts/password/reset/key/" in message.body

    def test_all_contacts_are_invited_and_one_that_fails_stops_no_other(self, governor):
        contacts = [make_contact() for _ in range(3)]
        active = make_user()

        invited, rejected = invite_people(by=governor)
        again, refused = invite_people(by=governor, people=[active.pk, contacts[0].pk])

        assert invited == contacts
        assert rejected == []
        assert again == [contacts[0]]
        assert [rejection.person for rejection in refused] == [active]
        assert AccountEvent.objects.filter(kind="invited").count() == 4

    def test_without_governance_nobody_is_invited(self, editor):
        contact = make_contact()

        with pytest.raises(ForbiddenError):
            invite_person(person=contact, by=editor)

    def test_governance_sends_no_link_for_an_account_with_a_role(self, governor):
        invited = make_user(role="auditor", state=PersonState.INVITED)

        with pytest.raises(ForbiddenError, match="administrator"):
            invite_person(person=invited, by=governor)


class TestClosing:
    def test_governance_closes_contacts_and_administrators_accounts(self, governor):
        contact, user = make_contact(), make_user()

        assert close_person(person=contact, by=governor).state == PersonState.CLOSED
        with pytest.raises(ForbiddenError):
            close_person(person=user, by=governor)
        closed = close_person(person=user, by=make_user(role="admin"))

        assert (closed.state, closed.is_active) == (PersonState.CLOSED, False)

    def test_the_name_of_a_contact_is_corrected(self, governor):
        contact = make_contact(first_name="ibrandt")

        rename_contact(person=contact, first_name="Ilse", last_name="Brandt", by=governor)

        assert str(User.objects.get(pk=contact.pk)) == "Ilse Brandt"
        with pytest.raises(ConflictError):
            rename_contact(person=make_user(), first_name="A", last_name="", by=governor)


class TestErasure:
    def test_name_and_address_go_also_from_the_history(self, governor, editor):
        contact = find_or_create_contact(email="ilse.brandt@example.org", by=editor)
        EmailAlias.objects.create(user=contact, email="i.b@example.org")
        rename_contact(person=contact, first_name="Ilse", last_name="Brandt-Meyer", by=governor)

        erased = erase_contact(person=contact, by=governor)

        assert erased.state == PersonState.CLOSED
        assert str(erased).startswith("Erased contact ")
        history = contact.history.model.objects.filter(pgh_obj_id=contact.pk)
        texts = " ".join(
            f"{v.username} {v.first_name} {v.last_name} {v.email}" for v in history
        ).lower()
        assert history.count() >= 3
        assert "ilse" not in texts
        assert "brandt" not in texts
        assert not EmailAlias.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_emailaliashistory")
            assert cursor.fetchone() == (0,)

    def test_the_address_can_be_added_again_afterwards(self, governor):
        erase_contact(person=make_contact("ilse@example.org"), by=governor)

        again = find_or_create_contact(email="ilse@example.org", by=governor)

        assert again.is_contact

    def test_persons_with_an_account_are_not_erased(self, governor):
        for person in (make_user(), make_user(is_active=False)):
            with pytest.raises(ConflictError, match="account"):
                erase_contact(person=person, by=governor)
        with pytest.raises(ForbiddenError):
            erase_contact(person=make_contact(), by=make_user())


class TestSearching:
    def test_names_and_addresses_are_found_by_their_beginning(self, governor):
        ilse = make_contact("i.brandt@insurer.example", first_name="Ilse", last_name="Brandt")
        EmailAlias.objects.create(user=ilse, email="ilse@old.example")
        make_contact("other@insurer.example", first_name="Otto", last_name="Meier")
        people = visible_people(governor)

        for text in ("ilse br", "BRANDT", "i.brandt@", "ilse@old.example"):
            assert list(search_people(people, text)) == [ilse], text
        assert list(search_people(people, "i.brandt@", by_address=False)) == []

    def test_addresses_are_shown_to_members_of_the_same_teams_only(self, governor):
        team = make_team()
        member = make_member(team, TeamRole.VIEWER)
        colleague, stranger = make_member(team), make_user()

        def address(reader, person):
            return visible_people(reader).get(pk=person.pk).visible_email

        assert address(governor, stranger) == stranger.email
        assert address(member, colleague) == colleague.email
        assert address(member, member) == member.email
        assert address(member, stranger) == ""
        assert address(stranger, member) == ""
