"""Raise what is owed because a day comes nearer, each milestone once: ends of models, and days of
the organisation's own that would pass without a word (acceptances, exit tests, waivers, approvals,
reviews, treatments, mutes, keys)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.reminders.queries import (
    DueReminder,
    all_reminder_types,
    due_reminders,
    earlier_milestones,
    outdated_reminders,
)
from apps.alerts.kinds.reminders.retirement_queries import (
    DueRetirement,
    alerted_retirements,
    due_retirements,
)
from apps.alerts.kinds.reminders.types import ReminderType
from apps.alerts.kinds.severity import is_urgent, reminder_severity, retirement_severity
from apps.alerts.lifecycle.creation import (
    AlertDraft,
    alert_key,
    party_key,
    store_alerts,
    with_unique_keys,
)
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, DayKind, Notice, Resolution, SubjectKind
from apps.alerts.recipients import application_owners, governance_users
from apps.common.time import day_of

# one run at a time tells of days; the number is only this lock's name
REMINDERS_LOCK = 7301008

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
def raise_reminders(*, at: datetime) -> int:
    """Settle what no day stands behind any more, and write down who is owed word of the milestones
    that have come; the number of new alerts. Of several milestones that passed meanwhile only the
    last is told."""
    with connection.cursor() as cursor:
        # a second run waits here, and then finds everything told
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REMINDERS_LOCK])
    today = day_of(at)
    n_raised = _raise_retirement_reminders(at=at, today=today)
    for reminder_type in all_reminder_types():
        _resolve_reminders(reminder_type, at=at, today=today)
        drafts = _reminder_drafts(
            reminder_type, due_reminders(reminder_type, on=today), at=at, today=today
        )
        n_raised += store_alerts(drafts)
        resolve_alerts(
            _carry_over_assignments(drafts, at=at),
            resolution=Resolution.NEXT_MILESTONE,
            at=at,
            notify=False,
        )
    return n_raised


def _raise_retirement_reminders(*, at: datetime, today: date) -> int:
    drafts = _retirement_drafts(due_retirements(on=today), at=at, today=today)
    n_raised = store_alerts(drafts)
    _carry_over_assignments(drafts, at=at)
    told = alerted_retirements(on=today)
    # what an event has told of otherwise needs no second word
    for by_event in (True, False):
        over = [row.alert_id for row in told if not row.stands and row.told_otherwise is by_event]
        resolve_alerts(over, resolution=Resolution.NOT_RETIRING, at=at, notify=not by_event)
    told_again = [row.alert_id for row in told if row.stands and row.told_again]
    resolve_alerts(told_again, resolution=Resolution.NEXT_MILESTONE, at=at, notify=False)
    return n_raised


def _resolve_reminders(reminder_type: ReminderType, *, at: datetime, today: date) -> None:
    """What has run out is told where it has its effects: the assessment is stale, the flag open,
    the mute over."""
    over = outdated_reminders(reminder_type, on=today)
    ran_out = [row.alert_id for row in over if row.ran_out]
    resolve_alerts(ran_out, resolution=Resolution.DAY_COME, at=at, notify=False)
    others = [row.alert_id for row in over if not row.ran_out]
    resolve_alerts(others, resolution=_RESOLUTION_OF[DayKind(reminder_type.kind)], at=at)


def _carry_over_assignments(drafts: Sequence[AlertDraft], *, at: datetime) -> list[int]:
    """Let whoever was given an alert at an earlier milestone have the one that takes its place, and
    be told of it; the earlier ones."""
    fresh = {draft.alert.pk: draft.alert for draft in drafts if draft.alert.pk}
    earlier = earlier_milestones(list(fresh))
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


def _retirement_drafts(
    due: Sequence[DueRetirement], *, at: datetime, today: date
) -> list[AlertDraft]:
    owners = application_owners({row.application_id for row in due})
    parties_by_end: dict[
        tuple[int, date, bool, int], dict[tuple[int, int | None], AffectedParty]
    ] = defaultdict(dict)
    for row in due:
        own = owners.get(row.application_id)
        key = (row.team_id, own.first if own else None)
        party = parties_by_end[row.offering_id, row.retires_on, row.soft, row.milestone].setdefault(
            key, AffectedParty(*key)
        )
        party.add(row.application_id, row.criticality, is_primary=row.is_primary, owners=own)
    drafts = [
        _retirement_draft(end, party, at=at, today=today)
        for end, parties in parties_by_end.items()
        for party in parties.values()
    ]
    # also an application that began to use it after the milestone was told
    return with_unique_keys(drafts)


def _retirement_draft(
    end: tuple[int, date, bool, int], party: AffectedParty, *, at: datetime, today: date
) -> AlertDraft:
    offering_id, on, soft, milestone = end
    severity = retirement_severity(
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
    return AlertDraft(alert, others=party.others, criticality=party.gravest)


# --- days of the organisation's own ---------------------------------------------------------------


def _reminder_drafts(
    reminder_type: ReminderType, due: Sequence[DueReminder], *, at: datetime, today: date
) -> list[AlertDraft]:
    if not due:
        return []
    owners = application_owners(
        {row.application_id for row in due if row.application_id is not None}
    )
    governance: list[int] = []
    if not reminder_type.personal and any(row.application_id is None for row in due):
        governance = [user.pk for user in governance_users()]
    named = {pk for row in due for pk in row.people}
    active = (
        set(User.objects.filter(pk__in=named, is_active=True).values_list("pk", flat=True))
        if named
        else set()
    )
    drafts = []
    for row in due:
        people = [pk for pk in row.people if pk in active]
        if row.application_id is None or row.team_id is None:
            # where nobody is left, it waits until somebody governs
            drafts += [
                _personal_draft(reminder_type, row, pk, governance, at=at, today=today)
                for pk in _unique_users(people, governance)
            ]
            continue
        own = owners.get(row.application_id)
        party = AffectedParty(row.team_id, own.first if own else None)
        party.add(row.application_id, row.criticality or 0, is_primary=True, owners=own)
        alert = _reminder_alert(reminder_type, row, party.key, at=at, today=today)
        alert.team_id, alert.user_id, alert.application_ids = (
            party.team_id,
            party.user_id,
            party.application_ids,
        )
        others = {**{pk: None for pk in people if pk != party.user_id}, **party.others}
        drafts.append(AlertDraft(alert, others=others, criticality=party.gravest))
    return drafts


def _unique_users(people: Iterable[int], governance: Iterable[int]) -> list[int]:
    return [*dict.fromkeys([*people, *governance])]


def _personal_draft(
    reminder_type: ReminderType,
    row: DueReminder,
    user_id: int,
    governance: Sequence[int],
    *,
    at: datetime,
    today: date,
) -> AlertDraft:
    alert = _reminder_alert(reminder_type, row, party_key(None, user_id), at=at, today=today)
    alert.user_id = user_id
    return AlertDraft(alert, why=Notice.Why.GOVERNANCE if user_id in governance else Notice.Why.OWN)


def _reminder_alert(
    reminder_type: ReminderType, row: DueReminder, party: str, *, at: datetime, today: date
) -> Alert:
    return Alert(
        key=alert_key(
            f"{reminder_type.subject}:{row.subject_id}@{row.on.isoformat()}",
            reminder_type.kind,
            party,
            milestone=row.milestone,
        ),
        kind=reminder_type.kind,
        severity=reminder_severity((row.on - today).days),
        subject_kind=reminder_type.subject,
        subject_id=row.subject_id,
        milestone=row.milestone,
        due_on=row.on,
        details=row.words,
        raised_at=at,
    )
