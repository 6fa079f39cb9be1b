"""Somebody asks where things stand now, and is told with the next run."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import User
from apps.alerts.models import Alert, AlertQuerySet, Cadence, Notice, Preference, SkipReason
from apps.common.history.context import audit_context
from apps.common.time import day_of


class CannotAsk(ValueError):
    """Nothing could be sent; the text says why, and what to change."""


def open_alerts_of(user: User) -> AlertQuerySet:
    """What waits for an answer and is owed to the person: it fell or was given to them, or they
    were told of it."""
    told = Notice.objects.filter(alert=OuterRef("pk"), user=user)
    return (
        Alert.objects.visible_to(user)
        .waiting()
        .filter(Q(user=user) | Q(assigned_to=user) | Exists(told))
    )


@transaction.atomic
def ask_for_now(*, user: User, at: datetime) -> int:
    """Owe `user` word of every alert that waits for an answer and is owed to the person; the number
    of alerts.

    What was asked for today already is not owed again; what is owed and not written yet goes with
    it and not once more. Raises CannotAsk.
    """
    if not user.email:
        raise CannotAsk(
            "You have no e-mail address here. Ask your administrator to write one down."
        )
    wish = Preference.objects.filter(user=user).first()
    if wish is not None and wish.cadence == Cadence.NEVER:
        raise CannotAsk("You have chosen to get no mail. Choose first when you want some.")
    occasion = f"{Notice.Occasion.ASKED} {day_of(at)}"
    asked = Notice.objects.filter(alert=OuterRef("pk"), user=user, occasion=occasion)
    alerts = list(open_alerts_of(user).exclude(Exists(asked)).order_by("pk"))
    mine = Notice.objects.filter(user=user, alert__in=[alert.pk for alert in alerts])
    earlier = {notice.alert_id: notice for notice in mine.order_by("pk")}
    mine.owed().update(skip_reason=SkipReason.REQUESTED)
    with audit_context(user=user, reason="asked where things stand"):
        Notice.objects.bulk_create(
            [
                _asked(alert, user, earlier.get(alert.pk), occasion=occasion, at=at)
                for alert in alerts
            ],
            ignore_conflicts=True,
        )
    return len(alerts)


def _asked(
    alert: Alert, user: User, earlier: Notice | None, *, occasion: str, at: datetime
) -> Notice:
    """For the same reason, and about the same applications, as the person was told of it before."""
    given = Notice.Why.ASSIGNED if alert.assigned_to_id == user.pk else Notice.Why.OWNER
    return Notice(
        alert=alert,
        user=user,
        why=earlier.why if earlier else given,
        occasion=occasion,
        application_ids=earlier.application_ids if earlier else None,
        urgent=True,
        owed_at=at,
    )
