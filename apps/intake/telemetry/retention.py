"""Data retention of call data, deleted in blocks, each in a transaction of its own."""

from datetime import date, datetime, timedelta

from django.db import connection

from apps.common.time import day_of
from apps.intake.models import IntakeSettings
from apps.intake.telemetry.limits import CALL_KEY_HOURS
from apps.intake.telemetry.sender_facts import LIFETIMES

DELETE_BATCH_SIZE = 20_000
# so that a job ends; the next one goes on
MAX_BATCHES = 1_000
# a counter not heard of for so long begins anew when it is heard of again
SERIES_DAYS = 8


def purge_calls(*, at: datetime) -> int:
    """Delete keys of calls counted more than two days ago, inactive counters, facts about senders
    that no longer count, and daily calls beyond their retention."""
    keep = IntakeSettings.objects.get(pk=1).usage_retention_days
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
        + _delete_in_batches("intake_usageday", "id", "day < %s", day_of(at) - timedelta(days=keep))
        + _delete_in_batches(
            "intake_servicetoken", "id", "last_sent_at < %s", day_of(at) - timedelta(days=keep)
        )
    )


def _delete_in_batches(table: str, key: str, condition: str, bound: int | date | datetime) -> int:
    n_dropped = 0
    for _ in range(MAX_BATCHES):
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} "
                "LIMIT %s)",
                [bound, DELETE_BATCH_SIZE],
            )
            n_dropped += cursor.rowcount
            if cursor.rowcount < DELETE_BATCH_SIZE:
                break
    return n_dropped
