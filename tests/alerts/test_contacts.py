"""Contacts are told of the applications they own, by email alone, and answer by its link."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as default_policy

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.people.contacts import (
    change_people_settings,
    close_person,
    confirm_contacts,
)
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.merge import merge_people
from apps.alerts.actions import assign_alert, queue_digests, raise_alerts, send_due_deliveries
from apps.alerts.delivery import links
from apps.alerts.delivery.status import delivery_totals
from apps.alerts.issues.links import link_records
from apps.alerts.models import Alert, Delivery, Notice, Preference, SkipReason
from apps.alerts.recipients import application_owners
from apps.common.errors import ForbiddenError
from apps.common.time import now
from apps.inventory.models import Application
from apps.issues.evaluation import evaluate_issues
from apps.issues.models import Issue
from apps.issues.responses import (
    accept_issue,
    assign_issue,
    comment_on_issue,
    reopen_issue,
    resolve_issue,
    revoke_acceptance,
)
from apps.issues.sentences import activity_sentence, activity_user_names
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

        assert "Respond as Ilse Brandt" in page
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


class TestIssues:
    """The link also answers the issues of which the alerts of the email notify."""

    @pytest.fixture
    def issue(self, world, contact):
        evaluate_issues(at=NOW)
        return Issue.objects.get(application=world.application, cause__kind="retirement")

    @pytest.fixture
    def link(self, world, contact, issue):
        (delivery,) = told(contact)
        alert = Alert.objects.filter(notices__delivery=delivery).get()
        Alert.objects.filter(pk=alert.pk).update(application_ids=[world.application.pk])
        return link_of(delivery)

    def alert_of(self, contact):
        return Alert.objects.filter(notices__user=contact).get()

    def test_sentence_dates_and_consequences_are_shown_and_nothing_of_others(
        self, world, contact, issue, link, client, governor
    ):
        comment_on_issue(issue=issue, text="Between governance and the team", by=governor, at=NOW)

        page = text_of(client.get(link))

        assert "retires on 15 January 2027" in page
        assert "Affects the primary model gemini-2.5-pro on Google Vertex AI." in page
        assert "Between governance and the team" not in page
        assert str(governor) not in page
        assert "Other claims work" not in page

    def test_a_look_changes_nothing(self, issue, link, client):
        before = (issue.updated_at, issue.activity.count())

        client.get(link)
        client.head(link)

        issue.refresh_from_db()
        assert (issue.updated_at, issue.activity.count()) == before

    @pytest.mark.parametrize(
        ("action", "state", "kind"),
        [("acknowledge", "acknowledged", "acknowledged"), ("snooze:7", "open", "snoozed")],
    )
    def test_acknowledge_and_snooze_reach_the_issue(
        self, contact, issue, link, client, action, state, kind
    ):
        client.post(link, {"alert": self.alert_of(contact).pk, "action": action})

        issue.refresh_from_db()
        entry = issue.activity.latest("pk")
        assert (issue.state, entry.kind, entry.user) == (state, kind, contact)
        assert (issue.snoozed_until is not None) == (kind == "snoozed")

    def test_a_comment_belongs_to_the_issue_and_is_shown_to_its_writer(
        self, contact, issue, link, client
    ):
        page = text_of(
            client.post(
                link,
                {
                    "alert": self.alert_of(contact).pk,
                    "action": "comment",
                    "text": "We test <b>Gemini 3</b> this week",
                },
            )
        )

        entry = issue.activity.latest("pk")
        assert (entry.kind, entry.user, entry.text) == (
            "comment",
            contact,
            "We test <b>Gemini 3</b> this week",
        )
        assert "We test &lt;b&gt;Gemini 3&lt;/b&gt; this week" in page

    def test_an_accepted_assignment_is_in_the_activity_and_makes_the_contact_the_owner(
        self, world, contact, issue, link, client
    ):
        assert issue.assigned_by is None

        page = text_of(client.post(link, {"alert": self.alert_of(contact).pk, "action": "accept"}))

        issue.refresh_from_db()
        entry = issue.activity.filter(kind="owner").latest("pk")
        assert "One alert accepted by Ilse Brandt." in page
        assert (issue.owner, issue.assigned_by, issue.state) == (contact, contact, "acknowledged")
        assert (
            activity_sentence(entry, activity_user_names([entry]))
            == "Ilse Brandt accepted the assignment."
        )
        # the owner no longer follows a change of the other owner
        evaluate_issues(at=NOW)
        issue.refresh_from_db()
        assert issue.owner == contact

    def test_an_issue_of_somebody_else_is_taken(self, contact, issue, link, client, governor):
        assign_issue(issue=issue, to=governor, by=governor, at=NOW)
        alert = self.alert_of(contact)

        refused = text_of(client.post(link, {"alert": alert.pk, "action": "accept"}))
        client.post(link, {"alert": alert.pk, "action": "take"})

        issue.refresh_from_db()
        assert "None of these is assigned to you." in refused
        assert (issue.owner, issue.assigned_by) == (contact, contact)

    def test_what_was_done_is_undone_for_alert_and_issue(self, contact, issue, link, client):
        alert = self.alert_of(contact)
        page = text_of(client.post(link, {"alert": alert.pk, "action": "acknowledge"}))
        assert f'name="undone-issue" value="{issue.pk}"' in page

        client.post(
            link,
            {"alert": alert.pk, "issue": issue.pk, "undone-issue": issue.pk, "action": "undo"},
        )

        alert.refresh_from_db()
        issue.refresh_from_db()
        assert (alert.state, issue.state) == ("open", "open")

    @pytest.mark.parametrize("action", ["resolve", "reopen", "accept-gap", "revoke", "assign"])
    def test_nothing_else_changes_the_issue(self, contact, issue, link, client, action):
        data = {"reason": "x", "why": "x", "text": "x", "until": "2026-12-30", "owner": "maren"}

        answer = client.post(link, {**data, "alert": self.alert_of(contact).pk, "action": action})

        issue.refresh_from_db()
        assert answer.status_code == 422
        assert (issue.state, issue.accepted_until, issue.owner) == ("open", None, contact)

    def test_services_refuse_a_contact_what_the_link_does_not_permit(
        self, contact, issue, governor
    ):
        for respond in (
            lambda: resolve_issue(issue=issue, by=contact, at=NOW, reason="done"),
            lambda: accept_issue(
                issue=issue, by=contact, at=NOW, reason="so", until=NOW.date() + timedelta(30)
            ),
            lambda: reopen_issue(issue=issue, by=contact, at=NOW),
            lambda: revoke_acceptance(issue=issue, by=contact, at=NOW),
            lambda: assign_issue(issue=issue, to=governor, by=contact, at=NOW),
            lambda: assign_issue(issue=issue, to=None, by=contact, at=NOW),
        ):
            with pytest.raises(ForbiddenError):
                respond()

    def test_of_an_alert_about_others_too_the_own_issue_alone_is_shown_and_answered(
        self, world, contact, issue, link, client
    ):
        other = Application.objects.get(name="Other claims work")
        alert = self.alert_of(contact)
        Alert.objects.filter(pk=alert.pk).update(application_ids=[world.application.pk, other.pk])
        link_records(alert_ids=[alert.pk])

        page = text_of(client.get(link))
        client.post(link, {"alert": alert.pk, "action": "acknowledge"})
        alert.refresh_from_db()
        assert alert.state == "open"
        client.post(link, {"issue": issue.pk, "action": "acknowledge"})

        alert.refresh_from_db()
        issue.refresh_from_db()
        assert "retires on 15 January 2027" in page
        assert "Other claims work" not in page
        assert (alert.state, issue.state) == ("open", "acknowledged")

    def test_an_issue_of_another_application_is_not_answered(self, world, contact, link, client):
        foreign = Issue.objects.get(application__name="Other claims work")

        client.post(link, {"issue": foreign.pk, "action": "acknowledge"})

        foreign.refresh_from_db()
        assert foreign.state == "open"

    def test_a_contact_who_no_longer_owns_the_application_sees_nothing(
        self, world, contact, link, client
    ):
        Application.objects.filter(pk=world.application.pk).update(business_owner_person=None)
        evaluate_issues(at=NOW)

        page = text_of(client.get(link))

        assert "No alert of this email is still routed to you." in page
        assert "gemini" not in page


class TestAssignedIssues:
    """A contact who owns nothing, to whom an editor assigns one issue."""

    @pytest.fixture
    def assigned(self, governor):
        world = make_small_world()
        other = make_application("Other claims work", team=world.team)
        make_dependency(other, world.offering)
        evaluate_issues(at=NOW)
        person = make_contact("tom@insurer.example", first_name="Tom", last_name="Vik")
        issue = Issue.objects.get(application=world.application, cause__kind="retirement")
        return assign_issue(issue=issue, to=person, by=governor, at=NOW, is_confirmed=True)

    def test_the_contact_is_notified_and_answers_for_this_issue_alone(
        self, assigned, governor, client
    ):
        queue_digests(at=NOW + RIPE)
        Delivery.objects.update(created_at=now())
        delivery = Delivery.objects.get(user=assigned.owner)
        text = re.sub(r"\s+", " ", delivery.body_text)
        assert delivery.state == "queued"
        assert "You receive this email because alerts are assigned to you." in text
        assert "You are a contact of the registry" in text
        assert "Other claims work" not in text

        page = text_of(client.get(link_of(delivery)))
        alert = Alert.objects.get(notices__delivery=delivery)
        answer = client.post(link_of(delivery), {"alert": alert.pk, "action": "accept"})

        assigned.refresh_from_db()
        entry = assigned.activity.filter(kind="owner").latest("pk")
        assert "retires on 15 January 2027" in page
        assert "Other claims work" not in page
        assert "One alert accepted by Tom Vik." in text_of(answer)
        assert (assigned.owner.email, assigned.assigned_by, assigned.state) == (
            "tom@insurer.example",
            governor,
            "acknowledged",
        )
        assert activity_sentence(entry, activity_user_names([entry])) == (
            "Tom Vik accepted the assignment."
        )

    def test_once_it_is_assigned_to_another_person_the_link_shows_nothing(
        self, assigned, governor, client
    ):
        queue_digests(at=NOW + RIPE)
        Delivery.objects.update(created_at=now())
        delivery = Delivery.objects.get(user=assigned.owner)
        assign_issue(issue=assigned, to=governor, by=governor, at=NOW)

        page = text_of(client.get(link_of(delivery)))
        client.post(link_of(delivery), {"issue": assigned.pk, "action": "take"})

        assigned.refresh_from_db()
        assert "No alert of this email is still routed to you." in page
        assert assigned.owner == governor


class TestLinksOfFormerContacts:
    def test_an_expired_link_says_what_a_contact_can_do(self, world, contact, client):
        (delivery,) = told(contact)
        Delivery.objects.update(created_at=now() - timedelta(days=31))

        answer = client.get(link_of(delivery))

        assert answer.status_code == 404
        assert "Open the link of your latest email" in text_of(answer)
        assert "sign in" not in text_of(answer).lower()

    def test_a_closed_contact_is_told_whom_to_ask(self, world, contact, governor, client):
        (delivery,) = told(contact)
        close_person(person=contact, by=governor)

        answer = client.get(link_of(delivery))

        assert answer.status_code == 404
        assert "no longer an active user or contact" in text_of(answer)

    def test_an_erased_contact_is_told_so_without_the_name(self, world, contact, governor, client):
        (delivery,) = told(contact)
        erase_contact(person=contact, by=governor)

        answer = client.post(link_of(delivery), {"action": "acknowledge-all"})

        assert answer.status_code == 404
        assert "were erased" in text_of(answer)
        assert "Ilse" not in text_of(answer)

    def test_the_link_of_a_merged_contact_acts_for_the_person_who_stays(
        self, world, contact, governor, client
    ):
        (delivery,) = told(contact)
        survivor = make_contact("i.brandt@insurer.example", first_name="Ilse", last_name="B.")
        merge_people(survivor=survivor, duplicate=contact, by=governor, at=NOW)

        page = text_of(client.get(link_of(delivery)))

        assert "Respond as Ilse B." in page
        assert world.application.name in page


class TestAllowedDomains:
    @pytest.fixture
    def restricted(self, contact, governor):
        """Only another domain is allowed, after the alert was raised for the contact."""
        raise_alerts(at=NOW)
        assert Notice.objects.filter(user=contact).exists()
        change_people_settings(allowed_domains=["elsewhere.example"], by=governor)

    def test_what_is_not_sent_says_how_to_allow_it(self, world, contact, restricted, api, governor):
        queue_digests(at=NOW + RIPE)

        delivery = Delivery.objects.get(user=contact)
        row = api(governor).get(f"/api/v1/deliveries/{delivery.pk}/").json()
        assert (delivery.state, delivery.skip_reason) == ("skipped", "contact_domain")
        assert "confirms the address under People" in delivery.reason_sentence
        assert row["reason"] == delivery.reason_sentence

    def test_the_delivery_log_shows_it_and_adds_up(
        self, world, contact, restricted, governor, client
    ):
        queue_digests(at=NOW + RIPE)
        client.force_login(governor)

        page = text_of(client.get(f"{reverse('deliveries:list')}?state=skipped"))
        totals = delivery_totals(governor)

        assert "a contact whose domain is not allowed" in page
        assert totals.n_owed == (
            totals.n_sent + totals.n_failed + totals.n_skipped + totals.n_waiting
        )
        assert totals.n_skipped >= 1

    def test_the_team_is_told_instead(self, world, contact, restricted):
        queue_digests(at=NOW + RIPE)
        queue_digests(at=NOW + 2 * RIPE)

        assert Notice.objects.filter(
            team=world.team, alert__application_ids=[world.application.pk]
        ).exists()

    def test_a_message_that_is_queued_already_is_not_sent_either(
        self, world, contact, governor, mailoutbox
    ):
        told(contact)
        change_people_settings(allowed_domains=["elsewhere.example"], by=governor)

        send_due_deliveries(at=now())

        delivery = Delivery.objects.get(user=contact)
        assert (delivery.state, delivery.skip_reason) == ("skipped", "contact_domain")
        assert "ilse@insurer.example" not in {mail.to[0] for mail in mailoutbox}

    def test_an_alert_assigned_to_such_a_contact_says_so(self, world, governor):
        outside = make_contact("vendor@elsewhere.example")
        Application.objects.filter(pk=world.application.pk).update(technical_owner_person=outside)
        raise_alerts(at=NOW)
        alert = Alert.objects.filter(application_ids=[world.application.pk]).first()

        assign_alert(alert=alert, to=outside, by=governor, at=NOW)
        queue_digests(at=NOW + RIPE)

        assert Delivery.objects.get(user=outside).skip_reason == "contact_domain"


class TestMessageAsSent:
    def test_it_says_why_and_has_a_one_click_stop(self, world, contact, mailoutbox, client):
        told(contact)

        send_due_deliveries(at=now())

        (mail,) = [mail for mail in mailoutbox if mail.to == ["ilse@insurer.example"]]
        message = message_from_bytes(mail.message().as_bytes(), policy=default_policy)
        plain = re.sub(r"\s+", " ", message.get_body(("plain",)).get_content())
        html = re.sub(r"\s+", " ", message.get_body(("html",)).get_content())
        stop = message["List-Unsubscribe"].strip("<>")
        for body in (plain, html):
            assert "You receive this email because you own the applications listed." in body
            assert "You are a contact of the registry and have no account." in body
            assert stop in body
            assert "/alerts/subscriptions/" not in body
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path = stop.partition("127.0.0.1:8000")[2]
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert Preference.objects.get(user=contact).cadence == "never"

    def test_two_alerts_make_one_email(self, world, contact, mailoutbox):
        world.event("moved_later", old="2027-01-15", new="2027-03-20")
        told(contact)

        send_due_deliveries(at=now())

        assert [mail.to for mail in mailoutbox].count(["ilse@insurer.example"]) == 1
        assert Notice.objects.filter(user=contact, delivery__state="sent").count() == 2
