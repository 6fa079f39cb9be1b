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
    due = {(row.external_id[:400], row.reason[:500]): row for row in rows}
    there = {
        (row.external_id, row.reason): row
        for row in QuarantinedRow.objects.filter(source=source).defer("excerpt")
    }
    fresh = [
        QuarantinedRow(
            source=source,
            run=run,
            external_id=key[0],
            code=row.code,
            reason=key[1],
            excerpt=row.excerpt[:2000],
            first_seen=at,
        )
        for key, row in due.items()
        if key not in there
    ]
    if fresh:
        QuarantinedRow.objects.bulk_create(fresh, ignore_conflicts=True)
    gone = [row.pk for key, row in there.items() if key not in due and row.resolved_at is None]
    back = [row.pk for key, row in there.items() if key in due and row.resolved_at is not None]
    if gone:
        QuarantinedRow.objects.filter(pk__in=gone).update(resolved_at=at)
    if back:
        QuarantinedRow.objects.filter(pk__in=back).update(resolved_at=None, run=run)
    return bool(fresh or gone or back)
