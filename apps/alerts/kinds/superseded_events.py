"""Alerts about events end when a later event has overtaken them, or when nothing of the party's
stands there now; so do those about what had already ended when its source told."""

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

# The same said by several sources is one piece of news: an event that says the same overtakes
# nothing. What an event tells one party, it tells all at once: it is enough that it told of one of
# the applications, whomever that falls to.
_SUPERSEDED = """
SELECT o.id FROM alerts_alert o JOIN catalog_providerevent eo ON eo.id = o.event_id
WHERE o.state <> 'resolved' AND eo.kind = ANY (%(kinds)s) AND EXISTS (
    SELECT 1 FROM catalog_providerevent en JOIN alerts_alert n ON n.event_id = en.id
    WHERE en.offering_id = eo.offering_id AND en.kind = ANY (%(kinds)s)
      AND (en.detected_at, en.id) > (eo.detected_at, eo.id)
      AND (en.kind, en.new) IS DISTINCT FROM (eo.kind, eo.new)
      AND EXISTS (SELECT 1 FROM jsonb_array_elements(o.application_ids) app
      WHERE n.application_ids @> app.value))
"""

_SUPERSEDED_PRICES = _SUPERSEDED.replace("%(kinds)s", "ARRAY['repriced']")


def resolve_event_alerts(*, at: datetime) -> int:
    """The number of alerts that ended."""
    with connection.cursor() as cursor:
        cursor.execute(_SUPERSEDED, {"kinds": [str(kind) for kind in LIFECYCLE_KINDS]})
        overtaken = [row[0] for row in cursor.fetchall()]
        cursor.execute(_SUPERSEDED_PRICES)
        overtaken += [row[0] for row in cursor.fetchall()]
    n = resolve_alerts(overtaken, resolution=Resolution.OVERTAKEN, at=at, notify=False)
    return n + _resolve_unaffected(at=at) + _resolve_backfilled(at=at)


def _resolve_unaffected(*, at: datetime) -> int:
    """Alerts none of whose applications the event reaches today."""
    live: dict[int, list[tuple[int, set[int]]]] = defaultdict(list)
    rows = (
        Alert.objects.live()
        .filter(event__isnull=False, team__isnull=False)
        .exclude(event__kind=ProviderEvent.Kind.WITHDRAWN)
        .values_list("event_id", "pk", "application_ids")
    )
    for event_id, pk, ids in rows:
        live[event_id].append((pk, set(ids)))
    n = 0
    event_ids = sorted(live)
    for start in range(0, len(event_ids), EVENT_BATCH_SIZE):
        batch = event_ids[start : start + EVENT_BATCH_SIZE]
        reached: dict[int, set[int]] = defaultdict(set)
        for row in affected_applications(event_ids=batch, on=day_of(at)):
            reached[row.event_id].add(row.application_id)
        over = [
            pk for event_id in batch for pk, ids in live[event_id] if not ids & reached[event_id]
        ]
        n += resolve_alerts(over, resolution=Resolution.NOT_CONCERNED, at=at)
    return n


def _resolve_backfilled(*, at: datetime) -> int:
    """Alerts none of whose applications calls anything any more that the poll had told to have
    ended."""
    rows = (
        Alert.objects.live()
        .filter(kind=FeedKind.BACKFILLED)
        .values_list("pk", "run_id", "application_ids")
    )
    live = [(pk, run_id, set(ids)) for pk, run_id, ids in rows]
    if not live:
        return 0
    standing: dict[int | None, set[int]] = defaultdict(set)
    for teams in backfilled_teams(
        run_ids=sorted({run_id for _, run_id, _ in live if run_id}), on=day_of(at)
    ):
        standing[teams.run_id] |= set(teams.application_ids)
    over = [pk for pk, run_id, ids in live if not ids & standing[run_id]]
    return resolve_alerts(over, resolution=Resolution.NOT_CONCERNED, at=at)
