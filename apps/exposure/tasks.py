import contextlib
from datetime import date

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.catalog.models import Offering, ProviderEvent, RetirementAnnouncement
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.exposure.actions.events import handle_events
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.actions.scenarios import run_queued
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.maintenance import update_campaigns
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.queries.open_weights import store_open_weight_measurements
from apps.exposure.snapshots.daily import (
    PastDayError,
    create_partitions_ahead,
    drop_old_snapshots,
    take_snapshot,
    thin_snapshots,
)
from apps.exposure.snapshots.monthly import update_months


@shared_task(name="exposure.refresh_exposure")
def refresh_exposure() -> None:
    """Refresh exposure after a poll and every few minutes; concurrent runs do the work once.

    Each step commits its results and finds its own work, so that a worker can stop between any two
    of them: changes wait in their queue, events are found by NOT EXISTS, and flags are measured on
    the current tables.
    """
    moment = now()
    with audit_context(job="exposure.refresh_exposure"):
        refresh(on=day_of(moment))
        handle_events(at=moment)
        evaluate_flags(at=moment)
        update_months(on=day_of(moment), at=moment)


@shared_task(name="exposure.run_what_ifs")
def run_what_ifs() -> int:
    """Run the queued scenarios and simulations."""
    return run_queued(at=now())


@shared_task(name="exposure.keep_campaigns")
def update_refresh_campaigns() -> None:
    """Update campaigns: expired waivers, ended or new dependencies, tasks that became ready."""
    with audit_context(job="exposure.keep_campaigns"):
        update_campaigns(at=now())


def campaign_opening_key(
    *, event_id: int | None, offering_id: int, announcement_id: int | None = None
) -> str:
    """Under which the cache holds why a campaign could not be opened; empty while it is being
    opened."""
    return f"opening-campaign:{event_id or 0}:{offering_id}:{announcement_id or 0}"


@shared_task(name="exposure.open_large_campaign")
def open_large_campaign(
    *,
    user_id: int,
    event_id: int | None,
    offering_id: int,
    target_id: int | None,
    title: str,
    note: str,
    due_on: str | None,
    announcement_id: int | None = None,
    targets: list[list[int]] | None = None,
) -> int | None:
    """Open a campaign in a worker: tens of thousands of tasks take half a minute. Concurrent calls
    open one campaign."""
    key = campaign_opening_key(
        event_id=event_id, offering_id=offering_id, announcement_id=announcement_id
    )
    try:
        campaign = open_campaign(
            by=User.objects.get(pk=user_id),
            at=now(),
            event=ProviderEvent.objects.get(pk=event_id) if event_id else None,
            announcement=(
                RetirementAnnouncement.objects.get(pk=announcement_id) if announcement_id else None
            ),
            offering=(
                None if event_id or announcement_id else Offering.objects.get(pk=offering_id)
            ),
            target=Offering.objects.filter(pk=target_id).first() if target_id else None,
            targets={pair[0]: pair[1] for pair in targets or ()},
            title=title,
            note=note,
            due_on=date.fromisoformat(due_on) if due_on else None,
        )
    except (ConflictError, ValidationError) as refusal:
        message = (
            " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
        )
        cache.set(key, message, timeout=3600)
        return None
    cache.delete(key)
    return campaign.pk


@shared_task(name="exposure.keep_smallest_sets")
def refresh_minimal_cut_sets() -> None:
    """Compute the minimal cut sets, and measure open weights; a separate task, since it reads every
    stack."""
    store_minimal_cut_sets(on=day_of(now()))
    store_open_weight_measurements()


@shared_task(name="exposure.take_snapshot")
def take_daily_snapshot() -> None:
    """Take the snapshot if the day has none yet, thin out old days, and drop those beyond the
    retention. Partitions are created a month ahead."""
    today = day_of(now())
    create_partitions_ahead(on=today)
    with contextlib.suppress(PastDayError):
        # midnight has passed since the last refresh: the next run finds the tables of the new day
        take_snapshot(on=today)
    thin_snapshots(on=today)
    drop_old_snapshots(on=today, keep_days=settings.HISTORY_DAYS)
