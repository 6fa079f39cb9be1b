"""Demo alerts: preferences of the demo users, alerts that are due on the day of loading, and a few
responses."""

from django.db import transaction

from apps.alerts.actions import (
    acknowledge_alert,
    assign_alert,
    create_mute,
    raise_alerts,
    raise_due_alerts,
    snooze_alert,
)
from apps.alerts.models import Alert, Mute, Notice, Preference, Subscription
from apps.alerts.preferences import save_subscription, set_preference
from apps.common.history.context import audit_context
from apps.demo.fixtures import LoadingDay, Record, RecordLookup, read_fixture, was_never_used
from apps.inventory.models import Application


@transaction.atomic
def load_alerts(*, day: LoadingDay) -> None:
    """Set preferences and raise alerts, unless any user has set preferences or received a
    notification."""
    if Notice.objects.exists() or not all(
        was_never_used(model) for model in (Preference, Subscription, Mute)
    ):
        return
    lookup, fixture = RecordLookup(), read_fixture("alerts")
    for row in fixture["preferences"]:
        preference = {name: value for name, value in row.items() if name != "user"}
        set_preference(by=lookup.user(row["user"]), at=day.at, **preference)
    for row in fixture["subscriptions"]:
        _subscribe(row, lookup)
    for row in fixture["mutes"]:
        facts = day.dated({name: value for name, value in row.items() if name != "user"})
        create_mute(by=lookup.user(row["user"]), at=day.at, **facts)
    with audit_context(job="load_demo"):
        raise_alerts(at=day.at)
        raise_due_alerts(at=day.at)
    for row in fixture["answers"]:
        _respond_to_alert(row, lookup, day)


def _subscribe(row: Record, lookup: RecordLookup) -> None:
    facts = {name: value for name, value in row.items() if name not in ("user", "provider")}
    provider = lookup.provider(row["provider"]) if "provider" in row else None
    user = lookup.user(row["user"])
    save_subscription(subscription=Subscription(user=user, provider=provider, **facts), by=user)


def _respond_to_alert(row: Record, lookup: RecordLookup, day: LoadingDay) -> None:
    """Respond to the first alert of that kind about the application; do nothing if the catalogue
    has no such alert any more."""
    application = Application.objects.get(slug=row["application"])
    alert = (
        Alert.objects.waiting()
        .filter(kind=row["kind"], application_ids__contains=[application.pk])
        .order_by("due_on", "pk")
        .first()
    )
    if alert is None:
        return
    by = lookup.user(row["by"])
    match row["do"]:
        case "acknowledge":
            acknowledge_alert(alert=alert, by=by, at=day.at)
        case "assign":
            assign_alert(alert=alert, to=lookup.user(row["to"]), by=by, at=day.at)
        case "snooze":
            snooze_alert(alert=alert, until=day.on(row["until"]), by=by, at=day.at)
