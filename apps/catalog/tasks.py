"""Periodic tasks of the catalogue."""

from celery import shared_task
from django.db import transaction

from apps.catalog.ingestion.ingest import apply_due_facts
from apps.common.history.context import audit_context
from apps.common.time import now


@shared_task(name="catalog.apply_due_facts", ignore_result=True)
def apply_due() -> int:
    """Retire offerings whose announced date has passed. Safe to run concurrently: each event has a
    unique key."""
    with (
        transaction.atomic(),
        audit_context(job="catalog.apply_due_facts", reason="due date reached"),
    ):
        return len(apply_due_facts(at=now()))
