"""Unsubscribe links: the bearer of a link in an email can change the frequency of email to that
recipient without a sign-in, and nothing else.

A change for a team mailbox is reported to the team's owners."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from apps.accounts.models import Team, User
from apps.accounts.queries import members_of
from apps.accounts.roles import TeamRole
from apps.alerts.delivery.due_digests import schedule_of_preference
from apps.alerts.delivery.links import MAILBOX_LINK_DURATION
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.models import Cadence, Delivery, Preference
from apps.alerts.preferences import InvalidPreferenceError
from apps.alerts.recipients import governance_users
from apps.alerts.text import one_line
from apps.common.history.context import audit_context

AUDIT_JOB = "unsubscribe link"
MAX_CHANGES_A_DAY = 5


def recipient_schedule(recipient: User | Team) -> DigestSchedule:
    """Return the digest schedule of the user or the team mailbox."""
    preference = Preference.objects.filter(**_build_filter(recipient)).first()
    return schedule_of_preference(
        preference, hour=recipient.digest_hour, time_zone=recipient.time_zone
    )


@transaction.atomic
def change_frequency(
    recipient: User | Team, *, cadence: str, immediate: bool = True, heartbeat: bool | None = None
) -> DigestSchedule:
    """Change the frequency of email to the recipient; to stop it is `preferences.stop_mail`.
    `heartbeat` None: unchanged."""
    if cadence not in Cadence.values:
        raise InvalidPreferenceError(
            f'"{cadence}" is not a valid frequency. Use one of: {", ".join(Cadence.values)}.'
        )
    with audit_context(job=AUDIT_JOB, reason=f"{Cadence(cadence).label.lower()}: {recipient}"):
        preference, _ = Preference.objects.select_for_update().get_or_create(
            **_build_filter(recipient)
        )
        preference.cadence, preference.immediate = cadence, immediate
        preference.heartbeat = preference.heartbeat if heartbeat is None else heartbeat
        preference.save()
    return schedule_of_preference(
        preference, hour=recipient.digest_hour, time_zone=recipient.time_zone
    )


def check_change_limit(team: Team, *, at: datetime) -> None:
    """Check the rate limit: raises InvalidPreferenceError if links in emails have changed the
    mailbox too often today, since each change sends an email."""
    preference = Preference.objects.filter(team=team).first()
    if preference is None:
        return
    changes: Any = preference.history.filter(  # type: ignore[attr-defined]
        pgh_created_at__gt=at - timedelta(days=1), pgh_context__metadata__job=AUDIT_JOB
    )
    if changes.count() >= MAX_CHANGES_A_DAY:
        raise InvalidPreferenceError(
            "Links in emails have changed this mailbox several times today. An owner of the team "
            "can sign in and change it."
        )


def notify_owners(team: Team, *, sentence: str, at: datetime) -> int:
    """Queue an email to each owner of the team or of a parent team, otherwise to governance or the
    administrators: a link in an email has changed the frequency of the mailbox. `sentence`
    describes the new frequency. Returns the number of users notified."""
    url = f"{settings.PUBLIC_URL}/alerts/subscriptions/?team={team.slug}"
    body = render_to_string(
        "emails/mailbox_changed.txt",
        {"team": team, "sentence": sentence, "url": url, "days": MAILBOX_LINK_DURATION.days},
    )
    owners = _find_owners(team)
    Delivery.objects.bulk_create(
        Delivery(
            user=owner,
            kind=Delivery.Kind.MAILBOX,
            address=owner.email,
            message_id=message_id_for(
                address=owner.email, keys=[f"mailbox {team.pk} {at.isoformat()}"]
            ),
            subject=one_line(
                f"The notification preferences of the mailbox of {team} changed", max_length=300
            ),
            body_text=body.strip() + "\n",
            due_at=at,
            created_at=at,
        )
        for owner in owners
    )
    return len(owners)


def _find_owners(team: Team) -> list[User]:
    owners = [
        person
        for person, rank in members_of(team=team)
        if rank >= TeamRole.OWNER.rank and person.email
    ]
    if owners:
        return owners
    return [person for person in governance_users() if person.email]


def _build_filter(recipient: User | Team) -> dict[str, Any]:
    return {"team": recipient} if isinstance(recipient, Team) else {"user": recipient}
