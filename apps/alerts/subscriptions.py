"""Matching of alerts with subscriptions and webhooks, which add recipients to those of the routing.
Creation and preview share one rule."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.accounts.queries import team_and_below
from apps.alerts.models import PERSONAL_KINDS, Alert, Notice, Subscription, Webhook
from apps.alerts.recipients import visible_teams
from apps.catalog.models import Offering
from apps.common.time import day_of


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """The facts of an alert that subscriptions, webhooks and mutes are matched with."""

    kind: str
    severity: int
    team_id: int | None
    offering_id: int | None
    provider_ids: frozenset[int]
    foundation_id: int | None
    days_left: int | None
    application_ids: frozenset[int]
    subject: str


def alert_facts(alerts: Iterable[Alert]) -> dict[int, AlertFacts]:
    """Return {alert: its facts}; one statement."""
    alerts = list(alerts)
    offerings = {
        pk: (host, developer, foundation)
        for pk, host, developer, foundation in Offering.objects.filter(
            pk__in={alert.offering_id for alert in alerts if alert.offering_id}
        ).values_list(
            "pk", "host_id", "version__foundation__developer_id", "version__foundation_id"
        )
    }
    return {alert.pk: _build_facts(alert, offerings) for alert in alerts}


def _build_facts(alert: Alert, offerings: Mapping[int, tuple[int | None, ...]]) -> AlertFacts:
    host, developer, foundation = offerings.get(alert.offering_id or 0, (None, None, None))
    days_left = (alert.due_on - day_of(alert.raised_at)).days if alert.due_on else None
    return AlertFacts(
        kind=alert.kind,
        severity=alert.severity,
        team_id=alert.team_id,
        offering_id=alert.offering_id,
        provider_ids=frozenset(pk for pk in (host, developer) if pk is not None),
        foundation_id=foundation,
        days_left=days_left,
        application_ids=frozenset(alert.application_ids),
        subject=alert.subject,
    )


def subscription_matches(
    subscription: Subscription, facts: AlertFacts, team_ids: Collection[int]
) -> bool:
    """Return whether all filters of the subscription match; `team_ids` are its team and the
    sub-teams."""
    return (
        (not subscription.kinds or facts.kind in subscription.kinds)
        and facts.severity >= subscription.min_severity
        and (subscription.provider_id is None or subscription.provider_id in facts.provider_ids)
        and (
            subscription.foundation_id is None or subscription.foundation_id == facts.foundation_id
        )
        and (subscription.team_id is None or facts.team_id in team_ids)
        and (
            subscription.max_days_left is None
            or (facts.days_left is not None and facts.days_left <= subscription.max_days_left)
        )
    )


def can_see_alert(user_id: int, alert: Alert, teams_seen: frozenset[int] | None) -> bool:
    """Return whether the user can view the alert, as `Alert.objects.visible_to`: with access to
    everything, through the teams, or as the only addressee."""
    if teams_seen is None:
        return True
    return alert.team_id in teams_seen if alert.team_id is not None else alert.user_id == user_id


def subscriber_notices(
    alerts: Sequence[Alert], *, occasion: str, notified: Collection[tuple[int, int]]
) -> list[Notice]:
    """Draft notifications for all users who subscribed to such alerts, can view them and are not
    notified anyway."""
    subscriptions = list(
        Subscription.objects.filter(enabled=True, user__is_active=True).select_related("user")
    )
    if not subscriptions or not alerts:
        return []
    team_ids_by_user = visible_teams({subscription.user for subscription in subscriptions})
    sub_team_ids = teams_below(subscriptions)
    facts = alert_facts(alerts)
    by_pk = {alert.pk: alert for alert in alerts}
    notified_keys = {(build_shared_key(by_pk[pk]), user_id) for pk, user_id in notified}
    notices = []
    for alert in without_duplicates(alerts):
        for subscription in subscriptions:
            key = (build_shared_key(alert), subscription.user_id)
            if (
                key not in notified_keys
                and can_be_notified(
                    subscription.user_id, alert, team_ids_by_user[subscription.user_id]
                )
                and subscription_matches(
                    subscription, facts[alert.pk], sub_team_ids[subscription.team_id]
                )
            ):
                notified_keys.add(key)
                notices.append(
                    Notice(
                        alert=alert,
                        user_id=subscription.user_id,
                        why=Notice.Why.SUBSCRIPTION,
                        occasion=occasion,
                        urgent=False,
                        owed_at=alert.raised_at,
                    )
                )
    return notices


def is_personal(alert: Alert) -> bool:
    """Return whether the alert concerns its user only: an expiring mute or API token, or an event
    to which the user subscribed."""
    return alert.team_id is None and (alert.kind in PERSONAL_KINDS or alert.event_id is not None)


def can_be_notified(user_id: int, alert: Alert, teams_seen: frozenset[int] | None) -> bool:
    """Return whether the user can be notified: as `can_see_alert`, except for personal alerts of
    others, which are not sent to readers of everything."""
    return can_see_alert(user_id, alert, teams_seen) and (
        not is_personal(alert) or alert.user_id == user_id
    )


def build_shared_key(alert: Alert) -> str:
    """Return a key shared by the copies of an alert for several users: of an alert about the
    organisation the key without its recipient, of a team's alert the whole key."""
    return alert.key if alert.team_id is not None else alert.key.rpartition("|")[0]


def without_duplicates(alerts: Iterable[Alert]) -> list[Alert]:
    """Remove duplicates: of alerts created for several recipients, the first is kept, in the order
    of the rows."""
    alerts_by_key: dict[str, Alert] = {}
    for alert in sorted(alerts, key=lambda alert: alert.pk):
        alerts_by_key.setdefault(build_shared_key(alert), alert)
    return list(alerts_by_key.values())


def webhook_notices(alerts: Sequence[Alert], *, occasion: str) -> list[Notice]:
    """Draft notifications for the webhooks and other channels that match such alerts. A user's own
    channel follows the notifications of that user instead."""
    webhooks = list(Webhook.objects.filter(enabled=True, person=None))
    if not webhooks or not alerts:
        return []
    sub_team_ids = teams_below(webhooks)
    return [
        Notice(
            alert=alert,
            webhook=webhook,
            why=Notice.Why.WEBHOOK if webhook.is_signed_webhook else Notice.Why.CHANNEL,
            occasion=occasion,
            owed_at=alert.raised_at,
        )
        for alert in without_duplicates(alerts)
        for webhook in webhooks
        if not is_personal(alert)
        and (not webhook.kinds or alert.kind in webhook.kinds)
        and alert.severity >= webhook.min_severity
        and (webhook.team_id is None or alert.team_id in sub_team_ids[webhook.team_id])
    ]


def teams_below(rows: Iterable[Subscription | Webhook]) -> dict[int | None, frozenset[int]]:
    """Return {team of a row: it and its sub-teams}; None has none."""
    teams: dict[int | None, frozenset[int]] = defaultdict(frozenset)
    for team_id in {row.team_id for row in rows if row.team_id is not None}:
        teams[team_id] = frozenset(team_and_below(team_ids=[team_id]))
    return teams


__all__ = [
    "AlertFacts",
    "alert_facts",
    "build_shared_key",
    "can_be_notified",
    "can_see_alert",
    "is_personal",
    "subscriber_notices",
    "subscription_matches",
    "teams_below",
    "webhook_notices",
    "without_duplicates",
]
