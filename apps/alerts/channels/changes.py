"""Changes of channels by their owners: settings, credentials, tests."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.channels import pagerduty, teams
from apps.alerts.channels.credentials import clean_secrets, store_secrets
from apps.alerts.channels.services import SERVICES
from apps.alerts.channels.slack import messages as slack_messages
from apps.alerts.delivery.mail import message_id_for
from apps.alerts.models import KINDS, ChannelService, Delivery, Webhook
from apps.common.errors import DomainError, ForbiddenError
from apps.common.history.context import audit_context


def may_manage_channel(user: User, channel: Webhook) -> bool:
    """Return whether the user can change the channel: governance those of teams and roles, owners
    those of their teams, and each person the own ones."""
    if not user.is_active:
        return False
    if channel.person_id is not None:
        return channel.person_id == user.pk and not getattr(user, "bound_team_id", None)
    if user.is_governance:
        return True
    return channel.team_id is not None and user.may(TeamRole.OWNER, channel.team_id)


def channel_teams(user: User) -> list[Team]:
    """Return the teams for which the user can add channels, by name."""
    teams_ = Team.objects.order_by("name")
    if user.is_governance:
        return list(teams_)
    return [team for team in teams_.filter(pk__in=user.team_roles()) if _owns(user, team)]


def _owns(user: User, team: Team) -> bool:
    return user.may(TeamRole.OWNER, team)


def require_manager(user: User, channel: Webhook) -> None:
    """Raise ForbiddenError unless the user can change the channel."""
    if may_manage_channel(user, channel):
        return
    if channel.person_id is not None:
        raise ForbiddenError("Only its owner can change the channel of a user.")
    if channel.team is not None:
        raise ForbiddenError(
            f"You need the owner role on {channel.team} to change its channels.",
        )
    raise ForbiddenError(
        "You need the governance or administrator role to change channels of the organisation."
    )


@transaction.atomic
def save_channel(
    *,
    channel: Webhook,
    by: User,
    at: datetime,
    secret_values: Mapping[str, str] | None = None,
    reason: str = "",
) -> Webhook:
    """Store a new or changed channel, with the secrets that are entered now; the others stay.
    Raises DomainError by field."""
    require_manager(by, channel)
    if channel.pk is not None:
        # the former owner decides too, before the channel goes to another one
        stored = Webhook.objects.select_for_update().get(pk=channel.pk)
        require_manager(by, stored)
        if stored.service != channel.service:
            raise DomainError("The service cannot be changed. Add a channel.", field="service")
    service = SERVICES[channel.service]
    channel.name = channel.name.strip()
    channel.destination = channel.destination.strip()
    if service.destination_pattern and not service.destination_pattern.fullmatch(
        channel.destination
    ):
        raise DomainError(service.destination_correction, field="destination")
    if service.destination_choices and channel.destination not in service.destination_choices:
        raise DomainError(
            f"Use one of: {', '.join(service.destination_choices)}.", field="destination"
        )
    if sum((channel.team is not None, channel.person is not None, bool(channel.role))) != 1:
        raise DomainError("Select a team, yourself or an organisation role.", field="team")
    if unknown := sorted(set(channel.kinds) - set(KINDS)):
        raise DomainError(
            f'"{unknown[0]}" is not a valid alert type. Use one of: {", ".join(KINDS)}.',
            field="kinds",
        )
    cleaned = clean_secrets(channel.service, secret_values or {})
    if channel._state.adding:
        for secret in service.secrets:
            if secret.name not in cleaned:
                raise DomainError(f"Enter the {secret.label.lower()}.", field=secret.name)
    if channel.enabled:
        channel.disabled_reason, channel.n_refusals = "", 0
    with audit_context(user=by, reason=reason or "channel"):
        try:
            with transaction.atomic():
                channel.save()
        except IntegrityError:
            raise DomainError(
                "Another channel or webhook has this name. Enter a different name.", field="name"
            ) from None
        if cleaned:
            store_secrets(channel, cleaned, at=at)
    return channel


@transaction.atomic
def queue_test_message(*, channel: Webhook, by: User, at: datetime) -> Delivery:
    """Queue a message without alerts, which is sent and retried as any other."""
    require_manager(by, channel)
    key = secrets.token_hex(16)
    address = channel_address(channel)
    message_id = message_id_for(address=address, keys=[f"test:{key}"])
    heading = "Test message of the registry"
    text = f"{by.get_username()} tests the channel “{channel.name}”. No response is needed."
    match channel.service:
        case ChannelService.SLACK:
            body = slack_messages.build_text_message(
                destination=channel.destination,
                message_id=local_part(message_id),
                heading=heading,
                text=text,
            )
        case ChannelService.TEAMS:
            body = teams.build_text_card(heading=heading, text=text, url=settings.PUBLIC_URL)
        case _:
            body = pagerduty.build_test_event(text=f"{heading}: {text}", key=key, at=at)
    return Delivery.objects.create(
        webhook=channel,
        kind=Delivery.Kind.CHANNEL,
        address=address,
        message_id=message_id,
        subject=f"Test sent by {by.get_username()}",
        body_text=body,
        due_at=at,
        created_at=at,
    )


def channel_address(channel: Webhook) -> str:
    """Return the destination as the delivery log shows it; it contains no secret."""
    label = SERVICES[channel.service].label
    if channel.service == ChannelService.SLACK:
        return f"{label} {channel.destination}: {channel.name}"
    return f"{label}: {channel.name}"


def local_part(message_id: str) -> str:
    """Return the part of a Message-ID before the domain, which identifies it."""
    return message_id.strip("<>").partition("@")[0]
