"""On-demand digests: a user requests a summary of the open alerts, which the next run sends."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import User
from apps.alerts.models import Alert, AlertQuerySet, Cadence, Notice, Preference, SkipReason
from apps.common.errors import DomainError
from apps.common.history.context import audit_context
from apps.common.time import day_of


class DigestRequestError(DomainError):
    """A request for which nothing could be sent; the text is the reason and the correction."""


def open_alerts_for(user: User) -> AlertQuerySet:
    """Select the open alerts of the user: routed or assigned to them, or sent to them as a
    notification."""
    notified = Notice.objects.filter(alert=OuterRef("pk"), user=user)
    return (
        Alert.objects.visible_to(user)
        .waiting()
        .filter(Q(user=user) | Q(assigned_to=user) | Exists(notified))
    )


@transaction.atomic
def request_digest(*, user: User, at: datetime) -> int:
    """Create a notification for `user` of every open alert of theirs, and return the number of
    alerts.

    An alert that was requested today already is not repeated. A pending notification of it goes out
    with the same message, and is not sent twice. Raises DigestRequestError."""
    if not user.email:
        raise DigestRequestError("You have no email address. Ask an administrator to add one.")
    preference = Preference.objects.filter(user=user).first()
    if preference is not None and preference.cadence == Cadence.NEVER:
        raise DigestRequestError(
            "Your notification frequency is Off. Select another frequency first."
        )
    occasion = f"{Notice.Occasion.ASKED} {day_of(at)}"
    requested = Notice.objects.filter(alert=OuterRef("pk"), user=user, occasion=occasion)
    alerts = list(open_alerts_for(user).exclude(Exists(requested)).order_by("pk"))
    notices = Notice.objects.filter(user=user, alert__in=[alert.pk for alert in alerts])
    notices_by_alert = {notice.alert_id: notice for notice in notices.order_by("pk")}
    notices.owed().update(skip_reason=SkipReason.REQUESTED)
    with audit_context(user=user, reason="summary requested"):
        Notice.objects.bulk_create(
            [
                _draft_notice(alert, user, notices_by_alert.get(alert.pk), occasion=occasion, at=at)
                for alert in alerts
            ],
            ignore_conflicts=True,
        )
    return len(alerts)


def _draft_notice(
    alert: Alert, user: User, earlier_notice: Notice | None, *, occasion: str, at: datetime
) -> Notice:
    """Draft a notification for the same reason, and about the same applications, as the user's
    earlier one."""
    default_route = Notice.Why.ASSIGNED if alert.assigned_to_id == user.pk else Notice.Why.OWNER
    return Notice(
        alert=alert,
        user=user,
        why=earlier_notice.why if earlier_notice else default_route,
        occasion=occasion,
        application_ids=earlier_notice.application_ids if earlier_notice else None,
        urgent=True,
        owed_at=at,
    )
