"""Creation of alerts about provider events: one alert per event and party."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from apps.alerts.kinds.price_moves import PriceMove, measure_price_move
from apps.alerts.kinds.severity import highest_severity, is_price_increase, is_urgent
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, party_key, store_alerts
from apps.alerts.models import Alert, AlertSettings, HandledEvent, Notice, Subscription
from apps.alerts.queries import AffectedApplication, affected_applications, used_by_affected
from apps.alerts.recipients import ApplicationOwners, application_owners
from apps.alerts.text import as_day
from apps.catalog.models import ProviderEvent
from apps.common.time import day_of

EventKind = ProviderEvent.Kind

# Event kinds that create alerts without a subscription; new releases and moved aliases do not.
NOTIFIED_EVENT_KINDS = frozenset(
    {
        EventKind.ANNOUNCED,
        EventKind.MOVED_EARLIER,
        EventKind.MOVED_LATER,
        EventKind.WITHDRAWN,
        EventKind.RETIRED,
        EventKind.DELISTED,
        EventKind.REPRICED,
        EventKind.CAPABILITY_LOST,
    }
)
# Events per transaction: one event can affect half the portfolio.
EVENT_BATCH_SIZE = 25


@dataclass(slots=True)
class AffectedParty:
    """The affected applications of one party, most critical first.

    `gravest_primary` is the highest criticality (smallest number) of applications that use the
    subject as a primary model, `gravest_leaning` of those that use it in a supporting role."""

    team_id: int
    user_id: int | None
    application_ids: list[int] = field(default_factory=list)
    gravest_primary: int | None = None
    gravest_leaning: int | None = None
    others: dict[int, list[int] | None] = field(default_factory=dict)

    def add(
        self,
        application_id: int,
        criticality: int,
        *,
        is_primary: bool,
        owners: ApplicationOwners | None,
    ) -> None:
        """Add an affected application. `is_primary`: through a primary model; the lowest
        criticality value, which is the most critical, is kept for each of the two cases."""
        self.application_ids.append(application_id)
        if is_primary:
            self.gravest_primary = min(
                criticality, self.gravest_primary if self.gravest_primary is not None else 9
            )
        else:
            self.gravest_leaning = min(
                criticality, self.gravest_leaning if self.gravest_leaning is not None else 9
            )
        for user_id in owners.others if owners else ():
            owner_application_ids = self.others.setdefault(user_id, [])
            assert owner_application_ids is not None
            owner_application_ids.append(application_id)

    @property
    def key(self) -> str:
        return party_key(self.team_id, self.user_id)

    @property
    def gravest(self) -> int | None:
        levels = [
            level for level in (self.gravest_primary, self.gravest_leaning) if level is not None
        ]
        return min(levels) if levels else None


def affected_parties(
    affected: Iterable[AffectedApplication], owners: Mapping[int, ApplicationOwners]
) -> dict[int, list[AffectedParty]]:
    """Return {event: the parties to which its applications are routed}, in the order of the most
    critical application of each."""
    parties: dict[int, dict[tuple[int, int | None], AffectedParty]] = defaultdict(dict)
    for row in affected:
        row_owners = owners.get(row.application_id)
        user_id = row_owners.first if row_owners else None
        party = parties[row.event_id].setdefault(
            (row.team_id, user_id), AffectedParty(row.team_id, user_id)
        )
        party.add(row.application_id, row.criticality, is_primary=row.is_primary, owners=row_owners)
    return {event_id: list(parties.values()) for event_id, parties in parties.items()}


def raise_event_alerts(*, at: datetime) -> int:
    """Create alerts for provider events that are not handled yet, and return their number."""
    n_raised = 0
    # without one, a run costs this statement and no transaction
    while _is_event_unhandled() and (batch_counts := _raise_batch(at=at)):
        n_raised += batch_counts[1]
    return n_raised


def _is_event_unhandled() -> bool:
    handled = HandledEvent.objects.filter(event=OuterRef("pk"))
    return ProviderEvent.objects.filter(~Exists(handled)).exists()


@transaction.atomic
def _raise_batch(*, at: datetime) -> tuple[int, int] | None:
    """Handle the next EVENT_BATCH_SIZE events, and return (events handled, alerts created); None if
    no event is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_handledevent (event_id, handled_at)
            SELECT e.id, %s FROM catalog_providerevent e
            WHERE NOT EXISTS (SELECT 1 FROM alerts_handledevent h WHERE h.event_id = e.id)
            ORDER BY e.id LIMIT %s
            ON CONFLICT DO NOTHING RETURNING event_id
            """,
            [at, EVENT_BATCH_SIZE],
        )
        event_ids = [row[0] for row in cursor.fetchall()]
    if not event_ids:
        return None
    events = (
        ProviderEvent.objects.filter(pk__in=event_ids)
        .select_related("offering__version__foundation")
        .in_bulk()
    )
    drafts = event_alert_drafts(
        [event for event in events.values() if event.kind in NOTIFIED_EVENT_KINDS], at=at
    )
    n_raised = store_alerts(drafts)
    return len(event_ids), n_raised + store_alerts(
        _draft_subscription_alerts(list(events.values()), drafts, at=at)
    )


def event_alert_drafts(
    events: Sequence[ProviderEvent], *, at: datetime, application_ids: Collection[int] | None = None
) -> list[AlertDraft]:
    """Draft the alerts of these events for the parties affected today. `application_ids` limits
    them to some applications."""
    today = day_of(at)
    affected = affected_applications(event_ids=sorted(event.pk for event in events), on=today)
    if application_ids is not None:
        affected = [row for row in affected if row.application_id in application_ids]
    owners = application_owners({row.application_id for row in affected})
    parties = affected_parties(affected, owners)
    prices = _PriceMoves(events, today=today)
    drafts = []
    for event in sorted(events, key=lambda event: event.pk):
        ids_by_team: dict[int, list[int]] = defaultdict(list)
        for party in parties.get(event.pk, ()):
            ids_by_team[party.team_id] += party.application_ids
        for party in parties.get(event.pk, ()):
            # The thresholds apply to the cost of the whole team, not of one owner's applications.
            team_move = prices.move(event, ids_by_team[party.team_id])
            if team_move is None or team_move.counts:
                move = prices.move(event, party.application_ids)
                drafts.append(_draft_event_alert(event, party, move, at=at, today=today))
    return drafts


class _PriceMoves:
    """The price changes of events for groups of applications. Usage and thresholds are loaded once
    for all events, and only if there is a price change."""

    def __init__(self, events: Sequence[ProviderEvent], *, today: date) -> None:
        ids = sorted(event.pk for event in events if event.kind == EventKind.REPRICED)
        self.usage = used_by_affected(event_ids=ids, on=today) if ids else {}
        self.thresholds = AlertSettings.objects.get(pk=1) if ids else None

    def move(self, event: ProviderEvent, application_ids: Iterable[int]) -> PriceMove | None:
        if self.thresholds is None or event.kind != EventKind.REPRICED:
            return None
        monthly_usage: dict[str, int] = defaultdict(int)
        for pk in application_ids:
            for unit, n in self.usage.get((event.pk, pk), {}).items():
                monthly_usage[unit] += n
        return measure_price_move(
            event.old,
            event.new,
            monthly_usage,
            at_least_percent=Decimal(self.thresholds.price_percent),
            at_least_monthly=Decimal(self.thresholds.price_monthly_usd),
        )


def event_date(event: ProviderEvent) -> date | None:
    """Return the date that the event is about. A delisted offering keeps the retirement date that
    it had; the day of its removal from the feed is irrelevant."""
    if event.kind == EventKind.DELISTED:
        return as_day(event.old)
    if event.kind in {EventKind.WITHDRAWN, EventKind.CAPABILITY_LOST}:
        return None
    return event.effective_on or as_day(event.new)


def is_good_news(event: ProviderEvent) -> bool:
    """Return whether the event needs no response: a withdrawn retirement date or a price decrease.
    A postponed retirement is still a retirement."""
    if event.kind == EventKind.REPRICED:
        return not is_price_increase(event.old, event.new)
    return event.kind == EventKind.WITHDRAWN


def _draft_event_alert(
    event: ProviderEvent, party: AffectedParty, move: PriceMove | None, *, at: datetime, today: date
) -> AlertDraft:
    """Draft the alert of one party about a provider event. `move` is the change of monthly cost, if
    known."""
    # The effective date determines the severity, also for kinds that are not about a retirement.
    on = event_date(event) if event.kind == EventKind.DELISTED else event.effective_on
    days_left = (on - today).days if on else None
    severity = highest_severity(
        event.kind,
        days_left=days_left,
        primary=party.gravest_primary,
        supporting=party.gravest_leaning,
        is_dearer=event.kind == EventKind.REPRICED and is_price_increase(event.old, event.new),
    )
    alert = Alert(
        key=alert_key(f"event:{event.pk}", event.kind, party.key),
        kind=event.kind,
        severity=severity,
        event=event,
        offering_id=event.offering_id,
        due_on=event_date(event),
        urgent=is_urgent(event.kind, severity=severity),
        details=move.as_details() if move else {},
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        # Good news needs no response.
        state=Alert.State.RESOLVED if is_good_news(event) else Alert.State.OPEN,
        raised_at=at,
    )
    return AlertDraft(alert, others=party.others, criticality=party.gravest)


# --- subscriptions --------------------------------------------------------------------------------


def _draft_subscription_alerts(
    events: Sequence[ProviderEvent], drafts: Sequence[AlertDraft], *, at: datetime
) -> list[AlertDraft]:
    """Draft alerts for users who subscribed to events that affect none of their applications, by
    the rule of `subscription_covers_event`."""
    subscriptions = list(
        Subscription.objects.filter(enabled=True, team__isnull=True, user__is_active=True)
        .exclude(provider__isnull=True, foundation__isnull=True, kinds=[])
        .order_by("pk")
    )
    if not subscriptions or not events:
        return []
    notified_pairs = set(
        Notice.objects.filter(
            alert__in=[draft.alert.pk for draft in drafts if draft.alert.pk], user__isnull=False
        ).values_list("alert__event_id", "user_id")
    )
    subscription_drafts = []
    for event in sorted(events, key=lambda event: event.pk):
        for subscription in subscriptions:
            if (event.pk, subscription.user_id) in notified_pairs or not subscription_covers_event(
                subscription, event, at=at
            ):
                continue
            notified_pairs.add((event.pk, subscription.user_id))
            alert = Alert(
                key=alert_key(
                    f"event:{event.pk}", event.kind, party_key(None, subscription.user_id)
                ),
                kind=event.kind,
                severity=1,
                event=event,
                offering_id=event.offering_id,
                due_on=event_date(event),
                user_id=subscription.user_id,
                # An alert from a subscription needs no response.
                state=Alert.State.RESOLVED,
                raised_at=at,
            )
            subscription_drafts.append(AlertDraft(alert, why=Notice.Why.SUBSCRIPTION))
    return subscription_drafts


def subscription_covers_event(
    subscription: Subscription, event: ProviderEvent, *, at: datetime
) -> bool:
    """Return whether the subscription covers an event that affects none of the user's applications.

    Event kinds that create no alerts by themselves must be named in the subscription. The other
    kinds are covered only if the subscription names a provider or foundation."""
    if event.kind not in subscription.kinds and (
        subscription.kinds or event.kind not in NOTIFIED_EVENT_KINDS
    ):
        return False
    if (
        subscription.provider_id is None
        and subscription.foundation_id is None
        and event.kind in NOTIFIED_EVENT_KINDS
    ):
        return False
    if subscription.min_severity > 1:
        return False
    offering = event.offering
    if offering is None:
        # a change of a provider as a whole is shown on its pages, and alerts nobody
        return False
    foundation = offering.version.foundation if offering.version else None
    if subscription.foundation_id is not None and (
        foundation is None or foundation.pk != subscription.foundation_id
    ):
        return False
    provider_ids = {offering.host_id, foundation.developer_id if foundation else None}
    if subscription.provider_id is not None and subscription.provider_id not in provider_ids:
        return False
    if subscription.max_days_left is not None:
        on = event_date(event)
        return on is not None and (on - day_of(at)).days <= subscription.max_days_left
    return True


__all__ = [
    "EVENT_BATCH_SIZE",
    "NOTIFIED_EVENT_KINDS",
    "AffectedParty",
    "HandledEvent",
    "affected_parties",
    "event_alert_drafts",
    "event_date",
    "raise_event_alerts",
    "subscription_covers_event",
]
