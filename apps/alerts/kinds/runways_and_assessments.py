"""Creation and resolution of alerts about states that need an action: negative runways and stale
assessments."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.severity import is_urgent, runway_severity, stale_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Resolution, StateKind, SubjectKind
from apps.alerts.recipients import ApplicationOwners, application_owners
from apps.common.database.statements import fetch_rows
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.inventory.runway import PrimaryRunway, runways

# Advisory lock: one run at a time handles states.
RUNWAYS_AND_ASSESSMENTS_LOCK = 7301009
# Stale assessments that an alert names; the others are counted.
MAX_NAMED_ASSESSMENTS = 12
ANY_EFFORT = "*"


@transaction.atomic
def raise_runway_and_assessment_alerts(*, at: datetime) -> int:
    """Resolve alerts whose state has ended, create alerts for new states, and return the number
    created."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RUNWAYS_AND_ASSESSMENTS_LOCK])
    return _raise_runway_alerts(at=at) + _raise_stale_alerts(at=at)


# --- runway ---------------------------------------------------------------------------------------


def _raise_runway_alerts(*, at: datetime) -> int:
    """Create one alert per primary model and retirement date while the runway is negative, and
    return the number created. An alert is created again if the runway was positive in between, or
    if a user resolved it and the duration of the migration has changed."""
    late_runways = runways(on=day_of(at), only_late=True)
    alerted_efforts = _resolve_runway_alerts(late_runways, at=at)
    # Models that have already retired have their own alerts.
    new_runways = [
        row
        for row in late_runways
        if row.retires_on is not None
        and row.days_left is not None
        and row.days_left >= 0
        and alerted_efforts.get((row.dependency_id, row.retires_on), frozenset()).isdisjoint(
            {ANY_EFFORT, _format_effort(row)}
        )
    ]
    if not new_runways:
        return 0
    owners = application_owners({row.application_id for row in new_runways})
    drafts = []
    for row in new_runways:
        row_owners = owners[row.application_id]
        party = AffectedParty(row_owners.team_id, row_owners.first)
        party.add(row.application_id, row.criticality, is_primary=True, owners=row_owners)
        drafts.append(_draft_runway_alert(row, party, at=at))
    return store_alerts(drafts)


_END = (
    "UPDATE alerts_alert SET details = details || jsonb_build_object('over', %s::text)"
    " WHERE id = ANY (%s)"
)


def _resolve_runway_alerts(
    late_runways: Sequence[PrimaryRunway], *, at: datetime
) -> dict[tuple[int | None, date | None], set[str]]:
    """Resolve the alerts whose runway is no longer negative. Alerts that a user had resolved are
    marked as over, so that a new negative runway creates an alert again.

    Returns {(dependency, retirement date): migration days for which there is an alert, or
    ANY_EFFORT} for the other alerts."""
    late_subjects = {(row.dependency_id, row.retires_on) for row in late_runways}
    late_dependency_ids = {row.dependency_id for row in late_runways}
    efforts_by_subject: dict[tuple[int | None, date | None], set[str]] = defaultdict(set)
    ended_ids: dict[bool, list[int]] = {True: [], False: []}
    rows = Alert.objects.filter(
        ~Q(state=Alert.State.RESOLVED) | Q(resolved_by__isnull=False) & ~Q(details__has_key="over"),
        kind=StateKind.RUNWAY_NEGATIVE,
    )
    for alert in rows.only("subject_id", "due_on", "state", "details").order_by("pk"):
        subject = (alert.subject_id, alert.due_on)
        if subject in late_subjects:
            is_live = alert.state != Alert.State.RESOLVED
            efforts_by_subject[subject].add(
                ANY_EFFORT if is_live else str(alert.details.get("effort_days"))
            )
        else:
            ended_ids[alert.subject_id in late_dependency_ids].append(alert.pk)
    # If the runway is still negative, the alert about the new date reports it.
    resolve_alerts(ended_ids[True], resolution=Resolution.RETIREMENT_MOVED, at=at, notify=False)
    resolve_alerts(ended_ids[False], resolution=Resolution.TIME_REGAINED, at=at)
    if ids := [*ended_ids[True], *ended_ids[False]]:
        with connection.cursor() as cursor:
            cursor.execute(_END, [day_of(at).isoformat(), ids])
    return efforts_by_subject


def _format_effort(row: PrimaryRunway) -> str:
    return f"{(row.effort_days or Decimal(0)).normalize():f}"


def _draft_runway_alert(row: PrimaryRunway, party: AffectedParty, *, at: datetime) -> AlertDraft:
    """Draft the alert about a negative runway. The key includes the effort and the day, so that the
    alert can be raised again."""
    severity = runway_severity(row.criticality, soft=row.at_least)
    effort = _format_effort(row)
    day = row.retires_on.isoformat() if row.retires_on else ""
    alert = Alert(
        key=alert_key(
            f"dependency:{row.dependency_id}@{day}",
            StateKind.RUNWAY_NEGATIVE,
            party.key,
            milestone=f"needs {effort} since {day_of(at).isoformat()}",
        ),
        kind=StateKind.RUNWAY_NEGATIVE,
        severity=severity,
        subject_kind=SubjectKind.DEPENDENCY,
        subject_id=row.dependency_id,
        offering_id=row.offering_id,
        due_on=row.retires_on,
        urgent=is_urgent(StateKind.RUNWAY_NEGATIVE, severity=severity),
        details={"effort_days": effort, "basis": row.basis or "", "soft": row.at_least},
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    return AlertDraft(alert, others=party.others, criticality=row.criticality)


# --- stale assessments ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _StaleAssessment:
    assessment_id: int
    stale_since: datetime
    because: str
    inherent: int
    owner_id: int | None
    what: str
    application_id: int
    team_id: int
    criticality: int


# Assessments of open risks of active dependencies.
_STANDING = """
JOIN inventory_dependency d ON d.id = s.dependency_id AND (d.until IS NULL
    OR d.until > %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
JOIN risks_foundationrisk k ON k.id = s.risk_id AND k.closed_at IS NULL AND k.dismissed_at IS NULL
"""

_CLAIM = f"""
-- marked as handled, so that each time an assessment becomes stale is reported once
WITH claimed AS (
    INSERT INTO alerts_handledstaleness (assessment_id, stale_since, handled_at)
    SELECT s.id, s.stale_since, %(at)s FROM risks_assessment s
    WHERE s.state = 'stale' AND s.stale_since IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM alerts_handledstaleness h
        WHERE h.assessment_id = s.id AND h.stale_since = s.stale_since)
    -- a concurrent run might have claimed the same assessment
    ON CONFLICT DO NOTHING RETURNING assessment_id, stale_since
)
SELECT s.id AS assessment_id, c.stale_since, s.stale_reason AS because, s.inherent, s.owner_id,
       coalesce(t.code || ', ', '') || coalesce(nullif(r.title, ''), t.title) AS what,
       a.id AS application_id, a.team_id, a.criticality
FROM claimed c JOIN risks_assessment s ON s.id = c.assessment_id
JOIN risks_foundationrisk r ON r.id = s.risk_id LEFT
JOIN risks_risktemplate t ON t.id = r.template_id
{_STANDING}
ORDER BY s.inherent DESC, a.criticality, s.id
"""

_NO_LONGER_STALE = f"""
SELECT a.id FROM alerts_alert a
WHERE a.kind = 'assessments_stale' AND a.state <> 'resolved' AND NOT EXISTS (
    SELECT 1 FROM jsonb_array_elements_text(a.details -> 'ids') x
    JOIN risks_assessment s ON s.id = x.value::bigint AND s.state = 'stale' {_STANDING})
"""


def _raise_stale_alerts(*, at: datetime) -> int:
    """Create one alert per party for all assessments that became stale since the last run, and
    return the number created: one event can make hundreds of assessments stale."""
    params: dict[str, Any] = {
        "at": at,
        "day": day_of(at),
        "in_scope": [str(status) for status in Application.IN_SCOPE],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NO_LONGER_STALE, params)
        resolved_ids = [row[0] for row in cursor.fetchall()]
    rows = fetch_rows(_StaleAssessment, _CLAIM, params)
    resolve_alerts(resolved_ids, resolution=Resolution.REASSESSED, at=at)
    owners = application_owners({row.application_id for row in rows})
    rows_by_party: dict[tuple[int, int | None], list[_StaleAssessment]] = defaultdict(list)
    for row in rows:
        rows_by_party[row.team_id, owners[row.application_id].first].append(row)
    return store_alerts(
        [
            _draft_stale_alert(rows, AffectedParty(*key), owners, at=at)
            for key, rows in rows_by_party.items()
        ]
    )


def _draft_stale_alert(
    rows: Sequence[_StaleAssessment],
    party: AffectedParty,
    owners: Mapping[int, ApplicationOwners],
    *,
    at: datetime,
) -> AlertDraft:
    """Draft the alert of one team about assessments that became stale, most severe first in `rows`;
    their owners get their own."""
    for pk, criticality in dict.fromkeys((row.application_id, row.criticality) for row in rows):
        party.add(pk, criticality, is_primary=True, owners=owners[pk])
    top_row = rows[0]
    alert = Alert(
        key=alert_key(
            f"team:{party.team_id}",
            StateKind.ASSESSMENTS_STALE,
            party.key,
            milestone=f"assessment:{top_row.assessment_id}@{top_row.stale_since:%Y%m%dT%H%M%S}",
        ),
        kind=StateKind.ASSESSMENTS_STALE,
        severity=max(stale_severity(row.inherent, criticality=row.criticality) for row in rows),
        subject_kind=SubjectKind.TEAM,
        subject_id=party.team_id,
        details={
            "n": len(rows),
            "n_of": Counter(str(row.application_id) for row in rows),
            "ids": [row.assessment_id for row in rows],
            "named": [
                {"what": row.what, "because": row.because[:200], "application": row.application_id}
                for row in rows[:MAX_NAMED_ASSESSMENTS]
            ],
        },
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    for row in rows:
        if row.owner_id is not None and row.owner_id != party.user_id:
            owner_application_ids = party.others.setdefault(row.owner_id, [])
            if (
                owner_application_ids is not None
                and row.application_id not in owner_application_ids
            ):
                owner_application_ids.append(row.application_id)
    return AlertDraft(alert, others=party.others, criticality=party.gravest)
