"""Periodic tasks of the catalogue."""

from celery import shared_task
from django.db import transaction

from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.ingest import apply_due_facts
from apps.catalog.models import Offering, OfferingKind
from apps.common.history.context import audit_context
from apps.common.time import day_of, now


@shared_task(name="catalog.apply_due_facts", ignore_result=True)
def apply_due() -> int:
    """Retire offerings whose announced date has passed, and bring names up to date. Safe to run
    concurrently: each event has a unique key."""
    with (
        transaction.atomic(),
        audit_context(job="catalog.apply_due_facts", reason="due date reached"),
    ):
        at = now()
        n_events = len(apply_due_facts(at=at))
        # what the names may be follows the day too, and versions that were added
        names = Offering.objects.filter(kind=OfferingKind.NAME).values_list("pk", flat=True)
        refresh_footing(list(names), today=day_of(at))
        return n_events
