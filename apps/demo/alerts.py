"""The demo's voice: what its people wish to hear, what is owed to them on the day of loading, and a few answers."""

from datetime import datetime

from django.db import transaction

from apps.alerts.actions import acknowledge_alert, assign_alert, mute, raise_alerts, raise_due_alerts, snooze_alert
from apps.alerts.models import Alert, Mute, Notice, Preference, Subscription
from apps.alerts.wishing import save_subscription, set_preference
from apps.common.history import acting
from apps.demo.fixtures import LoadingDay, Record, RecordLookup, read_fixture, was_never_used
from apps.inventory.models import Application


@transaction.atomic
def load_alerts(*, at: datetime) -> None:
    """Nothing where anybody has wished for or been told anything."""
    if Notice.objects.exists() or not all(was_never_used(model) for model in (Preference, Subscription, Mute)):
        return
    day, named, said = LoadingDay(at), RecordLookup(), read_fixture("alerts")
    for row in said["preferences"]:
        wish = {name: value for name, value in row.items() if name != "user"}
        set_preference(by=named.user(row["user"]), at=at, **wish)
    for row in said["subscriptions"]:
        _subscribe(row, named)
    for row in said["mutes"]:
        facts = day.dated({name: value for name, value in row.items() if name != "user"})
        mute(by=named.user(row["user"]), at=at, **facts)
    with acting(job="load_demo"):
        raise_alerts(at=at)
        raise_due_alerts(at=at)
    for row in said["answers"]:
        _answer(row, named, day)


def _subscribe(row: Record, named: RecordLookup) -> None:
    facts = {name: value for name, value in row.items() if name not in ("user", "provider")}
    provider = named.provider(row["provider"]) if "provider" in row else None
    user = named.user(row["user"])
    save_subscription(subscription=Subscription(user=user, provider=provider, **facts), by=user)


def _answer(row: Record, named: RecordLookup, day: LoadingDay) -> None:
    """To the first alert of that kind about the application; none where the catalogue has moved on."""
    application = Application.objects.get(slug=row["application"])
    alert = (
        Alert.objects.waiting()
        .filter(kind=row["kind"], application_ids__contains=[application.pk])
        .order_by("due_on", "pk")
        .first()
    )
    if alert is None:
        return
    by = named.user(row["by"])
    match row["do"]:
        case "acknowledge":
            acknowledge_alert(alert=alert, by=by, at=day.at)
        case "assign":
            assign_alert(alert=alert, to=named.user(row["to"]), by=by, at=day.at)
        case "snooze":
            snooze_alert(alert=alert, until=day.on(row["until"]), by=by, at=day.at)
