"""Creation and resolution of reminders of approaching dates, once per milestone: retirements of
models, and deadlines of the organisation (acceptances, exit tests, waivers, approvals, reviews,
treatments, mutes, API tokens)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import batched

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

# Advisory lock: one run at a time creates reminders.
REMINDERS_LOCK = 7301008
# uses or deadlines whose alerts are in memory at once; a million applications have hundreds of
# thousands on the first day
_BATCH_SIZE = 5_000

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
    DayKind.STAGE_BEGINS: Resolution.STAGE_MOVED,
}


@transaction.atomic
def raise_reminders(*, at: datetime) -> int:
    """Resolve reminders whose date no longer applies, create those of milestones that are due, and
    return the number created. Of several milestones that passed meanwhile only the last creates an
    alert."""
    with connection.cursor() as cursor:
        # A second run waits here and then finds nothing to do.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REMINDERS_LOCK])
    today = day_of(at)
    n_raised = _raise_retirement_reminders(at=at, today=today)
    for reminder_type in all_reminder_types():
        _resolve_reminders(reminder_type, at=at, today=today)
        for reminders in batched(due_reminders(reminder_type, on=today), _BATCH_SIZE):
            drafts = _draft_reminder_alerts(reminder_type, reminders, at=at, today=today)
            n_raised += store_alerts(drafts)
            resolve_alerts(
                _carry_over_assignments(drafts, at=at),
                resolution=Resolution.NEXT_MILESTONE,
                at=at,
                notify=False,
            )
    return n_raised


def _raise_retirement_reminders(*, at: datetime, today: date) -> int:
    """Raise due reminders of retirements, resolve those that no longer apply, and return the number
    of new alerts."""
    n_raised = 0
    for retirements in _batch_by_offering(due_retirements(on=today)):
        drafts = _draft_retirement_alerts(retirements, at=at, today=today)
        n_raised += store_alerts(drafts)
        _carry_over_assignments(drafts, at=at)
    retirement_alerts = alerted_retirements(on=today)
    # If an event has already reported the new date, recipients are not notified again.
    for is_by_event in (True, False):
        resolved_ids = [
            row.alert_id
            for row in retirement_alerts
            if not row.stands and row.told_otherwise is is_by_event
        ]
        resolve_alerts(
            resolved_ids, resolution=Resolution.NOT_RETIRING, at=at, notify=not is_by_event
        )
    repeated_ids = [row.alert_id for row in retirement_alerts if row.stands and row.told_again]
    resolve_alerts(repeated_ids, resolution=Resolution.NEXT_MILESTONE, at=at, notify=False)
    return n_raised


def _batch_by_offering(retirements: Iterable[DueRetirement]) -> Iterator[list[DueRetirement]]:
    """Yield the retirements in batches, those of one offering together, since its applications
    share alerts."""
    rows_by_offering: dict[int, list[DueRetirement]] = defaultdict(list)
    for row in retirements:
        rows_by_offering[row.offering_id].append(row)
    batch: list[DueRetirement] = []
    for rows in rows_by_offering.values():
        batch += rows
        if len(batch) >= _BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _resolve_reminders(reminder_type: ReminderType, *, at: datetime, today: date) -> None:
    """Resolve reminders of this type whose date no longer applies. Expired ones are not reported:
    the consequence is (a stale assessment, an open flag)."""
    outdated = outdated_reminders(reminder_type, on=today)
    expired_ids = [row.alert_id for row in outdated if row.ran_out]
    resolve_alerts(expired_ids, resolution=Resolution.DAY_COME, at=at, notify=False)
    changed_ids = [row.alert_id for row in outdated if not row.ran_out]
    resolve_alerts(changed_ids, resolution=_RESOLUTION_OF[DayKind(reminder_type.kind)], at=at)


def _carry_over_assignments(drafts: Sequence[AlertDraft], *, at: datetime) -> list[int]:
    """Assign each alert to the assignee of the alert at the earlier milestone, notify that user,
    and return the IDs of the earlier alerts."""
    alerts_by_id = {draft.alert.pk: draft.alert for draft in drafts if draft.alert.pk}
    earlier_alerts = earlier_milestones(list(alerts_by_id))
    assignees = {
        row.later_id: row.assigned_to_id for row in earlier_alerts if row.assigned_to_id is not None
    }
    if assignees:
        for pk, assignee in assignees.items():
            alerts_by_id[pk].assigned_to_id = assignee
        Alert.objects.bulk_update([alerts_by_id[pk] for pk in assignees], ["assigned_to"])
        notices = [
            Notice(
                alert_id=pk,
                user_id=assignee,
                why=Notice.Why.ASSIGNED,
                urgent=alerts_by_id[pk].urgent,
                owed_at=at,
            )
            for pk, assignee in assignees.items()
        ]
        Notice.objects.bulk_create(notices, ignore_conflicts=True)
    return sorted({row.alert_id for row in earlier_alerts})


# --- retirements ----------------------------------------------------------------------------------


def _draft_retirement_alerts(
    retirements: Sequence[DueRetirement], *, at: datetime, today: date
) -> list[AlertDraft]:
    """Draft an alert for each retirement, milestone and party, with all affected applications of
    the party."""
    owners = application_owners({row.application_id for row in retirements})
    parties_by_retirement: dict[
        tuple[int, date, bool, int], dict[tuple[int, int | None], AffectedParty]
    ] = defaultdict(dict)
    for row in retirements:
        row_owners = owners.get(row.application_id)
        key = (row.team_id, row_owners.first if row_owners else None)
        party = parties_by_retirement[
            row.offering_id, row.retires_on, row.soft, row.milestone
        ].setdefault(key, AffectedParty(*key))
        party.add(row.application_id, row.criticality, is_primary=row.is_primary, owners=row_owners)
    drafts = [
        _draft_retirement_alert(retirement_key, party, at=at, today=today)
        for retirement_key, parties in parties_by_retirement.items()
        for party in parties.values()
    ]
    # An application that started to use the model after the reminder gets an alert of its own.
    return with_unique_keys(drafts)


def _draft_retirement_alert(
    retirement_key: tuple[int, date, bool, int], party: AffectedParty, *, at: datetime, today: date
) -> AlertDraft:
    """Draft the alert of one party. `retirement_key` is (offering ID, date, whether the date is a
    lower bound, milestone in days)."""
    offering_id, on, soft, milestone = retirement_key
    severity = retirement_severity(
        days_left=(on - today).days,
        primary=party.gravest_primary,
        supporting=party.gravest_leaning,
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


# --- deadlines of the organisation ----------------------------------------------------------------


def _draft_reminder_alerts(
    reminder_type: ReminderType, reminders: Sequence[DueReminder], *, at: datetime, today: date
) -> list[AlertDraft]:
    """Draft an alert for each reminder: to the owners of its application, else to its people, else
    to governance."""
    if not reminders:
        return []
    owners = application_owners(
        {row.application_id for row in reminders if row.application_id is not None}
    )
    governance: list[int] = []
    if not reminder_type.personal and any(row.application_id is None for row in reminders):
        governance = [user.pk for user in governance_users()]
    named_user_ids = {pk for row in reminders for pk in row.people}
    active_user_ids = (
        set(User.objects.filter(pk__in=named_user_ids, is_active=True).values_list("pk", flat=True))
        if named_user_ids
        else set()
    )
    drafts = []
    for row in reminders:
        user_ids = [pk for pk in row.people if pk in active_user_ids]
        if row.application_id is None or row.team_id is None:
            # Without an active user the reminder waits until there is a governance user.
            drafts += [
                _draft_personal_alert(reminder_type, row, pk, governance, at=at, today=today)
                for pk in _merge_user_ids(user_ids, governance)
            ]
            continue
        row_owners = owners.get(row.application_id)
        party = AffectedParty(row.team_id, row_owners.first if row_owners else None)
        party.add(row.application_id, row.criticality or 0, is_primary=True, owners=row_owners)
        alert = _build_reminder_alert(reminder_type, row, party.key, at=at, today=today)
        alert.team_id, alert.user_id, alert.application_ids = (
            party.team_id,
            party.user_id,
            party.application_ids,
        )
        ids_by_user = {**{pk: None for pk in user_ids if pk != party.user_id}, **party.others}
        drafts.append(AlertDraft(alert, others=ids_by_user, criticality=party.gravest))
    return drafts


def _merge_user_ids(user_ids: Iterable[int], governance: Iterable[int]) -> list[int]:
    return [*dict.fromkeys([*user_ids, *governance])]


def _draft_personal_alert(
    reminder_type: ReminderType,
    row: DueReminder,
    user_id: int,
    governance: Sequence[int],
    *,
    at: datetime,
    today: date,
) -> AlertDraft:
    alert = _build_reminder_alert(reminder_type, row, party_key(None, user_id), at=at, today=today)
    alert.user_id = user_id
    return AlertDraft(alert, why=Notice.Why.GOVERNANCE if user_id in governance else Notice.Why.OWN)


def _build_reminder_alert(
    reminder_type: ReminderType, row: DueReminder, party: str, *, at: datetime, today: date
) -> Alert:
    """Return the unsaved alert about a deadline; its severity rises as the date approaches. A stage
    of a model stays low: its retirement has reminders of its own."""
    days_left = (row.on - today).days
    if reminder_type.kind == DayKind.STAGE_BEGINS:
        days_left = max(days_left, 1)
    return Alert(
        key=alert_key(
            f"{reminder_type.subject}:{row.subject_id}@{row.on.isoformat()}",
            reminder_type.kind,
            party,
            milestone=row.milestone,
        ),
        kind=reminder_type.kind,
        severity=reminder_severity(days_left),
        subject_kind=reminder_type.subject,
        subject_id=row.subject_id,
        milestone=row.milestone,
        due_on=row.on,
        details=row.words,
        raised_at=at,
    )
