"""Quarantine of feed rows: one record per row and reason, open for as long as the feed keeps
sending the row."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from apps.catalog.models import Source
from apps.feeds.models import FeedRun, QuarantinedRow, QuarantineReason


class QuarantineEntry(NamedTuple):
    """One quarantined row, and the reason."""

    external_id: str
    code: QuarantineReason
    reason: str
    excerpt: str = ""


@transaction.atomic
def sync_quarantine(
    source: Source, run: FeedRun, rows: Iterable[QuarantineEntry], *, at: datetime
) -> bool:
    """Make the open records of `source` equal to `rows`, and return whether anything differed.

    Writes only the differences, in a fixed number of statements."""
    entries_by_key = {(row.external_id[:400], row.reason[:500]): row for row in rows}
    rows_by_key = {
        (row.external_id, row.reason): row
        for row in QuarantinedRow.objects.filter(source=source).defer("excerpt")
    }
    new_rows = [
        QuarantinedRow(
            source=source,
            run=run,
            external_id=key[0],
            code=row.code,
            reason=key[1],
            excerpt=row.excerpt[:2000],
            first_seen=at,
        )
        for key, row in entries_by_key.items()
        if key not in rows_by_key
    ]
    if new_rows:
        QuarantinedRow.objects.bulk_create(new_rows, ignore_conflicts=True)
    resolved_ids = [
        row.pk
        for key, row in rows_by_key.items()
        if key not in entries_by_key and row.resolved_at is None
    ]
    reopened_ids = [
        row.pk
        for key, row in rows_by_key.items()
        if key in entries_by_key and row.resolved_at is not None
    ]
    if resolved_ids:
        QuarantinedRow.objects.filter(pk__in=resolved_ids).update(resolved_at=at)
    if reopened_ids:
        QuarantinedRow.objects.filter(pk__in=reopened_ids).update(resolved_at=None, run=run)
    return bool(new_rows or resolved_ids or reopened_ids)
