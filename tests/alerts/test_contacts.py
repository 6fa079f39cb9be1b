"""Contacts are told of the applications they own, by email alone, and answer by its link."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.people.contacts import close_person, confirm_contacts
from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.delivery import links
from apps.alerts.models import Alert, Delivery, Notice, SkipReason
from apps.alerts.recipients import application_owners
from apps.common.time import now
from apps.inventory.models import Application
from tests.alerts.simulation import RIPE
from tests.builders import NOW, make_application, make_contact, make_dependency, make_user
from tests.http import text_of
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def governor():
    # active users make their domains allowed
    return make_user("maren", role="governance", email="maren@insurer.example")


@pytest.fixture
def contact(governor):
    return make_contact("ilse@insurer.example", first_name="Ilse", last_name="Brandt")


@pytest.fixture
def world(contact):
    world = make_small_world()
    Application.objects.filter(pk=world.application.pk).update(business_owner_person=contact)
    other = make_application("Other claims work", team=world.team)
    make_dependency(other, world.offering)
    world.event()
    return world


def told(person):
    raise_alerts(at=NOW)
    queue_digests(at=NOW + RIPE)
    # the link in it counts its days from now
    Delivery.objects.update(created_at=now())
    return Delivery.objects.filter(user=person)


def link_of(delivery):
    return f"/alerts/answer/{links.answer_token(delivery)}/"


class TestMail:
    def test_an_owner_without_an_account_is_told_of_the_own_application_alone(self, world, contact):
        (delivery,) = told(contact)

        assert delivery.state == "queued"
        assert delivery.address == "ilse@insurer.example"
        text = re.sub(r"\s+", " ", delivery.body_text)
        assert world.application.name in text
        assert "Other claims work" not in text + delivery.body_html + delivery.subject
        assert "You receive this email because you own the applications listed" in text
        assert links.unsubscribe_url() in text

    def test_an_address_outside_is_told_only_after_it_was_confirmed(self, world, governor):
        outside = make_contact("vendor@elsewhere.example")
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=outside)

        assert application_owners([world.application.pk])[world.application.pk].first is None
        assert not told(outside).exists()
        confirm_contacts(people=[outside.pk], by=governor, at=NOW)

        assert application_owners([world.application.pk])[world.application.pk].first == outside.pk

    def test_who_owns_it_no_longer_or_was_closed_gets_nothing(self, world, contact, governor):
        raise_alerts(at=NOW)
        assert Notice.objects.filter(user=contact).exists()
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=None)

        queue_digests(at=NOW + RIPE)

        delivery = Delivery.objects.get(user=contact)
        assert (delivery.state, delivery.skip_reason) == ("skipped", SkipReason.NO_LONGER_CONCERNED)
        close_person(person=contact, by=governor)
        assert not told(User.objects.get(pk=contact.pk)).filter(state="queued").exists()

    def test_one_click_stops_it(self, world, contact, client):
        (delivery,) = told(contact)
        path = links.unsubscribe_address_of_delivery(delivery).partition("127.0.0.1:8000")[2]

        client.post(path, {"List-Unsubscribe": "One-Click"})
        world.event("moved_later", old="2027-01-15", new="2027-03-20")

        raise_alerts(at=NOW + timedelta(days=1))
        queue_digests(at=NOW + timedelta(days=2))
        later = Delivery.objects.filter(user=contact).exclude(pk=delivery.pk)
        assert {row.skip_reason for row in later} <= {SkipReason.NO_EMAIL_WANTED}


class TestAnswers:
    def own(self, world, contact):
        """A message about an alert whose every application the contact owns."""
        (delivery,) = told(contact)
        alert = Alert.objects.filter(notices__delivery=delivery).get()
        Alert.objects.filter(pk=alert.pk).update(application_ids=[world.application.pk])
        return delivery, alert

    def test_the_link_opens_without_sign_in_and_offers_what_a_contact_may_do(
        self, world, contact, client
    ):
        delivery, _ = self.own(world, contact)

        page = text_of(client.get(link_of(delivery)))

        assert "Answer as Ilse Brandt" in page
        assert world.application.name in page
        assert 'value="acknowledge"' in page
        assert 'value="resolve"' not in page
        assert 'value="mute"' not in page

    @pytest.mark.parametrize(
        ("action", "state"), [("acknowledge", "acknowledged"), ("snooze:7", "snoozed")]
    )
    def test_it_is_acknowledged_and_snoozed(self, world, contact, client, action, state):
        delivery, alert = self.own(world, contact)

        client.post(link_of(delivery), {"alert": alert.pk, "action": action})

        alert.refresh_from_db()
        assert alert.state == state

    def test_it_is_taken(self, world, contact, client):
        delivery, alert = self.own(world, contact)

        client.post(link_of(delivery), {"alert": alert.pk, "action": "take"})

        alert.refresh_from_db()
        assert alert.assigned_to == contact

    @pytest.mark.parametrize("action", ["resolve", "mute", "reopen"])
    def test_nothing_else_is_possible(self, world, contact, client, action):
        delivery, alert = self.own(world, contact)

        answer = client.post(
            link_of(delivery),
            {"alert": alert.pk, "action": action, "why": "done", "until": "2030-01-01"},
        )

        alert.refresh_from_db()
        assert answer.status_code == 422
        assert alert.state == "open"

    def test_an_alert_about_applications_of_others_is_not_shown(self, world, contact, client):
        delivery, alert = self.own(world, contact)
        other = Application.objects.get(name="Other claims work")
        Alert.objects.filter(pk=alert.pk).update(application_ids=[world.application.pk, other.pk])

        page = client.get(link_of(delivery))
        client.post(link_of(delivery), {"alert": alert.pk, "action": "acknowledge"})

        alert.refresh_from_db()
        assert "Other claims work" not in text_of(page)
        assert alert.state == "open"

    def test_a_closed_contact_answers_nothing(self, world, contact, governor, client):
        delivery, _ = self.own(world, contact)

        close_person(person=contact, by=governor)

        assert client.get(link_of(delivery)).status_code == 404

    def test_the_link_opens_no_other_page(self, world, contact, client):
        delivery, _ = self.own(world, contact)

        client.get(link_of(delivery))

        assert client.get(reverse("alerts:list")).status_code == 302
