"""Resolution of alerts about provider events that a later event superseded, or that no longer
affect any of their applications; also of alerts about backfilled retirements."""

from collections import defaultdict
from datetime import datetime

from django.db import connection

from apps.alerts.kinds.feeds.queries import backfilled_teams
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, FeedKind, Resolution
from apps.alerts.queries import affected_applications
from apps.catalog.models import ProviderEvent
from apps.common.time import day_of
from apps.exposure.queries.dependents import LIFECYCLE_KINDS

EVENT_BATCH_SIZE = 200

# An event with the same content, for example from another source, does not supersede an event. A
# later event supersedes an alert if any alert about the later event has one of its applications,
# whatever the recipient.
_SUPERSEDED = """
SELECT o.id FROM alerts_alert o JOIN catalog_providerevent eo ON eo.id = o.event_id
WHERE o.state <> 'resolved' AND eo.kind = ANY (%(kinds)s) AND EXISTS (
    SELECT 1 FROM catalog_providerevent en JOIN alerts_alert n ON n.event_id = en.id
    WHERE en.offering_id = eo.offering_id AND en.kind = ANY (%(kinds)s)
      -- a later event, with other content
      AND (en.detected_at, en.id) > (eo.detected_at, eo.id)
      AND (en.kind, en.new) IS DISTINCT FROM (eo.kind, eo.new)
      -- the two alerts have an application in common
      AND EXISTS (SELECT 1 FROM jsonb_array_elements(o.application_ids) app
      WHERE n.application_ids @> app.value))
"""

_SUPERSEDED_PRICES = _SUPERSEDED.replace("%(kinds)s", "ARRAY['repriced']")


def resolve_event_alerts(*, at: datetime) -> int:
    """Resolve superseded alerts and alerts without an affected application, and return their
    number."""
    with connection.cursor() as cursor:
        cursor.execute(_SUPERSEDED, {"kinds": [str(kind) for kind in LIFECYCLE_KINDS]})
        superseded_ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_SUPERSEDED_PRICES)
        superseded_ids += [row[0] for row in cursor.fetchall()]
    n = resolve_alerts(superseded_ids, resolution=Resolution.OVERTAKEN, at=at, notify=False)
    return n + _resolve_unaffected(at=at) + _resolve_backfilled(at=at)


def _resolve_unaffected(*, at: datetime) -> int:
    """Resolve alerts whose event affects none of their applications today, and return their
    number."""
    alerts_by_event: dict[int, list[tuple[int, set[int]]]] = defaultdict(list)
    rows = (
        Alert.objects.live()
        .filter(event__isnull=False, team__isnull=False)
        .exclude(event__kind=ProviderEvent.Kind.WITHDRAWN)
        .values_list("event_id", "pk", "application_ids")
    )
    for event_id, pk, ids in rows:
        alerts_by_event[event_id].append((pk, set(ids)))
    n_resolved = 0
    event_ids = sorted(alerts_by_event)
    for start in range(0, len(event_ids), EVENT_BATCH_SIZE):
        batch = event_ids[start : start + EVENT_BATCH_SIZE]
        reached: dict[int, set[int]] = defaultdict(set)
        for row in affected_applications(event_ids=batch, on=day_of(at)):
            reached[row.event_id].add(row.application_id)
        resolved_ids = [
            pk
            for event_id in batch
            for pk, ids in alerts_by_event[event_id]
            if not ids & reached[event_id]
        ]
        n_resolved += resolve_alerts(resolved_ids, resolution=Resolution.NOT_CONCERNED, at=at)
    return n_resolved


def _resolve_backfilled(*, at: datetime) -> int:
    """Resolve alerts about backfilled retirements if none of their applications uses any of the
    retired models today, and return their number."""
    rows = (
        Alert.objects.live()
        .filter(kind=FeedKind.BACKFILLED)
        .values_list("pk", "run_id", "application_ids")
    )
    live_alerts = [(pk, run_id, set(ids)) for pk, run_id, ids in rows]
    if not live_alerts:
        return 0
    reached_by_run: dict[int | None, set[int]] = defaultdict(set)
    for teams in backfilled_teams(
        run_ids=sorted({run_id for _, run_id, _ in live_alerts if run_id}), on=day_of(at)
    ):
        reached_by_run[teams.run_id] |= set(teams.application_ids)
    resolved_ids = [pk for pk, run_id, ids in live_alerts if not ids & reached_by_run[run_id]]
    return resolve_alerts(resolved_ids, resolution=Resolution.NOT_CONCERNED, at=at)
