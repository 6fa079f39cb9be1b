"""Raise, and settle, what is owed because of a flag: one alert per turn of its life and person who governs."""

from datetime import datetime

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.flag_words import details_of
from apps.alerts.models import Alert, FlagKind
from apps.alerts.queries import governors
from apps.alerts.severity import RESOLVED_SEVERITY, flag_severity
from apps.alerts.storing import alert_key, store_alerts
from apps.exposure.models import ExposureFlag, FlagEvent

# one run at a time tells of flags; the number is only this lock's name
FLAGS_LOCK = 7301006


@transaction.atomic
def raise_for_flags(*, at: datetime) -> int:
    """Write down who is owed word of every turn in the life of a flag not yet worked through; the number raised.

    While nobody governs, nothing is worked through. A turn is told once: who comes into office later reads it on the
    page. What people decided in the meantime is not told: a breach only while the flag is open. That it resolved is
    told where the breach was; the alerts about it are then settled too.
    """
    with connection.cursor() as cursor:
        # a second run waits here, and then finds every turn told of
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FLAGS_LOCK])
    people = governors()
    if not people:
        return 0
    events = _claim(at=at)
    breaches = [
        event for event in events
        if event.kind != FlagKind.RESOLVED and event.flag.state == ExposureFlag.State.OPEN
    ]  # fmt: skip
    n_raised = store_alerts([_alert(event, person, at=at) for event in breaches for person in people])
    resolved = {event.flag_id: event for event in events if event.kind == FlagKind.RESOLVED}
    if resolved:
        told = set(Alert.objects.filter(flag__in=resolved).order_by().values_list("flag", flat=True).distinct())
        Alert.objects.filter(flag__in=resolved).exclude(state=Alert.State.RESOLVED).update(state=Alert.State.RESOLVED)
        n_raised += store_alerts([
            _alert(event, person, at=at) for pk, event in resolved.items() if pk in told for person in people
        ])  # fmt: skip
    return n_raised


def _claim(*, at: datetime) -> list[FlagEvent]:
    """Turns that are told of and that nobody has worked through, in the order in which they happened."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO alerts_handledflagevent (event_id, handled_at)
            SELECT e.id, %s FROM exposure_flagevent e
            WHERE e.kind = ANY (%s) AND NOT EXISTS (SELECT 1 FROM alerts_handledflagevent h WHERE h.event_id = e.id)
            ON CONFLICT DO NOTHING RETURNING event_id
            """,
            [at, list(FlagKind.values)],
        )
        claimed = [row[0] for row in cursor.fetchall()]
    if not claimed:
        return []
    return list(FlagEvent.objects.filter(pk__in=claimed).select_related("flag").order_by("at", "pk"))


def _alert(event: FlagEvent, person: User, *, at: datetime) -> Alert:
    flag = event.flag
    # a flag opens and resolves once, and may worsen or run out several times
    often = event.kind in {FlagKind.WORSENED, FlagKind.ACCEPTANCE_EXPIRED}
    is_over = event.kind == FlagKind.RESOLVED
    return Alert(
        key=alert_key(
            f"flag:{flag.pk}", event.kind, f"user:{person.pk}", milestone=f"event:{event.pk}" if often else ""
        ),
        kind=event.kind,
        severity=RESOLVED_SEVERITY if is_over else flag_severity(value=event.value, limit=flag.limit),
        flag=flag,
        details=details_of(event, flag),
        user=person,
        application_ids=flag.application_ids,
        # good news asks for no answer
        state=Alert.State.RESOLVED if is_over else Alert.State.OPEN,
        raised_at=at,
    )
