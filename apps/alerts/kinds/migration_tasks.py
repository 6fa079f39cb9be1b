"""Alerts about migration tasks: assigned, to start or to finish soon, late, ready to sign off.

One alert is about all tasks of one campaign and party that became so together, so that a campaign
is one entry of a digest. The party is the owner of the tasks, else the owner of the application,
else its team; what is ready to sign off goes to the owners of the team, who sign.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.accounts.models import User
from apps.alerts.kinds.provider_events import AffectedParty
from apps.alerts.kinds.severity import is_urgent, task_severity
from apps.alerts.lifecycle.creation import AlertDraft, TeamRoute, alert_key, store_alerts
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Notice, Resolution, SubjectKind, TaskKind
from apps.alerts.recipients import application_owners, display_name
from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.common.time import day_of
from apps.inventory.models import Application

# one run at a time; the number is only the name of this lock
TASKS_LOCK = 7301023
# days before the start and the finish date
TASK_MILESTONES = (14, 7, 1)
REMINDER_DAYS = 30

_FACTS = load_statement("alerts", "task_facts")
_DUE_TASKS = compose_statement(load_statement("alerts", "due_tasks"), facts=_FACTS)
_ENDED_ALERTS = compose_statement(load_statement("alerts", "ended_task_alerts"), facts=_FACTS)


@dataclass(frozen=True, slots=True)
class DueTask:
    """A fact about a task whose alert is due. `on` is the ISO date that it is about, of an
    assignment the owner's ID, else empty; `milestone` the days before that date."""

    kind: str
    on: str
    milestone: int | None
    is_overdue: bool
    task_id: int
    campaign_id: int
    title: str
    offering_of_campaign_id: int
    owner_id: int | None
    application_id: int
    offering_id: int
    team_id: int
    criticality: int
    start_by: date | None

    @property
    def day(self) -> date | None:
        """Return the date that the fact is about; of an assignment the start date."""
        if self.kind == TaskKind.ASSIGNED:
            return self.start_by
        return date.fromisoformat(self.on) if self.on else None


@dataclass(frozen=True, slots=True)
class _Group:
    """What one alert is about: the facts of one kind, campaign and party; reminders also of one
    date, assignments of one owner."""

    kind: TaskKind
    campaign_id: int
    team_id: int
    user_id: int | None
    milestone: int | None
    on: str


_IS_ANY_DUE = f"SELECT EXISTS ({_DUE_TASKS}) OR EXISTS ({_ENDED_ALERTS})"


def raise_task_alerts(*, at: datetime) -> int:
    """Raise the alerts about tasks that are due, resolve those that have ended, and return the
    number raised. One statement if there are none."""
    parameters: dict[str, Any] = {
        "at": at,
        "day": day_of(at),
        "in_scope": [str(status) for status in Application.IN_SCOPE],
        "kinds": [str(kind) for kind in TaskKind],
        "milestones": list(TASK_MILESTONES),
        "first_milestone": max(TASK_MILESTONES),
        "last_milestone": min(TASK_MILESTONES),
        "reminder_days": REMINDER_DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_IS_ANY_DUE, parameters)
        is_any_due = cursor.fetchone()[0]
    return _raise_due_alerts(parameters, at=at) if is_any_due else 0


@transaction.atomic
def _raise_due_alerts(parameters: dict[str, Any], *, at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TASKS_LOCK])
    due_tasks = fetch_rows(DueTask, _DUE_TASKS, parameters)
    n_raised = store_alerts(_draft_alerts(due_tasks, at=at)) if due_tasks else 0
    with connection.cursor() as cursor:
        cursor.execute(_ENDED_ALERTS, parameters)
        ended = cursor.fetchall()
    # the user who completed or changed a task needs no message about it
    for is_replaced, resolution in (
        (True, Resolution.NEXT_MILESTONE),
        (False, Resolution.TASK_CHANGED),
    ):
        ids = [pk for pk, is_replaced_by_later in ended if is_replaced_by_later is is_replaced]
        resolve_alerts(ids, resolution=resolution, at=at, notify=False)
    return n_raised


def _draft_alerts(due_tasks: Sequence[DueTask], *, at: datetime) -> list[AlertDraft]:
    application_owner_ids = {
        pk: owners.first
        for pk, owners in application_owners({task.application_id for task in due_tasks}).items()
    }
    groups: dict[_Group, list[DueTask]] = defaultdict(list)
    for task in due_tasks:
        kind = TaskKind(task.kind)
        user_id = task.owner_id or application_owner_ids.get(task.application_id)
        if kind == TaskKind.READY:
            user_id = None
        has_one_fact = task.milestone is not None or kind == TaskKind.ASSIGNED
        groups[
            _Group(
                kind,
                task.campaign_id,
                task.team_id,
                user_id,
                task.milestone,
                task.on if has_one_fact else "",
            )
        ].append(task)
    names = {
        user.pk: display_name(user)
        for user in User.objects.filter(pk__in={task.owner_id for task in due_tasks})
    }
    return [_draft_alert(group, tasks, names, at=at) for group, tasks in groups.items()]


def _draft_alert(
    group: _Group, tasks: Sequence[DueTask], names: dict[int, str], *, at: datetime
) -> AlertDraft:
    """Draft the alert of one group; `tasks` are its facts, most critical applications first."""
    party = AffectedParty(group.team_id, group.user_id)
    for pk, criticality in dict.fromkeys((task.application_id, task.criticality) for task in tasks):
        party.add(pk, criticality, is_primary=True, owners=None)
    first = tasks[0]
    day = min((task.day for task in tasks if task.day is not None), default=None)
    days_left = (day - day_of(at)).days if day is not None else None
    severity = task_severity(group.kind, criticality=first.criticality, days_left=days_left)
    alert = Alert(
        # the time makes the key of what is told again, to the same party, another one
        key=alert_key(
            f"campaign:{group.campaign_id}",
            group.kind,
            party.key,
            milestone=f"{group.milestone or ''}@{at:%Y-%m-%dT%H:%M} task:{first.task_id}",
        ),
        kind=group.kind,
        severity=severity,
        subject_kind=SubjectKind.CAMPAIGN,
        subject_id=group.campaign_id,
        offering_id=first.offering_of_campaign_id,
        milestone=group.milestone,
        due_on=day,
        urgent=is_urgent(group.kind, severity=severity),
        details={
            "what": first.title,
            "who": names.get(first.owner_id or 0, ""),
            "tasks": [
                {
                    "id": task.task_id,
                    "on": task.on,
                    "day": task.day.isoformat() if task.day is not None else None,
                    "is_overdue": task.is_overdue,
                    "application": task.application_id,
                    "offering": task.offering_id,
                }
                for task in tasks
            ],
        },
        team_id=group.team_id,
        user_id=group.user_id,
        application_ids=party.application_ids,
        raised_at=at,
    )
    is_task_owner = first.owner_id is not None and first.owner_id == group.user_id
    return AlertDraft(
        alert,
        why=Notice.Why.ASSIGNED if is_task_owner else Notice.Why.OWNER,
        # only what is late is escalated; the rest is followed by what is late
        criticality=party.gravest if group.kind == TaskKind.LATE else None,
        team_route=TeamRoute.OWNERS if group.kind == TaskKind.READY else TeamRoute.FALLBACK,
    )
