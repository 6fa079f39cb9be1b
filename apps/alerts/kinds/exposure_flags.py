"""Creation and resolution of alerts about exposure flags: one alert per flag event and governance
user."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.kinds.exposure_flag_text import flag_alert_details
from apps.alerts.kinds.severity import RESOLVED_SEVERITY, flag_severity
from apps.alerts.lifecycle.creation import AlertDraft, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, FlagKind, Notice, Resolution, was_mailed
from apps.alerts.recipients import governance_users
from apps.exposure.models import ExposureFlag, FlagEvent

# Advisory lock: one run at a time handles flag events.
FLAGS_LOCK = 7301006
_DECIDED_STATES = (ExposureFlag.State.ACKNOWLEDGED, ExposureFlag.State.ACCEPTED)


_IS_ANY_DUE = """
SELECT EXISTS (
    SELECT 1 FROM exposure_flagevent e
    WHERE e.kind = ANY (%(kinds)s)
      AND NOT EXISTS (SELECT 1 FROM alerts_handledflagevent h WHERE h.event_id = e.id)
) OR EXISTS (
    SELECT 1 FROM alerts_alert a JOIN exposure_exposureflag f ON f.id = a.flag_id
    WHERE a.state <> 'resolved' AND f.state = ANY (%(decided)s))
"""


def raise_flag_alerts(*, at: datetime) -> int:
    """Create alerts for flag events that are not handled yet, and resolve those of flags that a
    user decided; return the number of new alerts. One statement if there are none."""
    with connection.cursor() as cursor:
        cursor.execute(
            _IS_ANY_DUE,
            {"kinds": list(FlagKind.values), "decided": [str(state) for state in _DECIDED_STATES]},
        )
        is_any_due = cursor.fetchone()[0]
    return _raise_due_alerts(at=at) if is_any_due else 0


@transaction.atomic
def _raise_due_alerts(*, at: datetime) -> int:
    """Create alerts for flag events that are not handled yet, and return their number.

    Without a governance user, events stay unhandled. Users who become governance later receive no
    alerts about earlier events. A breach creates alerts only while the flag is open, a resolution
    only if an alert about the flag was sent; it also resolves the alerts about the breach."""
    with connection.cursor() as cursor:
        # A second run waits here and then finds all events handled.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FLAGS_LOCK])
    governance = governance_users()
    if not governance:
        return 0
    events = _claim_flag_events(at=at)
    breaches = [
        event
        for event in events
        if event.kind != FlagKind.RESOLVED and event.flag.state == ExposureFlag.State.OPEN
    ]
    resolution_events = {
        event.flag_id: event for event in events if event.kind == FlagKind.RESOLVED
    }
    # Report a resolution only if a message about the flag was sent.
    mailed_flag_ids = set(
        Alert.objects.filter(was_mailed(Notice.objects.all()), flag__in=resolution_events)
        .order_by()
        .values_list("flag", flat=True)
    )
    _resolve_flag_alerts({event.flag_id for event in breaches}, resolution_events, at=at)
    n_raised = store_alerts(
        [_draft_flag_alert(event, user, at=at) for event in breaches for user in governance]
    )
    return n_raised + store_alerts(
        [
            _draft_flag_alert(event, user, at=at)
            for flag_id, event in resolution_events.items()
            if flag_id in mailed_flag_ids
            for user in governance
        ]
    )


def _resolve_flag_alerts(
    changed_flag_ids: Collection[int], resolved_flag_ids: Collection[int], *, at: datetime
) -> None:
    """Resolve alerts about earlier events of changed flags, about resolved flags, and about flags
    that a user acknowledged or accepted. Recipients are not notified of that."""
    flag_alerts = Alert.objects.live().filter(flag__isnull=False)
    resolutions = [(Resolution.FLAG_DECIDED, flag_alerts.filter(flag__state__in=_DECIDED_STATES))]
    if changed_flag_ids:
        resolutions.append(
            (Resolution.FLAG_CONTINUED, flag_alerts.filter(flag__in=changed_flag_ids))
        )
    if resolved_flag_ids:
        resolutions.append(
            (Resolution.WITHIN_TOLERANCE, flag_alerts.filter(flag__in=resolved_flag_ids))
        )
    for resolution, alerts in resolutions:
        ids = list(alerts.values_list("pk", flat=True))
        resolve_alerts(ids, resolution=resolution, at=at, notify=False)


def _claim_flag_events(*, at: datetime) -> list[FlagEvent]:
    """Mark unhandled flag events that create alerts as handled, and return them in chronological
    order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_handledflagevent (event_id, handled_at)
            SELECT e.id, %s FROM exposure_flagevent e
            WHERE e.kind = ANY (%s) AND NOT EXISTS (SELECT 1 FROM alerts_handledflagevent h
            WHERE h.event_id = e.id)
            ON CONFLICT DO NOTHING RETURNING event_id
            """,
            [at, list(FlagKind.values)],
        )
        event_ids = [row[0] for row in cursor.fetchall()]
    if not event_ids:
        return []
    return list(
        FlagEvent.objects.filter(pk__in=event_ids).select_related("flag").order_by("at", "pk")
    )


def _draft_flag_alert(event: FlagEvent, user: User, *, at: datetime) -> AlertDraft:
    """Draft the alert of one governance user about an event of a flag. Good news is resolved from
    the start."""
    flag = event.flag
    # A flag opens and resolves once, but can worsen or expire several times.
    is_repeatable = event.kind in {FlagKind.WORSENED, FlagKind.ACCEPTANCE_EXPIRED}
    is_over = event.kind == FlagKind.RESOLVED
    alert = Alert(
        key=alert_key(
            f"flag:{flag.pk}",
            event.kind,
            f"user:{user.pk}",
            milestone=f"event:{event.pk}" if is_repeatable else "",
        ),
        kind=event.kind,
        severity=RESOLVED_SEVERITY
        if is_over
        else flag_severity(value=event.value, limit=flag.limit),
        flag=flag,
        details=flag_alert_details(event, flag),
        user=user,
        application_ids=flag.application_ids,
        # Good news needs no response.
        state=Alert.State.RESOLVED if is_over else Alert.State.OPEN,
        raised_at=at,
    )
    return AlertDraft(alert, why=Notice.Why.GOVERNANCE)
