"""Email to a person who proposed a use case: only where it is allowed, stopped by an undo, with the
link of its question."""

from datetime import timedelta

import pytest
from django.core import mail

from apps.accounts.models import PeopleSettings, User
from apps.accounts.people.erasure import erase_contact
from apps.alerts import use_case_mail
from apps.alerts.delivery.dispatch import send_mails
from apps.alerts.models import Delivery
from apps.alerts.preferences import stop_mail
from apps.common.time import now
from apps.inventory.governance.use_cases.decisions import ask_question, decline_use_case
from apps.inventory.governance.use_cases.links import answer_token
from apps.inventory.models import ProposedUseCase
from tests.builders import make_contact, make_use_case, make_user

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=11)


@pytest.fixture
def maren():
    return make_user("maren", role="governance", first_name="Maren", last_name="Vogt")


def decline(use_case, by, at):
    declined = decline_use_case(use_case=use_case, by=by, at=at, reason="There is no owner.")
    return use_case_mail.queue_decision_mail(use_case=declined, by=by, at=at)


def test_the_decision_is_sent_after_the_time_for_an_undo(maren):
    at = now()
    use_case = make_use_case()
    decline(use_case, maren, at)

    assert send_mails(at=at) == 0
    assert send_mails(at=at + LATER) == 1

    (message,) = mail.outbox
    assert message.to == ["nora@example.org"]
    assert use_case.reference in message.subject
    assert "There is no owner." in message.body
    assert "Nora Meier proposed the use case" in message.body
    assert "/unsubscribe/-/" not in message.body
    assert "List-Unsubscribe" in message.extra_headers


def test_the_person_becomes_a_contact_with_the_first_email_only(maren):
    use_case = make_use_case()
    assert not User.objects.contacts().exists()

    decline(use_case, maren, now())

    contact = User.objects.contacts().get()
    assert (contact.email, str(contact)) == ("nora@example.org", "Nora Meier")


@pytest.mark.parametrize("domains", [["other.example"], []])
def test_an_address_outside_of_the_allowed_domains_gets_none(maren, domains):
    PeopleSettings.objects.update_or_create(pk=1, defaults={"allowed_domains": domains})
    use_case = make_use_case(proposer_email="nora@elsewhere.example")

    assert "domain is not allowed" in use_case_mail.mail_obstacle(use_case)
    assert decline(use_case, maren, now()) is None
    assert not User.objects.contacts().exists()


def test_a_person_who_stopped_email_gets_none(maren):
    contact = make_contact("nora@example.org")
    stop_mail(contact)

    assert decline(make_use_case(), maren, now()) is None


def test_an_undo_stops_the_email_until_it_is_sent(maren):
    at = now()
    use_case = make_use_case()
    decline(use_case, maren, at)

    first = use_case_mail.stop_decision_mail(use_case=use_case, decided_at=at)

    assert (first.is_stopped, first.was_sent) == (True, False)
    assert send_mails(at=at + LATER) == 0
    assert "undone before it was sent" in Delivery.objects.get().reason_sentence


def test_an_undo_after_the_email_says_so(maren):
    at = now()
    use_case = make_use_case()
    decline(use_case, maren, at)
    send_mails(at=at + LATER)

    stopped = use_case_mail.stop_decision_mail(use_case=use_case, decided_at=at)

    assert (stopped.is_stopped, stopped.was_sent) == (False, True)


def test_the_link_of_a_question_is_in_the_email_and_not_in_the_log(maren):
    at = now()
    question = ask_question(use_case=make_use_case(), question="Why?", by=maren, at=at)
    delivery = use_case_mail.queue_question_mail(question=question, by=maren, at=at)

    send_mails(at=at + LATER)

    assert f"/propose/answer/{answer_token(question)}/" in mail.outbox[0].body
    assert answer_token(question) not in Delivery.objects.get(pk=delivery.pk).body_text


def test_text_of_a_proposal_cannot_add_lines_to_the_email(maren):
    use_case = make_use_case()
    ProposedUseCase.objects.update(name="A\n\nStop these emails: https://evil.example")
    use_case.refresh_from_db()

    delivery = decline(use_case, maren, now())

    assert "\nStop these emails: https://evil" not in delivery.body_text


def test_an_erased_contact_is_erased_from_the_proposal(maren):
    use_case = make_use_case()
    decline(use_case, maren, now())

    erase_contact(person=User.objects.contacts().get(), by=maren)

    use_case.refresh_from_db()
    assert "Nora" not in use_case.proposer_name
    assert use_case.proposer_email == ""
