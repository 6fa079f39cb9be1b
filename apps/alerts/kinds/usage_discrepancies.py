"""Creation and resolution of alerts about discrepancies of observed and declared usage: one alert
per application and type for all discrepancies since the last run."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.severity import discrepancy_severity, is_urgent
from apps.alerts.kinds.usage_discrepancy_text import MAX_NAMED_MODELS
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Resolution, SeenKind, SubjectKind
from apps.alerts.recipients import application_owners
from apps.intake.models import Discrepancy

# Advisory lock: one run at a time handles discrepancies.
DISCREPANCIES_LOCK = 7301010

ALERT_KINDS: Mapping[str, SeenKind] = {
    Discrepancy.Kind.SHADOW: SeenKind.SHADOW_DEPENDENCY,
    Discrepancy.Kind.UNSEEN: SeenKind.DECLARED_NOT_SEEN,
    Discrepancy.Kind.DRIFT: SeenKind.VERSION_DRIFT,
    Discrepancy.Kind.OTHER_SERVED: SeenKind.OTHER_MODEL_SERVED,
    Discrepancy.Kind.OUT_OF_USE: SeenKind.RETIRED_IN_USE,
}


@dataclass(frozen=True, slots=True)
class _ClaimedDiscrepancy:
    discrepancy_id: int
    kind: str
    details: dict[str, Any]
    application_id: int
    offering_id: int | None
    team_id: int
    criticality: int


_CLAIM = """
-- marked as handled, so that each discrepancy is reported once
WITH claimed AS (
    INSERT INTO alerts_handleddiscrepancy (discrepancy_id, handled_at)
    SELECT d.id, %(at)s FROM intake_discrepancy d
    WHERE d.closed_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM alerts_handleddiscrepancy h WHERE h.discrepancy_id = d.id)
    -- a concurrent run might have claimed the same discrepancy
    ON CONFLICT DO NOTHING RETURNING discrepancy_id
)
SELECT d.id, d.kind, d.details::text, d.application_id, coalesce(u.offering_id, o.offering_id),
    a.team_id, a.criticality
FROM claimed c JOIN intake_discrepancy d ON d.id = c.discrepancy_id
JOIN inventory_application a ON a.id = d.application_id
LEFT JOIN inventory_dependency u ON u.id = d.dependency_id
LEFT JOIN intake_observation o ON o.id = d.observation_id
ORDER BY d.application_id, d.kind, d.id
"""

# Alerts whose discrepancies are all closed, with the outcome if a user closed one of them.
_CLOSED = """
SELECT a.id, (
    SELECT max(d.closed_as) FROM jsonb_array_elements_text(a.details -> 'ids') x
    JOIN intake_discrepancy d ON d.id = x.value::bigint)
FROM alerts_alert a
WHERE a.kind = ANY (%(kinds)s) AND a.state <> 'resolved' AND NOT EXISTS (
    -- none of the discrepancies of the alert is open
    SELECT 1 FROM jsonb_array_elements_text(a.details -> 'ids') x
    JOIN intake_discrepancy d ON d.id = x.value::bigint AND d.closed_at IS NULL)
"""
_RESOLUTION_OF: Mapping[str, Resolution] = {
    Discrepancy.Closed.DECLARED: Resolution.DECLARED,
    Discrepancy.Closed.DISMISSED: Resolution.DISMISSED,
    Discrepancy.Closed.ENDED: Resolution.NO_LONGER_OBSERVED,
}


@transaction.atomic
def raise_discrepancy_alerts(*, at: datetime) -> int:
    """Resolve alerts whose discrepancies are closed, create alerts for new ones, and return the
    number created."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DISCREPANCIES_LOCK])
        cursor.execute(_CLOSED, {"kinds": [str(kind) for kind in SeenKind]})
        closed_ids: dict[str, list[int]] = defaultdict(list)
        for pk, closed_as in cursor.fetchall():
            closed_ids[closed_as or Discrepancy.Closed.ENDED].append(pk)
        cursor.execute(_CLAIM, {"at": at})
        new_rows = [
            _ClaimedDiscrepancy(pk, kind, json.loads(details), *columns)
            for pk, kind, details, *columns in cursor.fetchall()
        ]
    for closed_as, ids in closed_ids.items():
        resolve_alerts(ids, resolution=_RESOLUTION_OF[closed_as], at=at)
    rows_by_alert: dict[tuple[int, str], list[_ClaimedDiscrepancy]] = defaultdict(list)
    for row in new_rows:
        rows_by_alert[row.application_id, row.kind].append(row)
    owners = application_owners({application_id for application_id, _ in rows_by_alert})
    drafts = []
    for (application_id, _kind), rows in rows_by_alert.items():
        row_owners = owners[application_id]
        party = AffectedParty(row_owners.team_id, row_owners.first)
        party.add(application_id, rows[0].criticality, is_primary=True, owners=row_owners)
        drafts.append(_draft_discrepancy_alert(rows, party, at=at))
    return store_alerts(drafts)


def _draft_discrepancy_alert(
    rows: Sequence[_ClaimedDiscrepancy], party: AffectedParty, *, at: datetime
) -> AlertDraft:
    """Draft the alert about discrepancies of one application and kind, which `rows` are."""
    first_row = rows[0]
    kind = ALERT_KINDS[first_row.kind]
    severity = discrepancy_severity(kind, criticality=first_row.criticality)
    alert = Alert(
        key=alert_key(
            f"application:{first_row.application_id}",
            kind,
            party.key,
            milestone=f"discrepancy:{first_row.discrepancy_id}",
        ),
        kind=kind,
        severity=severity,
        subject_kind=SubjectKind.APPLICATION,
        subject_id=first_row.application_id,
        # An alert about several discrepancies is not about a single model.
        offering_id=first_row.offering_id if len(rows) == 1 else None,
        urgent=is_urgent(kind, severity=severity),
        details={
            "n": len(rows),
            "ids": [row.discrepancy_id for row in rows],
            "found": [row.details for row in rows[:MAX_NAMED_MODELS]],
        },
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    return AlertDraft(alert, others=party.others, criticality=first_row.criticality)
