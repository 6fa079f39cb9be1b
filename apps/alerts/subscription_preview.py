"""Preview of a subscription: the alerts that it would have sent in the last 30 days, by the rule
that also creates notifications."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from apps.accounts.models import User
from apps.alerts.delivery.due_digests import schedule_of_preference
from apps.alerts.delivery.schedule import DigestSchedule, next_window
from apps.alerts.kinds.provider_events import NOTIFIED_EVENT_KINDS, subscription_covers_event
from apps.alerts.models import Alert, AlertQuerySet, Cadence, Notice, Preference, Subscription
from apps.alerts.recipients import visible_teams
from apps.alerts.subscriptions import (
    alert_facts,
    can_be_notified,
    subscription_matches,
    teams_below,
    without_duplicates,
)
from apps.catalog.models import ProviderEvent

PREVIEW_DAYS = 30
# Maximum number of alerts, and of events, that are checked; beyond it the preview is cut.
MAX_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class SubscriptionPreview:
    """The preview of the last thirty days: `n_alerts` would have matched, in `n_mails` emails;
    `n_anyway` of them would have reached the user without it. `moments` are the times of the
    emails, latest first. `is_cut`: there are more. `no_mail_as` is the reason why no email would
    have been sent, whatever matched; empty if emails would have been sent."""

    n_alerts: int
    n_mails: int
    n_anyway: int
    moments: tuple[datetime, ...]
    is_cut: bool
    no_mail_as: str = ""

    def __str__(self) -> str:
        """Format as `Would have sent you 3 emails in the last 30 days, about 11 alerts.`"""
        if not self.n_alerts:
            return "Would have sent you no email in the last 30 days."
        prefix = "more than " if self.is_cut else ""
        if self.no_mail_as:
            about = (
                f"{prefix.capitalize()}{self.n_alerts:,} alert{'' if self.n_alerts == 1 else 's'}"
            )
            return (
                f"Would have sent you no email in the last 30 days, because {self.no_mail_as}. "
                f"{about} would have matched."
            )
        mails = f"{prefix}{self.n_mails:,} email{'' if self.n_mails == 1 else 's'}"
        alerts = f"{prefix}{self.n_alerts:,} alert{'' if self.n_alerts == 1 else 's'}"
        anyway = f"; {self.n_anyway:,} of them were sent to you anyway" if self.n_anyway else ""
        return f"Would have sent you {mails} in the last 30 days, about {alerts}{anyway}."


def preview_subscription(
    subscription: Subscription, *, user: User, at: datetime
) -> SubscriptionPreview:
    """Preview the subscription for the 30 days before `at`, over the alerts that `user` can view.

    It counts the alerts of applications, and the provider events that affected no application of
    the user. `subscription` need not be stored.
    """
    since = at - timedelta(days=PREVIEW_DAYS)
    sub_team_ids = teams_below([subscription])
    alerts = list(_select_candidates(subscription, user, since=since, at=at)[: MAX_CANDIDATES + 1])
    facts = alert_facts(alerts)
    visible_team_ids = visible_teams([user])[user.pk]
    visible_alerts = without_duplicates(
        alert for alert in alerts if can_be_notified(user.pk, alert, visible_team_ids)
    )
    matching_alerts = [
        alert
        for alert in visible_alerts
        if subscription_matches(subscription, facts[alert.pk], sub_team_ids[subscription.team_id])
    ]
    notified_alert_ids = set(
        Notice.objects.filter(user=user, alert__in=[alert.pk for alert in matching_alerts])
        .exclude(why=Notice.Why.SUBSCRIPTION)
        .values_list("alert_id", flat=True)
    )
    events, is_cut_in_events = _select_further_events(
        subscription, user, {alert.event_id for alert in matching_alerts}, since=since, at=at
    )
    moments = [alert.raised_at for alert in matching_alerts] + [
        event.detected_at for event in events
    ]
    schedule = schedule_for_user(user)
    no_mail_as = _NO_EMAIL_REASONS.get(schedule.cadence, "")
    mail_times = set() if no_mail_as else _find_mail_times(schedule, moments)
    return SubscriptionPreview(
        n_alerts=len(matching_alerts) + len(events),
        n_mails=len(mail_times),
        n_anyway=len(notified_alert_ids),
        moments=tuple(sorted(mail_times, reverse=True)),
        is_cut=len(alerts) > MAX_CANDIDATES or is_cut_in_events,
        no_mail_as=no_mail_as,
    )


# Reasons by frequency; alerts from subscriptions are never urgent.
_NO_EMAIL_REASONS = {
    str(Cadence.NEVER): "your frequency is Off",
    str(Cadence.URGENT): "your frequency is Urgent only, and subscriptions are not urgent",
}


def schedule_for_user(user: User) -> DigestSchedule:
    preference = Preference.objects.filter(user=user).first()
    return schedule_of_preference(preference, hour=user.digest_hour, time_zone=user.time_zone)


def _select_candidates(
    subscription: Subscription, user: User, *, since: datetime, at: datetime
) -> AlertQuerySet:
    """Select alerts that might match, latest first.

    The database tests severity, kind, foundation and provider; `subscription_matches` tests the
    remaining conditions.
    """
    alerts = Alert.objects.visible_to(user).filter(
        raised_at__gt=since, raised_at__lte=at, severity__gte=subscription.min_severity
    )
    if subscription.kinds:
        alerts = alerts.filter(kind__in=subscription.kinds)
    if subscription.foundation_id is not None:
        alerts = alerts.filter(offering__version__foundation=subscription.foundation_id)
    if subscription.provider_id is not None:
        provider_id = subscription.provider_id
        alerts = alerts.filter(
            Q(offering__host=provider_id) | Q(offering__version__foundation__developer=provider_id)
        )
    return alerts.order_by("-raised_at", "-pk")


def _select_further_events(
    subscription: Subscription,
    user: User,
    counted_event_ids: set[int | None],
    *,
    since: datetime,
    at: datetime,
) -> tuple[list[ProviderEvent], bool]:
    """Return (events, whether there were more than MAX_CANDIDATES to check).

    The events are those after `since` that affected no application the user can view and that the
    subscription covers (`subscription_covers_event`), latest first, without those of
    `counted_event_ids`. A subscription to a team covers none.
    """
    if subscription.team_id is not None:
        return [], False
    events = ProviderEvent.objects.filter(detected_at__gt=since, detected_at__lte=at).exclude(
        pk__in=Alert.objects.visible_to(user)
        .filter(Q(team__isnull=False) | Q(user=user), event__isnull=False, raised_at__gt=since)
        .values("event")
    )
    if subscription.foundation_id is not None:
        events = events.filter(offering__version__foundation=subscription.foundation_id)
    if subscription.provider_id is not None:
        provider_id = subscription.provider_id
        events = events.filter(
            Q(offering__host=provider_id) | Q(offering__version__foundation__developer=provider_id)
        )
    elif subscription.foundation_id is None:
        events = events.exclude(kind__in=NOTIFIED_EVENT_KINDS)
    if subscription.kinds:
        events = events.filter(kind__in=subscription.kinds)
    events = events.select_related("offering__version__foundation")
    # one more than are checked shows whether the preview is cut
    candidates = list(events.order_by("-detected_at", "-pk")[: MAX_CANDIDATES + 1])
    covered_events = [
        event
        for event in candidates[:MAX_CANDIDATES]
        if event.pk not in counted_event_ids
        and subscription_covers_event(subscription, event, at=event.detected_at)
    ]
    return covered_events, len(candidates) > MAX_CANDIDATES


def _find_mail_times(schedule: DigestSchedule, moments: Iterable[datetime]) -> set[datetime]:
    """Return the times of the emails: one a window, or one a minute if each change is emailed
    immediately."""
    mail_times: set[datetime] = set()
    window_by_hour: dict[datetime, datetime] = {}
    for moment in moments:
        if not schedule.has_windows:
            mail_times.add(moment.replace(second=0, microsecond=0))
            continue
        hour = moment.replace(minute=0, second=0, microsecond=0)
        if hour not in window_by_hour:
            window_by_hour[hour] = next_window(schedule, hour)
        mail_times.add(window_by_hour[hour])
    return mail_times
