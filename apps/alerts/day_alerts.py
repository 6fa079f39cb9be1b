"""Raise what is owed because a day comes nearer, each milestone once: ends of models, and days of
the organisation's own that would pass without a word (acceptances, exit tests, waivers, approvals,
reviews, treatments, mutes, keys)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.causes import Cause
from apps.alerts.day_queries import (
    DayDue,
    all_causes,
    days_due,
    days_over,
    earlier_ones,
)
from apps.alerts.end_queries import EndDue, ends_due, ends_told
from apps.alerts.event_alerts import Party
from apps.alerts.models import Alert, DayKind, Notice, Resolution, SubjectKind
from apps.alerts.routing import governors, owners_of
from apps.alerts.settling import settle
from apps.alerts.severity import day_severity, end_severity, is_urgent
from apps.alerts.storing import Owed, alert_key, beside_known, party_key, store_alerts
from apps.common.time import day_of

# one run at a time tells of days; the number is only this lock's name
DAYS_LOCK = 7301008

_RESOLUTION_OF = {
    DayKind.MILESTONE: Resolution.NOT_RETIRING,
    DayKind.ACCEPTANCE_EXPIRING: Resolution.ACCEPTANCE_CHANGED,
    DayKind.EXIT_TEST_EXPIRING: Resolution.EXIT_TEST_REPEATED,
    DayKind.WAIVER_EXPIRING: Resolution.DEFERRAL_CHANGED,
    DayKind.GATE_WAIVER_EXPIRING: Resolution.WAIVER_CHANGED,
    DayKind.APPROVAL_EXPIRING: Resolution.APPROVAL_CHANGED,
    DayKind.REVIEW_DUE: Resolution.REVIEW_MOVED,
    DayKind.TREATMENT_DUE: Resolution.TREATMENT_CHANGED,
    DayKind.MUTE_EXPIRING: Resolution.MUTE_ENDED,
    DayKind.KEY_EXPIRING: Resolution.TOKEN_CHANGED,
}


@transaction.atomic
def raise_for_days(*, at: datetime) -> int:
    """Settle what no day stands behind any more, and write down who is owed word of the milestones
    that have come; the number of new alerts. Of several milestones that passed meanwhile only the
    last is told."""
    with connection.cursor() as cursor:
        # a second run waits here, and then finds everything told
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DAYS_LOCK])
    today = day_of(at)
    n_raised = _raise_for_ends(at=at, today=today)
    for cause in all_causes():
        _settle_days(cause, at=at, today=today)
        owed = _owed_for_days(cause, days_due(cause, on=today), at=at, today=today)
        n_raised += store_alerts(owed)
        settle(_pass_on(owed, at=at), resolution=Resolution.NEXT_MILESTONE, at=at, say=False)
    return n_raised


def _raise_for_ends(*, at: datetime, today: date) -> int:
    owed = _owed_for_ends(ends_due(on=today), at=at, today=today)
    n_raised = store_alerts(owed)
    _pass_on(owed, at=at)
    told = ends_told(on=today)
    # what an event has told of otherwise needs no second word
    for by_event in (True, False):
        over = [row.alert_id for row in told if not row.stands and row.told_otherwise is by_event]
        settle(over, resolution=Resolution.NOT_RETIRING, at=at, say=not by_event)
    told_again = [row.alert_id for row in told if row.stands and row.told_again]
    settle(told_again, resolution=Resolution.NEXT_MILESTONE, at=at, say=False)
    return n_raised


def _settle_days(cause: Cause, *, at: datetime, today: date) -> None:
    """What has run out is told where it has its effects: the assessment is stale, the flag open,
    the mute over."""
    over = days_over(cause, on=today)
    ran_out = [row.alert_id for row in over if row.ran_out]
    settle(ran_out, resolution=Resolution.DAY_COME, at=at, say=False)
    others = [row.alert_id for row in over if not row.ran_out]
    settle(others, resolution=_RESOLUTION_OF[DayKind(cause.kind)], at=at)


def _pass_on(owed: Sequence[Owed], *, at: datetime) -> list[int]:
    """Let whoever was given an alert at an earlier milestone have the one that takes its place, and
    be told of it; the earlier ones."""
    fresh = {each.alert.pk: each.alert for each in owed if each.alert.pk}
    earlier = earlier_ones(list(fresh))
    heirs = {row.later_id: row.assigned_to_id for row in earlier if row.assigned_to_id is not None}
    if heirs:
        for pk, assignee in heirs.items():
            fresh[pk].assigned_to_id = assignee
        Alert.objects.bulk_update([fresh[pk] for pk in heirs], ["assigned_to"])
        notices = [
            Notice(
                alert_id=pk,
                user_id=assignee,
                why=Notice.Why.ASSIGNED,
                urgent=fresh[pk].urgent,
                owed_at=at,
            )
            for pk, assignee in heirs.items()
        ]
        Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return sorted({row.alert_id for row in earlier})


# --- ends of models -------------------------------------------------------------------------------


def _owed_for_ends(due: Sequence[EndDue], *, at: datetime, today: date) -> list[Owed]:
    owners = owners_of({row.application_id for row in due})
    found: dict[tuple[int, date, bool, int], dict[tuple[int, int | None], Party]] = defaultdict(
        dict
    )
    for row in due:
        own = owners.get(row.application_id)
        key = (row.team_id, own.first if own else None)
        party = found[row.offering_id, row.retires_on, row.soft, row.milestone].setdefault(
            key, Party(*key)
        )
        party.add(row.application_id, row.criticality, is_primary=row.is_primary, owners=own)
    owed = [
        _owed_end(end, party, at=at, today=today)
        for end, parties in found.items()
        for party in parties.values()
    ]
    # also an application that began to use it after the milestone was told
    return beside_known(owed)


def _owed_end(end: tuple[int, date, bool, int], party: Party, *, at: datetime, today: date) -> Owed:
    offering_id, on, soft, milestone = end
    severity = end_severity(
        days_left=(on - today).days,
        primary=party.gravest_primary,
        leaning=party.gravest_leaning,
        soft=soft,
    )
    alert = Alert(
        key=alert_key(
            f"offering:{offering_id}@{on.isoformat()}",
            DayKind.MILESTONE,
            party.key,
            milestone=milestone,
        ),
        kind=DayKind.MILESTONE,
        severity=severity,
        subject_kind=SubjectKind.OFFERING,
        subject_id=offering_id,
        offering_id=offering_id,
        milestone=milestone,
        due_on=on,
        urgent=milestone <= 7 and is_urgent(DayKind.MILESTONE, severity=severity),
        details={"soft": True} if soft else {},
        team_id=party.team_id,
        user_id=party.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    return Owed(alert, others=party.others, criticality=party.gravest)


# --- days of the organisation's own ---------------------------------------------------------------


def _owed_for_days(cause: Cause, due: Sequence[DayDue], *, at: datetime, today: date) -> list[Owed]:
    if not due:
        return []
    owners = owners_of({row.application_id for row in due if row.application_id is not None})
    offices: list[int] = []
    if not cause.personal and any(row.application_id is None for row in due):
        offices = [user.pk for user in governors()]
    named = {pk for row in due for pk in row.people}
    active = (
        set(User.objects.filter(pk__in=named, is_active=True).values_list("pk", flat=True))
        if named
        else set()
    )
    owed = []
    for row in due:
        people = [pk for pk in row.people if pk in active]
        if row.application_id is None or row.team_id is None:
            # where nobody is left, it waits until somebody governs
            owed += [
                _owed_to_person(cause, row, pk, offices, at=at, today=today)
                for pk in _once(people, offices)
            ]
            continue
        own = owners.get(row.application_id)
        party = Party(row.team_id, own.first if own else None)
        party.add(row.application_id, row.criticality or 0, is_primary=True, owners=own)
        alert = _day_alert(cause, row, party.key, at=at, today=today)
        alert.team_id, alert.user_id, alert.application_ids = (
            party.team_id,
            party.user_id,
            party.application_ids,
        )
        others = {**{pk: None for pk in people if pk != party.user_id}, **party.others}
        owed.append(Owed(alert, others=others, criticality=party.gravest))
    return owed


def _once(people: Iterable[int], offices: Iterable[int]) -> list[int]:
    return [*dict.fromkeys([*people, *offices])]


def _owed_to_person(
    cause: Cause, row: DayDue, user_id: int, offices: Sequence[int], *, at: datetime, today: date
) -> Owed:
    alert = _day_alert(cause, row, party_key(None, user_id), at=at, today=today)
    alert.user_id = user_id
    return Owed(alert, why=Notice.Why.GOVERNANCE if user_id in offices else Notice.Why.OWN)


def _day_alert(cause: Cause, row: DayDue, party: str, *, at: datetime, today: date) -> Alert:
    return Alert(
        key=alert_key(
            f"{cause.subject}:{row.subject_id}@{row.on.isoformat()}",
            cause.kind,
            party,
            milestone=row.milestone,
        ),
        kind=cause.kind,
        severity=day_severity((row.on - today).days),
        subject_kind=cause.subject,
        subject_id=row.subject_id,
        milestone=row.milestone,
        due_on=row.on,
        details=row.words,
        raised_at=at,
    )
