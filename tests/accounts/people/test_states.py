"""States of persons agree with their access."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.accounts.actions import add_user, change_user
from apps.accounts.models import EmailAlias, PersonState, User
from apps.accounts.service_accounts import add_service
from tests.builders import make_contact, make_user
from tests.threads import call_at_once

pytestmark = pytest.mark.django_db


def refused(**values):
    person = make_user()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=person.pk).update(**values)
    return True


class TestAccess:
    @pytest.mark.parametrize(
        ("state", "is_active"),
        [("contact", True), ("closed", True), ("invited", False), ("active", False)],
    )
    def test_a_state_that_contradicts_it_is_refused(self, state, is_active):
        assert refused(state=state, is_active=is_active)

    @pytest.mark.parametrize(
        "values",
        [
            {"password": "pbkdf2$x"},
            {"organisation_role": "governance"},
            {"is_staff": True},
            {"is_superuser": True},
            {"email": ""},
        ],
    )
    def test_a_contact_has_neither_password_nor_rights(self, values):
        contact = make_contact()

        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=contact.pk).update(**values)

    def test_a_service_account_is_active_or_closed(self):
        admin = make_user(role="admin")
        service = add_service(
            username="bot", about="Reads.", team=None, role=None, office="", by=admin
        )

        assert service.state == PersonState.ACTIVE
        for values in (
            {"state": PersonState.CONTACT, "is_active": False},
            {"state": PersonState.INVITED},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                User.objects.filter(pk=service.pk).update(**values)

    def test_a_contact_cannot_sign_in_whatever_the_password(self):
        contact = make_contact("ilse@example.org")

        client = Client()

        assert not client.login(username=contact.username, password="password")


class TestChanges:
    def test_an_added_user_is_invited_and_active_after_the_first_sign_in(self):
        person = add_user(
            facts={"username": "ilse", "email": "ilse@example.org"}, by=make_user(role="admin")
        )
        assert person.state == PersonState.INVITED

        Client().force_login(person)

        person.refresh_from_db()
        assert person.state == PersonState.ACTIVE

    def test_a_contact_becomes_the_user_who_is_added_with_its_address(self):
        contact = make_contact("ilse@example.org", first_name="Ilse", last_name="Brandt")

        person = add_user(
            facts={"username": "ilse", "email": "Ilse@example.org"}, by=make_user(role="admin")
        )

        assert (person.pk, person.username, str(person)) == (contact.pk, "ilse", "Ilse Brandt")
        assert person.state == PersonState.INVITED

    def test_closing_and_reopening_moves_the_state(self):
        admin, person = make_user(role="admin"), make_user()

        closed = change_user(person=person, facts={"is_active": False}, by=admin)
        assert closed.state == PersonState.CLOSED
        reopened = change_user(person=closed, facts={"is_active": True}, by=admin)

        assert reopened.state == PersonState.ACTIVE
        assert User.objects.get(pk=person.pk).state == PersonState.ACTIVE

    def test_saving_the_access_alone_saves_the_state(self):
        person = make_user()

        person.is_active = False
        person.save(update_fields=["is_active"])

        assert User.objects.get(pk=person.pk).state == PersonState.CLOSED


class TestAddresses:
    def test_an_alias_is_nobody_elses_address(self):
        ada, bob = make_user("ada", email="ada@example.org"), make_user("bob")
        EmailAlias.objects.create(user=ada, email="a.l@example.org")

        for email in ("A.L@example.org", "ADA@example.org", bob.email):
            with pytest.raises(IntegrityError), transaction.atomic():
                EmailAlias.objects.create(user=bob, email=email)
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=bob.pk).update(email="A.l@Example.org")

    @pytest.mark.django_db(transaction=True)
    def test_nor_where_both_are_written_at_the_same_moment(self):
        ada, bob = make_user("ada"), make_user("bob")

        def write_alias():
            with transaction.atomic():
                EmailAlias.objects.create(user=ada, email="new@example.org")
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.2)")

        def change_address():
            with transaction.atomic():
                User.objects.filter(pk=bob.pk).update(email="new@example.org")
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.2)")

        outcomes = call_at_once(write_alias, change_address)

        assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1
