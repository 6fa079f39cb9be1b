"""Sending of one delivery to its channel, and what becomes of a channel that refuses."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.accounts.roles import TeamRole
from apps.alerts.channels import pagerduty, teams
from apps.alerts.channels.calls import ChannelFailure
from apps.alerts.channels.credentials import open_secrets
from apps.alerts.channels.slack import client as slack
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.models import ChannelService, Delivery, Webhook
from apps.alerts.recipients import organisation_roles
from apps.alerts.text import one_line
from apps.common.errors import DomainError
from apps.common.history.context import audit_context

# Consecutive refusals after which a channel is disabled; the first two are retried, because a
# service can be wrong for some minutes.
MAX_REFUSALS = 3


def post_to_channel(delivery: Delivery, *, at: datetime) -> ChannelFailure | None:
    """Post a delivery once; None if the service accepted it. A channel that refuses for the third
    time is disabled, and its owners are notified."""
    channel = delivery.webhook
    assert channel is not None
    failure = _post(channel, delivery.body_text)
    if failure is None:
        Webhook.objects.filter(pk=channel.pk).update(last_sent_at=Now(), n_refusals=0)
        return None
    if failure.refuses_channel and _count_refusal(channel, failure.reason, at=at):
        return ChannelFailure(failure.reason, final=True, refuses_channel=True)
    return failure


def _post(channel: Webhook, body: str) -> ChannelFailure | None:
    try:
        credentials = open_secrets(channel)
    except DomainError as error:
        return ChannelFailure(str(error), refuses_channel=True)
    match channel.service:
        case ChannelService.SLACK:
            return slack.post_message(body, credentials)
        case ChannelService.TEAMS:
            return teams.post_card(body, credentials)
        case _:
            return pagerduty.post_event(body, channel.destination, credentials)


@transaction.atomic
def _count_refusal(channel: Webhook, reason: str, *, at: datetime) -> bool:
    """Count a refusal of the channel; at the limit disable it, and return whether it is disabled
    now."""
    Webhook.objects.filter(pk=channel.pk).update(n_refusals=F("n_refusals") + 1)
    locked = Webhook.objects.select_for_update().get(pk=channel.pk)
    if not locked.enabled:
        return True
    if locked.n_refusals < MAX_REFUSALS:
        return False
    locked.enabled, locked.disabled_reason = False, one_line(reason, max_length=500)
    with audit_context(job="alerts.send_webhooks", reason="disabled after refusals"):
        locked.save(update_fields=["enabled", "disabled_reason"])
    notify_owners(locked, at=at)
    return True


def channel_owners(channel: Webhook) -> list[User]:
    """Return the users who are notified about the channel: its person, the owners of its team, or
    the users with its role; without any, governance."""
    if channel.person is not None:
        return [channel.person] if channel.person.is_active else []
    roles = organisation_roles()
    if channel.team is not None:
        owners = [
            user for user, rank in members_of(team=channel.team) if rank >= TeamRole.OWNER.rank
        ]
        return owners or roles.governance_users
    return roles.operators if channel.role == Webhook.Role.ADMIN else roles.governance_users


def notify_owners(channel: Webhook, *, at: datetime) -> int:
    """Queue an email to each owner of a channel that was disabled; return their number."""
    url = settings.PUBLIC_URL + reverse("channels:detail", args=[channel.pk])
    body = render_to_string(
        "emails/channel_disabled.txt",
        {"channel": channel, "service": channel.get_service_display(), "url": url},
    )
    owners = [owner for owner in channel_owners(channel) if owner.email]
    Delivery.objects.bulk_create(
        Delivery(
            user=owner,
            kind=Delivery.Kind.DISABLED,
            address=owner.email,
            message_id=message_id_for(
                address=owner.email, keys=[f"channel {channel.pk} {at.isoformat()}"]
            ),
            subject=one_line(
                f"The channel {channel.name} was disabled: no alerts are sent to it",
                max_length=300,
            ),
            body_text=body.strip() + "\n",
            due_at=at,
            created_at=at,
        )
        for owner in owners
    )
    return len(owners)
