"""Raise, and settle, what is owed because of a state that people must do something about: too
little time left to move, assessments that have become stale."""

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

# one run at a time tells of states; the number is only this lock's name
RUNWAYS_AND_ASSESSMENTS_LOCK = 7301009
# stale assessments that an alert names; the rest is counted
MAX_NAMED_ASSESSMENTS = 12
ANY_EFFORT = "*"


@transaction.atomic
def raise_runway_and_assessment_alerts(*, at: datetime) -> int:
    """Settle what has passed, and write down who is owed word of what is new; the number of new
    alerts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RUNWAYS_AND_ASSESSMENTS_LOCK])
    return _raise_runway_alerts(at=at) + _raise_stale_alerts(at=at)


# --- runway ---------------------------------------------------------------------------------------


def _raise_runway_alerts(*, at: datetime) -> int:
    """One alert per primary and day of its end while there is too little time. Once there was
    enough in between it is told anew; so is what people had settled, when the move takes another
    time."""
    late = runways(on=day_of(at), only_late=True)
    told = _resolve_runway_alerts(late, at=at)
    # what has ended, on a known day or none, has been told by its end
    fresh = [
        row
        for row in late
        if row.retires_on is not None
        and row.days_left is not None
        and row.days_left >= 0
        and told.get((row.dependency_id, row.retires_on), frozenset()).isdisjoint(
            {ANY_EFFORT, _effort(row)}
        )
    ]
    if not fresh:
        return 0
    owners = application_owners({row.application_id for row in fresh})
    drafts = []
    for row in fresh:
        own = owners[row.application_id]
        party = AffectedParty(own.team_id, own.first)
        party.add(row.application_id, row.criticality, is_primary=True, owners=own)
        drafts.append(_runway_alert_draft(row, party, at=at))
    return store_alerts(drafts)


_END = (
    "UPDATE alerts_alert SET details = details || jsonb_build_object('over', %s::text)"
    " WHERE id = ANY (%s)"
)


def _resolve_runway_alerts(
    late: Sequence[PrimaryRunway], *, at: datetime
) -> dict[tuple[int | None, date | None], set[str]]:
    """End the alerts behind which no late runway stands any more, also those that people had
    settled: what comes back is news then. Of the others {(dependency, day): the efforts told of, or
    ANY_EFFORT}."""
    standing = {(row.dependency_id, row.retires_on) for row in late}
    still_late = {row.dependency_id for row in late}
    told: dict[tuple[int | None, date | None], set[str]] = defaultdict(set)
    ended: dict[bool, list[int]] = {True: [], False: []}
    rows = Alert.objects.filter(
        ~Q(state=Alert.State.RESOLVED) | Q(resolved_by__isnull=False) & ~Q(details__has_key="over"),
        kind=StateKind.RUNWAY_NEGATIVE,
    )
    for alert in rows.only("subject_id", "due_on", "state", "details").order_by("pk"):
        subject = (alert.subject_id, alert.due_on)
        if subject in standing:
            is_live = alert.state != Alert.State.RESOLVED
            told[subject].add(ANY_EFFORT if is_live else str(alert.details.get("effort_days")))
        else:
            ended[alert.subject_id in still_late].append(alert.pk)
    # where there still is too little time, the alert about the other day says so
    resolve_alerts(ended[True], resolution=Resolution.RETIREMENT_MOVED, at=at, notify=False)
    resolve_alerts(ended[False], resolution=Resolution.TIME_REGAINED, at=at)
    if ids := [*ended[True], *ended[False]]:
        with connection.cursor() as cursor:
            cursor.execute(_END, [day_of(at).isoformat(), ids])
    return told


def _effort(row: PrimaryRunway) -> str:
    return f"{(row.effort_days or Decimal(0)).normalize():f}"


def _runway_alert_draft(row: PrimaryRunway, party: AffectedParty, *, at: datetime) -> AlertDraft:
    severity = runway_severity(row.criticality, soft=row.at_least)
    effort = _effort(row)
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


# of risks that stand, inherited by what is in use: nobody need assess what has ended
_STANDING = """
JOIN inventory_dependency d ON d.id = s.dependency_id AND (d.until IS NULL
    OR d.until > %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
JOIN risks_foundationrisk k ON k.id = s.risk_id AND k.closed_at IS NULL AND k.dismissed_at IS NULL
"""

_CLAIM = f"""
WITH claimed AS (
    INSERT INTO alerts_handledstaleness (assessment_id, stale_since, handled_at)
    SELECT s.id, s.stale_since, %(at)s FROM risks_assessment s
    WHERE s.state = 'stale' AND s.stale_since IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM alerts_handledstaleness h
        WHERE h.assessment_id = s.id AND h.stale_since = s.stale_since)
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
    """One alert per party for all that has become stale since the last look: one event may do that
    to hundreds."""
    params: dict[str, Any] = {
        "at": at,
        "day": day_of(at),
        "in_scope": [str(status) for status in Application.IN_SCOPE],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NO_LONGER_STALE, params)
        over = [row[0] for row in cursor.fetchall()]
    rows = fetch_rows(_StaleAssessment, _CLAIM, params)
    resolve_alerts(over, resolution=Resolution.REASSESSED, at=at)
    owners = application_owners({row.application_id for row in rows})
    by_party: dict[tuple[int, int | None], list[_StaleAssessment]] = defaultdict(list)
    for row in rows:
        by_party[row.team_id, owners[row.application_id].first].append(row)
    return store_alerts(
        [
            _stale_alert_draft(rows, AffectedParty(*key), owners, at=at)
            for key, rows in by_party.items()
        ]
    )


def _stale_alert_draft(
    rows: Sequence[_StaleAssessment],
    party: AffectedParty,
    owners: Mapping[int, ApplicationOwners],
    *,
    at: datetime,
) -> AlertDraft:
    for pk, criticality in dict.fromkeys((row.application_id, row.criticality) for row in rows):
        party.add(pk, criticality, is_primary=True, owners=owners[pk])
    first = rows[0]
    alert = Alert(
        key=alert_key(
            f"team:{party.team_id}",
            StateKind.ASSESSMENTS_STALE,
            party.key,
            milestone=f"assessment:{first.assessment_id}@{first.stale_since:%Y%m%dT%H%M%S}",
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
            of_theirs = party.others.setdefault(row.owner_id, [])
            if of_theirs is not None and row.application_id not in of_theirs:
                of_theirs.append(row.application_id)
    return AlertDraft(alert, others=party.others, criticality=party.gravest)
