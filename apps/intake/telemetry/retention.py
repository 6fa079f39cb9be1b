"""Data retention of calls: expired rows are deleted in batches, each in its own transaction."""

from datetime import date, datetime, timedelta

from django.db import connection

from apps.common.time import day_of
from apps.intake.models import IntakeSettings
from apps.intake.telemetry.limits import CALL_KEY_HOURS
from apps.intake.telemetry.sender_facts import LIFETIMES

DELETE_BATCH_SIZE = 20_000
# per job; the next job continues
MAX_BATCHES = 1_000
# a counter without readings for this time starts again with its next reading
SERIES_DAYS = 8


def purge_calls(*, at: datetime) -> int:
    """Delete keys of calls counted more than two days ago, inactive counters, expired facts about
    senders, daily calls and billed costs beyond their retention; return the number of rows."""
    retention_days = IntakeSettings.objects.get(pk=1).usage_retention_days
    return (
        _delete_in_batches(
            "intake_countedcall", "key", "hour < %s", int(at.timestamp()) // 3600 - CALL_KEY_HOURS
        )
        + _delete_in_batches(
            "intake_meteredseries",
            "key",
            "at < %s",
            int((at - timedelta(days=SERIES_DAYS)).timestamp() * 1e9),
        )
        + _delete_in_batches(
            "intake_senderfact", "id", "seen_at < %s", at - max(LIFETIMES.values())
        )
        + _delete_in_batches(
            "intake_usageday", "id", "day < %s", day_of(at) - timedelta(days=retention_days)
        )
        + _delete_in_batches(
            "intake_billedcost", "id", "day < %s", day_of(at) - timedelta(days=retention_days)
        )
        + _delete_in_batches(
            "intake_servicetoken",
            "id",
            "last_sent_at < %s",
            day_of(at) - timedelta(days=retention_days),
        )
    )


def _delete_in_batches(table: str, key: str, condition: str, bound: int | date | datetime) -> int:
    n_deleted = 0
    for _ in range(MAX_BATCHES):
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} "
                "LIMIT %s)",
                [bound, DELETE_BATCH_SIZE],
            )
            n_deleted += cursor.rowcount
            if cursor.rowcount < DELETE_BATCH_SIZE:
                break
    return n_deleted
