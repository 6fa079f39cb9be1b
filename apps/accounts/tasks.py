"""Periodic tasks of the accounts app."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings

from apps.accounts.events.emails import send_event_emails
from apps.accounts.events.log import purge_events
from apps.accounts.sign_in.sessions import delete_ended_sessions
from apps.common.history.maintenance import purge_history
from apps.common.time import now

log = structlog.get_logger(__name__)


@shared_task(name="accounts.purge_old_history")
def purge_old_history() -> int:
    """Delete versions that ended more than HISTORY_DAYS ago (0: never) and return the number of
    rows."""
    if not settings.HISTORY_DAYS:
        return 0
    counts = purge_history(before=now() - timedelta(days=settings.HISTORY_DAYS))
    n_deleted = sum(counts.values())
    if n_deleted:
        log.info("expired history deleted", rows=n_deleted, days=settings.HISTORY_DAYS)
    return n_deleted


@shared_task(name="accounts.send_account_emails")
def send_account_emails() -> int:
    return send_event_emails(at=now())


@shared_task(name="accounts.purge_account_events")
def purge_account_events() -> int:
    """Delete events older than ACCOUNT_EVENT_DAYS, the oldest beyond MAX_ACCOUNT_EVENTS and records
    of ended sessions; return the number of rows."""
    delete_ended_sessions()
    n_deleted = purge_events(before=now() - timedelta(days=settings.ACCOUNT_EVENT_DAYS))
    if n_deleted:
        log.info("expired account events deleted", rows=n_deleted, days=settings.ACCOUNT_EVENT_DAYS)
    return n_deleted
