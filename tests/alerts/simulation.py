"""Time passes: everything that a moment brings, and what was told of it."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

from apps.alerts.actions import (
    maintain_alerts,
    queue_digests,
    raise_alerts,
    raise_due_alerts,
    send_due_deliveries,
)
from apps.alerts.models import Alert, Delivery, Notice
from apps.inventory.models import Application
from tests.builders import TODAY

# longer than alerts wait for further ones
RIPE = timedelta(seconds=61)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
type Said = tuple[int, str, int | None]


def morning(n: int, hour: float = 8) -> datetime:
    """An hour of the day `n` days from now, UTC."""
    return datetime.combine(TODAY + n * DAY, time(), tzinfo=UTC) + hour * HOUR


def look(moment: datetime) -> None:
    """What is owed is written down, and nothing is mailed."""
    raise_alerts(at=moment)
    raise_due_alerts(at=moment)
    maintain_alerts(at=moment)


def mail_out(moment: datetime) -> None:
    queue_digests(at=moment, gather=timedelta(0))
    send_due_deliveries(at=moment)


def pass_day(n: int, hour: float = 8) -> None:
    look(morning(n, hour))
    mail_out(morning(n, hour))


def pass_days(first: int, last: int) -> None:
    for n in range(first, last + 1):
        pass_day(n)


def pass_each(*days: int) -> None:
    """Only these days: those around every milestone there is, where nothing can happen in
    between."""
    for n in days:
        pass_day(n)


def told(*kinds: str) -> list[Said]:
    """(day from now, kind, milestone) of each alert that a message told of, in that order."""
    carried = Notice.objects.filter(
        occasion="raised", webhook=None, delivery__state__in=["queued", "sent"]
    )
    alerts = Alert.objects.filter(pk__in=carried.values("alert"))
    rows = alerts.filter(kind__in=kinds) if kinds else alerts
    return sorted(
        ((alert.raised_at.date() - TODAY).days, alert.kind, alert.milestone) for alert in rows
    )


def told_of(application: Application, *kinds: str) -> list[Said]:
    """`told`, of the alerts that concern the application."""
    carried = Notice.objects.filter(
        occasion="raised", webhook=None, delivery__state__in=["queued", "sent"]
    )
    rows = Alert.objects.filter(
        pk__in=carried.values("alert"), application_ids__contains=[application.pk]
    )
    return sorted(
        ((alert.raised_at.date() - TODAY).days, alert.kind, alert.milestone)
        for alert in (rows.filter(kind__in=kinds) if kinds else rows)
    )


def flat(text: str) -> str:
    """Without the line breaks that a mail has."""
    return " ".join(text.split())


def texts(address: str = "") -> list[str]:
    rows = Delivery.objects.filter(state="sent").order_by("created_at", "pk")
    return [flat(row.body_text) for row in (rows.filter(address=address) if address else rows)]


def last_text(address: str = "") -> str:
    found = texts(address)
    return found[-1] if found else ""


def addresses(occasion: str = "raised") -> dict[str, int]:
    """{address: messages that carried such notices}."""
    found: dict[str, set[int]] = defaultdict(set)
    for pk, address in Delivery.objects.filter(
        state__in=["queued", "sent"], notices__occasion__startswith=occasion
    ).values_list("pk", "address"):
        found[address].add(pk)
    return {address: len(ids) for address, ids in found.items()}


def day_in(n: int) -> date:
    return TODAY + n * DAY
