"""Email to persons who proposed a use case: the decision, or a question.

Such a person becomes a contact when the first email is queued, and only if the rules for email to
contacts allow the address. An email waits for some minutes, so that an undo can still stop it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from apps.accounts.models import User
from apps.accounts.people.contacts import find_or_create_contact
from apps.accounts.people.mail_rules import allowed_domains, may_receive_mail
from apps.accounts.people.queries import person_by_address
from apps.alerts.delivery.links import answer_question_url, unsubscribe_url
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.models import Cadence, Delivery, SkipReason
from apps.alerts.models.outcomes import skip_sentence
from apps.alerts.text import one_line
from apps.alerts.unsubscribe_links import recipient_schedule
from apps.inventory.governance.use_cases.links import ANSWER_LINK_DURATION
from apps.inventory.models import ProposedUseCase, UseCaseQuestion

UNDO_TIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StoppedMail:
    """What an undo did to the email: stopped it, or found it sent already; neither if there was
    none."""

    is_stopped: bool
    was_sent: bool


def mail_obstacle(use_case: ProposedUseCase) -> str:
    """Return why the person receives no email, as a sentence; empty if email can be sent. Three
    statements."""
    return skip_sentence(_skip_reason(use_case.proposer_email), {})


@transaction.atomic
def queue_decision_mail(*, use_case: ProposedUseCase, by: User, at: datetime) -> Delivery | None:
    """Queue the email about the decision; None if the person can receive none."""
    is_accepted = use_case.state == ProposedUseCase.State.ACCEPTED
    verb = "accepted" if is_accepted else "declined"
    return _queue_mail(
        use_case,
        key=_decision_key(use_case, at),
        subject=f"Proposed use case {use_case.reference} was {verb}",
        template="emails/use_case_decided.txt",
        context={"is_accepted": is_accepted, "reason": use_case.decision_reason},
        by=by,
        at=at,
    )


@transaction.atomic
def queue_question_mail(*, question: UseCaseQuestion, by: User, at: datetime) -> Delivery | None:
    """Queue the email with a question and the link to its form; None if the person can receive
    none."""
    return _queue_mail(
        question.use_case,
        key=_question_key(question),
        subject=f"Question about proposed use case {question.use_case.reference}",
        template="emails/use_case_question.txt",
        context={
            "question": question.question,
            "answer_url": answer_question_url(),
            "days": ANSWER_LINK_DURATION.days,
        },
        by=by,
        at=at,
    )


def stop_decision_mail(*, use_case: ProposedUseCase, decided_at: datetime) -> StoppedMail:
    """Stop the email about a decision that was undone, if it was not sent yet."""
    return _stop_mail(use_case, _decision_key(use_case, decided_at))


def stop_question_mail(*, question: UseCaseQuestion) -> StoppedMail:
    """Stop the email with a question that was withdrawn, if it was not sent yet."""
    return _stop_mail(question.use_case, _question_key(question))


def _stop_mail(use_case: ProposedUseCase, key: str) -> StoppedMail:
    deliveries = Delivery.objects.filter(
        message_id=message_id_for(address=use_case.proposer_email, keys=[key])
    )
    n_stopped = (
        deliveries.filter(state=Delivery.State.QUEUED)
        .order_by()
        .update(state=Delivery.State.SKIPPED, skip_reason=SkipReason.UNDONE)
    )
    was_sent = deliveries.filter(state__in=[Delivery.State.SENDING, Delivery.State.SENT]).exists()
    return StoppedMail(bool(n_stopped), was_sent)


def _queue_mail(
    use_case: ProposedUseCase,
    *,
    key: str,
    subject: str,
    template: str,
    context: dict[str, object],
    by: User,
    at: datetime,
) -> Delivery | None:
    if _skip_reason(use_case.proposer_email):
        return None
    person = find_or_create_contact(
        email=use_case.proposer_email, name=use_case.proposer_name, by=by
    )
    body = render_to_string(
        template,
        {
            **context,
            "name": one_line(use_case.proposer_name, max_length=100),
            "use_case": one_line(use_case.name, max_length=120),
            "reference": use_case.reference,
            "by": str(by),
            "organisation": settings.ORGANISATION_NAME,
            "unsubscribe_url": unsubscribe_url(),
        },
    )
    return Delivery.objects.create(
        user=person,
        kind=Delivery.Kind.USE_CASE,
        # the address that was given: a person can have several
        address=use_case.proposer_email,
        message_id=message_id_for(address=use_case.proposer_email, keys=[key]),
        subject=one_line(subject, max_length=300),
        body_text=body.strip() + "\n",
        due_at=at + UNDO_TIME,
        created_at=at,
    )


def _skip_reason(address: str) -> str:
    """Return the code of the reason why no email can be sent to the address; empty if it can."""
    person = person_by_address(address)
    if person is None:
        domain = address.rpartition("@")[2].lower()
        return "" if domain in allowed_domains() else SkipReason.CONTACT_NOT_ALLOWED
    if not may_receive_mail(person):
        return SkipReason.CONTACT_NOT_ALLOWED if person.is_contact else SkipReason.INACTIVE_USER
    if recipient_schedule(person).cadence == Cadence.NEVER:
        return SkipReason.NO_EMAIL_WANTED
    return ""


def _decision_key(use_case: ProposedUseCase, decided_at: datetime) -> str:
    return f"use case {use_case.pk} decided {decided_at.isoformat()}"


def _question_key(question: UseCaseQuestion) -> str:
    return f"use case question {question.pk}"
