"""Background work around accounts."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings

from apps.common.history_keeping import forget_history
from apps.common.time import now

log = structlog.get_logger(__name__)


@shared_task(name="accounts.forget_old_history")
def forget_old_history() -> int:
    """Versions that ended more than HISTORY_DAYS ago; 0 keeps all for ever. The number of rows."""
    if not settings.HISTORY_DAYS:
        return 0
    counts = forget_history(before=now() - timedelta(days=settings.HISTORY_DAYS))
    n_forgotten = sum(counts.values())
    if n_forgotten:
        log.info("history forgotten", rows=n_forgotten, days=settings.HISTORY_DAYS)
    return n_forgotten
