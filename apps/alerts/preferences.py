"""Changes of notification preferences (frequency, subscriptions, secret calendar URLs), and of the
organisation's alert rules and webhooks."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import PermissionDenied
from django.db import transaction

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.models import (
    KINDS,
    AlertPolicy,
    AlertSettings,
    Cadence,
    CalendarFeed,
    Preference,
    Subscription,
    Webhook,
)
from apps.alerts.models.channels import new_nonce
from apps.common.errors import DomainError
from apps.common.history.context import audit_context
from apps.common.http.addresses import check_address
from apps.common.http.calls import OutboundRefusedError


class InvalidPreferenceError(DomainError):
    """A preference that is not valid; the text is the correction."""


class PreferencePermissionError(PermissionDenied):
    """A change of another recipient's preferences."""


# --- frequency ------------------------------------------------------------------------------------


@transaction.atomic
def set_preference(
    *,
    by: User,
    at: datetime,
    team: Team | None = None,
    user: User | None = None,
    cadence: str | None = None,
    weekday: int | None = None,
    immediate: bool | None = None,
    heartbeat: bool | None = None,
    hour: int | None = None,
    time_zone: str | None = None,
) -> Preference:
    """Change the notification preferences of `by` (or of the mailbox of a team that `by` owns);
    None leaves a field unchanged. `user` is for the links in emails, whose bearer acts for the user
    the email was sent to."""
    if team is not None and not by.may(TeamRole.OWNER, team):
        raise PreferencePermissionError(
            f"You need the owner role on {team} to change the preferences of its mailbox."
        )
    owner: User | Team = team or user or by
    if cadence is not None and cadence not in Cadence.values:
        choices = ", ".join(Cadence.values)
        raise InvalidPreferenceError(
            f'"{cadence}" is not a valid frequency. Use one of: {choices}.', field="cadence"
        )
    if weekday is not None and not 0 <= weekday <= 6:
        raise InvalidPreferenceError(
            "Enter a weekday between 0 (Monday) and 6 (Sunday).", field="weekday"
        )
    if hour is not None and not 0 <= hour <= 23:
        raise InvalidPreferenceError("Enter an hour between 0 and 23.", field="hour")
    if time_zone is not None:
        _check_zone(time_zone)
    new_values = {
        "cadence": cadence,
        "weekday": weekday,
        "immediate": immediate,
        "heartbeat": heartbeat,
    }
    changes = {name: value for name, value in new_values.items() if value is not None}
    with audit_context(user=by, reason="notification preferences"):
        preference, _ = Preference.objects.select_for_update().get_or_create(
            **({"team": team} if team else {"user": owner})
        )
        for name, value in changes.items():
            setattr(preference, name, value)
        if heartbeat and preference.served_at is None:
            # The first empty digest is due in the next window, not for the last one.
            preference.served_at = at
        preference.save()
        hours = {"digest_hour": hour, "time_zone": time_zone}
        owner_changes = {name: value for name, value in hours.items() if value is not None}
        for name, value in owner_changes.items():
            setattr(owner, name, value)
        if owner_changes:
            owner.save(update_fields=list(owner_changes))
    return preference


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = f'"{name}" is not a valid time zone. Enter a name such as Europe/Zurich or UTC.'
        raise InvalidPreferenceError(sentence, field="time_zone") from None


@transaction.atomic
def stop_mail(recipient: User | Team) -> bool:
    """Unsubscribe by the link of an email, without a sign-in (RFC 8058: one-click). False if the
    recipient received no email any more."""
    key: dict[str, Any] = (
        {"team": recipient} if isinstance(recipient, Team) else {"user": recipient}
    )
    with audit_context(job="unsubscribe link", reason=f"unsubscribed: {recipient}"):
        preference, _ = Preference.objects.select_for_update().get_or_create(**key)
        has_changed = preference.cadence != Cadence.NEVER or preference.heartbeat
        preference.cadence, preference.heartbeat = Cadence.NEVER, False
        preference.save()
    return has_changed


# --- subscriptions --------------------------------------------------------------------------------


def check_subscription(subscription: Subscription, *, by: User) -> None:
    """Validate the subscription; raises InvalidPreferenceError with what is wrong."""
    unknown_kinds = sorted(set(subscription.kinds) - set(KINDS))
    if unknown_kinds:
        raise InvalidPreferenceError(
            f'"{unknown_kinds[0]}" is not a valid alert type. Use one of: {", ".join(KINDS)}.'
        )
    if not 1 <= subscription.min_severity <= 5:
        raise InvalidPreferenceError("Enter a severity between 1 (info) and 5 (urgent).")
    if (
        subscription.team_id is not None
        and not Team.objects.visible_to(by).filter(pk=subscription.team_id).exists()
    ):
        raise InvalidPreferenceError(
            "You do not have access to this team. Choose one of your teams."
        )


@transaction.atomic
def save_subscription(*, subscription: Subscription, by: User) -> Subscription:
    """Store a new subscription, or a change of the user's own."""
    if subscription.user_id != by.pk:
        raise PreferencePermissionError("You can change only your own subscriptions.")
    check_subscription(subscription, by=by)
    with audit_context(user=by, reason="subscription"):
        subscription.save()
    return subscription


@transaction.atomic
def delete_subscription(*, subscription: Subscription, by: User) -> None:
    if subscription.user_id != by.pk:
        raise PreferencePermissionError("You can change only your own subscriptions.")
    with audit_context(user=by, reason="subscription ended"):
        subscription.delete()


# --- secret URLs ----------------------------------------------------------------------------------


# {kind: name of its URL route}; the secret is the only parameter of the route.
FEED_ROUTES: dict[str, str] = {
    CalendarFeed.Kind.CALENDAR: "secret-feeds:calendar",
    CalendarFeed.Kind.ALERTS: "secret-feeds:alerts",
    CalendarFeed.Kind.CHANGES: "secret-feeds:changes",
}


@transaction.atomic
def create_calendar_feed(
    *, user: User, name: str = "", kind: str = CalendarFeed.Kind.CALENDAR
) -> tuple[CalendarFeed, str]:
    """Create a secret URL of the user's calendar, or of a feed. Returns the row, and the secret,
    which cannot be read again. InvalidPreferenceError for an unknown kind."""
    if kind not in CalendarFeed.Kind.values:
        raise InvalidPreferenceError(
            f'"{kind[:40]}" is not a valid type of calendar URL. Use one of: '
            f"{', '.join(CalendarFeed.Kind.values)}."
        )
    secret = secrets.token_urlsafe(32)
    with audit_context(user=user, reason=f"private URL of the {kind} created"):
        feed = CalendarFeed.objects.create(
            user=user,
            name=name[:100],
            kind=kind,
            prefix=secret[:8],
            digest=feed_secret_hash(secret),
        )
    return feed, secret


def feed_secret_hash(secret: str) -> str:
    """Return the stored hash of a secret: 256 random bits need no slow hash."""
    return sha256(secret.encode()).hexdigest()


@transaction.atomic
def revoke_calendar_feed(*, feed: CalendarFeed, by: User, at: datetime) -> bool:
    """Revoke the URL; False if it was revoked before."""
    if feed.user_id != by.pk:
        raise PreferencePermissionError("You can revoke only your own private URLs.")
    with audit_context(user=by, reason="private URL revoked"):
        return bool(CalendarFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=at))


# --- settings of the organisation -----------------------------------------------------------------


def _check_governance(by: User, action: str) -> None:
    if not by.is_governance:
        raise PreferencePermissionError(
            f"You need the governance or administrator role to change {action}."
        )


@transaction.atomic
def save_webhook(
    *,
    webhook: Webhook,
    by: User,
    new_secret: bool = False,
    old_until: datetime | None = None,
    reason: str = "",
) -> Webhook:
    """Store a new or changed webhook. With `new_secret`, the old secret signs in addition to the
    new one until `old_until`, which leaves time to configure the receiver; without `old_until`, the
    old secret becomes invalid immediately."""
    _check_governance(by, "webhooks")
    try:
        check_address(webhook.url)
    except OutboundRefusedError as error:
        raise InvalidPreferenceError(str(error), field="url") from None
    unknown_kinds = sorted(set(webhook.kinds) - set(KINDS))
    if unknown_kinds:
        raise InvalidPreferenceError(
            f'"{unknown_kinds[0]}" is not a valid alert type. Use one of: {", ".join(KINDS)}.',
            field="kinds",
        )
    if new_secret:
        webhook.old_nonce, webhook.old_until = (
            (webhook.nonce, old_until) if old_until is not None else ("", None)
        )
        webhook.nonce = new_nonce()
    with audit_context(user=by, reason=reason or "webhook"):
        webhook.save()
    return webhook


@transaction.atomic
def change_alert_policy(
    *,
    policy: AlertPolicy,
    by: User,
    milestones: Sequence[int],
    soft_milestones: Sequence[int],
    escalate_team_hours: int | None,
    escalate_governance_hours: int | None,
    reason: str = "",
) -> AlertPolicy:
    """Change reminder days and escalation hours for applications of one criticality. Days are
    stored in descending order, without duplicates."""
    _check_governance(by, "alert rules")
    policy.milestones = sorted({*milestones}, reverse=True)
    policy.soft_milestones = sorted({*soft_milestones}, reverse=True)
    policy.escalate_team_hours = escalate_team_hours
    policy.escalate_governance_hours = escalate_governance_hours
    with audit_context(user=by, reason=reason or "alert policy"):
        policy.save()
    return policy


@transaction.atomic
def change_alert_settings(*, by: User, reason: str = "", **changes: Any) -> AlertSettings:
    """Change fields of AlertSettings by name."""
    _check_governance(by, "alert rules")
    alert_settings = AlertSettings.objects.select_for_update().get(pk=1)
    for name, value in changes.items():
        setattr(
            alert_settings,
            name,
            sorted({*value}, reverse=True) if name.endswith("_milestones") else value,
        )
    with audit_context(user=by, reason=reason or "alert settings"):
        alert_settings.save()
    return alert_settings


__all__ = [
    "FEED_ROUTES",
    "InvalidPreferenceError",
    "PreferencePermissionError",
    "change_alert_policy",
    "change_alert_settings",
    "check_subscription",
    "create_calendar_feed",
    "delete_subscription",
    "feed_secret_hash",
    "revoke_calendar_feed",
    "save_subscription",
    "save_webhook",
    "set_preference",
    "stop_mail",
]
