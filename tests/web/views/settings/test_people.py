"""Pages of people: contacts in the list, changes by governance, delegations."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import Delegation, EmailAlias, PeopleSettings, PersonState, User
from apps.accounts.people import invitations
from apps.common.time import day_of, now
from apps.inventory.models import Application
from tests.builders import make_application, make_contact, make_user
from tests.http import file_text, signed_in_client, text_of

pytestmark = pytest.mark.django_db

LIST = "/settings/people/"


@pytest.fixture
def governance():
    user = make_user("gov", role="governance", email="gov@insurer.example")
    return signed_in_client(user)


def act(client, person, action, **body):
    address = reverse("users:contact-action", args=[person.pk, action])
    return text_of(client.post(address, body, follow=True))


class TestList:
    def test_contacts_are_listed_by_name_and_narrowed_by_state(self, governance):
        make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")
        make_user("otto.secret", first_name="Otto", last_name="Meier")

        everybody = text_of(governance.get(LIST))
        contacts = text_of(governance.get(LIST, {"state": "contact"}))

        assert "Ilse Brandt" in everybody
        assert "Otto Meier" in everybody
        assert "otto.secret</a>" not in everybody
        assert "Ilse Brandt" in contacts
        assert "Otto Meier" not in contacts

    def test_contacts_to_confirm_are_counted_and_listed(self, governance):
        make_contact("a@insurer.example", first_name="Inside")
        outside = make_contact("b@elsewhere.example", first_name="Outside")

        assert "Contacts to confirm: 1" in text_of(governance.get(LIST))
        page = text_of(governance.get(LIST, {"unconfirmed": "true"}))
        assert "Outside" in page
        assert "Inside" not in page
        governance.post(reverse("users:bulk-change"), {"action": "confirm", "pick": outside.pk})
        assert "Contacts to confirm" not in text_of(governance.get(LIST))

    def test_selected_and_all_contacts_are_invited(self, governance):
        one, two = make_contact(), make_contact()
        bulk = reverse("users:bulk-change")

        nothing = text_of(governance.post(bulk, {"action": "invite"}, follow=True))
        selected = governance.post(bulk, {"action": "invite", "pick": one.pk}, follow=True)
        everybody = governance.post(bulk, {"action": "invite-all"}, follow=True)

        assert "Select at least one person." in nothing
        assert "1 person invited." in text_of(selected)
        assert "1 person invited." in text_of(everybody)
        states = User.objects.filter(pk__in=[one.pk, two.pk]).values_list("state", flat=True)
        assert set(states) == {PersonState.INVITED}

    def test_an_error_at_one_person_loses_no_earlier_invitation(self, governance, monkeypatch):
        one, two = make_contact(), make_contact()
        invite = invitations.invite_person

        def fail_at_the_second(*, person, by):
            if person.pk == two.pk:
                raise RuntimeError
            return invite(person=person, by=by)

        monkeypatch.setattr(invitations, "invite_person", fail_at_the_second)
        with pytest.raises(RuntimeError):
            governance.post(reverse("users:bulk-change"), {"action": "invite-all"})

        one.refresh_from_db()
        assert one.state == PersonState.INVITED

    def test_the_file_says_the_state_and_who_may_receive_email(self, governance):
        make_contact("a@insurer.example", first_name="Inside")
        make_contact("b@elsewhere.example", first_name="Outside")

        lines = file_text(governance.get("/settings/people.csv")).splitlines()

        places = {name: n for n, name in enumerate(lines[0].lstrip("\ufeff").split(","))}
        cells = {row.split(",")[places["First name"]]: row.split(",") for row in lines[1:]}
        assert cells["Inside"][places["State"]] == "Contact"
        assert cells["Inside"][places["Can receive email"]] == "yes"
        assert cells["Outside"][places["Can receive email"]] == "no"


class TestPerson:
    def test_a_contact_is_added_renamed_and_invited(self, governance):
        page = governance.post(
            reverse("users:create-contact"), {"email": "ibrandt@insurer.example"}, follow=True
        )
        contact = User.objects.contacts().get()
        assert "is a contact and cannot sign in" in text_of(page)

        assert "Ilse Brandt" in act(
            governance, contact, "rename", first_name="Ilse", last_name="Brandt"
        )
        assert "An invitation is being sent" in act(governance, contact, "invite")

        contact.refresh_from_db()
        assert (contact.state, str(contact)) == (PersonState.INVITED, "Ilse Brandt")

    def test_an_address_that_is_none_is_refused(self, governance):
        answer = governance.post(reverse("users:create-contact"), {"email": "ilse"})

        assert answer.status_code == 422
        assert not User.objects.contacts().exists()

    def test_a_second_record_is_merged(self, governance):
        ilse = make_user("ilse", first_name="Ilse")
        double = make_contact("i@insurer.example")
        application = make_application(business_owner_person=double)

        unknown = act(governance, ilse, "merge", duplicate="nobody@x.org")
        merged = act(governance, ilse, "merge", duplicate="I@insurer.example")

        assert "No person “nobody@x.org” found." in unknown
        assert "1 reference moved." in merged
        assert EmailAlias.objects.get().user == ilse
        assert Application.objects.get(pk=application.pk).business_owner_person == ilse

    def test_a_contact_is_closed_and_erased_and_a_user_is_not(self, governance):
        contact, user = make_contact("ilse@insurer.example"), make_user()

        assert "was closed" in act(governance, contact, "close")
        assert "The contact was erased." in act(governance, contact, "erase")
        assert "Only contacts can be erased." in act(governance, user, "erase")
        assert "ilse" not in text_of(governance.get(reverse("users:detail", args=[contact.pk])))

    def test_an_administrator_invites_a_contact_by_the_form_of_users(self):
        contact = make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")
        admin = signed_in_client(make_user(role="admin"))

        admin.post(
            reverse("users:invite"),
            {"username": "ilse", "email": "Ilse@insurer.example", "role": "1"},
        )

        contact.refresh_from_db()
        assert (contact.username, contact.state) == ("ilse", PersonState.INVITED)

    def test_others_change_nobody(self):
        contact = make_contact()
        auditor = signed_in_client(make_user(role="auditor"))

        answer = auditor.post(reverse("users:contact-action", args=[contact.pk, "erase"]))

        assert answer.status_code == 403


class TestDomains:
    def test_domains_are_entered_one_a_line(self, governance):
        address = reverse("users:domains")

        wrong = governance.post(address, {"allowed_domains": "not a domain"})
        right = governance.post(address, {"allowed_domains": "a.example\r\nb.example, c.example"})

        assert "is not a valid domain" in text_of(wrong)
        assert right.status_code == 302
        assert PeopleSettings.objects.get().allowed_domains == [
            "a.example",
            "b.example",
            "c.example",
        ]


class TestDelegations:
    def body(self, **changed):
        today = day_of(now())
        return {
            "deputy": "bob",
            "since": today.isoformat(),
            "until": (today + timedelta(days=7)).isoformat(),
            **changed,
        }

    def test_a_person_sets_and_ends_the_own_deputy(self):
        make_user("bob", first_name="Bob")
        client = signed_in_client(make_user("ada", first_name="Ada"))
        address = reverse("delegations:list")

        made = client.post(address, self.body(), follow=True)
        again = client.post(address, self.body())
        ended = client.post(
            reverse("delegations:end", args=[Delegation.objects.get().pk]), follow=True
        )

        assert "Bob acts for Ada from" in text_of(made)
        assert "Another delegation applies in that period." in text_of(again)
        assert "Bob no longer acts for Ada." in text_of(ended)

    def test_governance_sets_that_of_others(self, governance):
        make_user("bob"), make_user("ada")

        governance.post(reverse("delegations:list"), self.body(person="ada@example.org"))

        assert Delegation.objects.get().person.username == "ada"

    def test_an_unknown_deputy_is_refused(self):
        client = signed_in_client(make_user("ada"))

        answer = client.post(reverse("delegations:list"), self.body())

        assert answer.status_code == 422
        assert "No user “bob” found." in text_of(answer)
