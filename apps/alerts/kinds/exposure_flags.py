"""Raise, and settle, what is owed because of a flag: one alert per turn of its life and person who
governs."""

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

# one run at a time tells of flags; the number is only this lock's name
FLAGS_LOCK = 7301006
_DECIDED_STATES = (ExposureFlag.State.ACKNOWLEDGED, ExposureFlag.State.ACCEPTED)


@transaction.atomic
def raise_flag_alerts(*, at: datetime) -> int:
    """Write down who is owed word of every turn in the life of a flag not yet worked through; the
    number raised.

    While nobody governs, nothing is worked through. A turn is told once: who comes into office
    later reads it on the page. What people decided in the meantime is not told: a breach only while
    the flag is open. That it resolved is told where the breach was; the alerts about it are then
    settled too.
    """
    with connection.cursor() as cursor:
        # a second run waits here, and then finds every turn told of
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FLAGS_LOCK])
    people = governance_users()
    if not people:
        return 0
    events = _claim_flag_events(at=at)
    breaches = [
        event
        for event in events
        if event.kind != FlagKind.RESOLVED and event.flag.state == ExposureFlag.State.OPEN
    ]
    resolved = {event.flag_id: event for event in events if event.kind == FlagKind.RESOLVED}
    # only a flag that a message told of is told to be over
    told = set(
        Alert.objects.filter(was_mailed(Notice.objects.all()), flag__in=resolved)
        .order_by()
        .values_list("flag", flat=True)
    )
    _resolve_flag_alerts({event.flag_id for event in breaches}, resolved, at=at)
    n_raised = store_alerts(
        [_flag_alert_draft(event, person, at=at) for event in breaches for person in people]
    )
    return n_raised + store_alerts(
        [
            _flag_alert_draft(event, person, at=at)
            for pk, event in resolved.items()
            if pk in told
            for person in people
        ]
    )


def _resolve_flag_alerts(
    turned: Collection[int], resolved: Collection[int], *, at: datetime
) -> None:
    """End the alerts about earlier turns, about flags that are over, and about those that somebody
    has dealt with. What there is to say about that, the flag's next turn says."""
    of_flags = Alert.objects.live().filter(flag__isnull=False)
    ended = [(Resolution.FLAG_DECIDED, of_flags.filter(flag__state__in=_DECIDED_STATES))]
    if turned:
        ended.append((Resolution.FLAG_CONTINUED, of_flags.filter(flag__in=turned)))
    if resolved:
        ended.append((Resolution.WITHIN_TOLERANCE, of_flags.filter(flag__in=resolved)))
    for resolution, some in ended:
        ids = list(some.values_list("pk", flat=True))
        resolve_alerts(ids, resolution=resolution, at=at, notify=False)


def _claim_flag_events(*, at: datetime) -> list[FlagEvent]:
    """Turns that are told of and that nobody has worked through, in the order in which they
    happened."""
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
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return []
    return list(
        FlagEvent.objects.filter(pk__in=claimed).select_related("flag").order_by("at", "pk")
    )


def _flag_alert_draft(event: FlagEvent, person: User, *, at: datetime) -> AlertDraft:
    flag = event.flag
    # a flag opens and resolves once, and may worsen or run out several times
    often = event.kind in {FlagKind.WORSENED, FlagKind.ACCEPTANCE_EXPIRED}
    is_over = event.kind == FlagKind.RESOLVED
    alert = Alert(
        key=alert_key(
            f"flag:{flag.pk}",
            event.kind,
            f"user:{person.pk}",
            milestone=f"event:{event.pk}" if often else "",
        ),
        kind=event.kind,
        severity=RESOLVED_SEVERITY
        if is_over
        else flag_severity(value=event.value, limit=flag.limit),
        flag=flag,
        details=flag_alert_details(event, flag),
        user=person,
        application_ids=flag.application_ids,
        # good news asks for no answer
        state=Alert.State.RESOLVED if is_over else Alert.State.OPEN,
        raised_at=at,
    )
    return AlertDraft(alert, why=Notice.Why.GOVERNANCE)
