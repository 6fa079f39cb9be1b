"""Observed requirements: what the calls of the last 90 days prove about the dependencies that they
belong to."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.common.database.statements import load_statement
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.telemetry.used_items import USED_ITEMS

# a longest prompt or largest output of an earlier day lapses when later calls are smaller
OBSERVED_DAYS = 90
# advisory lock: two passes at the same time would write the same rows
_LOCK = 7_305_114_504


@transaction.atomic
def observe_requirements(*, at: datetime) -> int:
    """Write the observed requirements of all live dependencies, and return the number of rows
    written; none if no call has proved anything new. One statement."""
    today = day_of(at)
    with audit_context(job="intake", reason="observed usage"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            load_statement("intake", "observed_requirements"),
            {
                "at": at,
                "today": today,
                "since": today - timedelta(days=OBSERVED_DAYS),
                "items": list(USED_ITEMS),
            },
        )
        return int(cursor.rowcount)
