"""Texts of alerts about migration tasks, for emails and pages alike. Plain Python.

`Alert.details`: {"what": title of the campaign, "who": name of the owner of the tasks, empty
without one, "tasks": [{"id", "on", "day": ISO date or null, "is_overdue", "application",
"offering"}]}. `on` and `day` are those of `DueTask` in migration_tasks.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.alerts.models import Alert, TaskKind
from apps.alerts.text import as_day, counted, days, long_day, one_line

# {kind: (heading, what to do)}
GUIDANCE: Mapping[str, tuple[str, str]] = {
    TaskKind.ASSIGNED: ("Migration tasks", "Plan the migration, and start it by its date."),
    TaskKind.START_DUE: ("Migration tasks to start", "Choose a target and start the migration."),
    TaskKind.FINISH_DUE: ("Migration tasks to finish", "Complete the steps of the tasks."),
    TaskKind.LATE: (
        "Late migration tasks",
        "Start or finish the migration now, shorten it, or plan for downtime.",
    ),
    TaskKind.READY: ("Migration tasks to sign off", "Check the evidence and sign off the tasks."),
}


@dataclass(frozen=True, slots=True)
class AlertedTask:
    """A task of an alert. `day` is the date that the alert is about."""

    task_id: int
    application_id: int
    offering_id: int
    day: date | None
    is_overdue: bool


def alerted_tasks(alert: Alert) -> list[AlertedTask]:
    """Return the tasks that the alert is about."""
    return [_parse_task(row) for row in alert.details.get("tasks", ())]


def _parse_task(row: Mapping[str, Any]) -> AlertedTask:
    return AlertedTask(
        task_id=int(row["id"]),
        application_id=int(row["application"]),
        offering_id=int(row["offering"]),
        day=as_day(row.get("day")),
        is_overdue=bool(row.get("is_overdue")),
    )


def campaign_title(alert: Alert) -> str:
    return one_line(alert.details.get("what", ""), max_length=120) or "A migration campaign"


def task_sentences(alert: Alert, tasks: Sequence[AlertedTask], *, on: date) -> list[str]:
    """Return what the alert says of these of its tasks on the day `on`, as sentences; a reminder
    whose date has passed by then says so."""
    match alert.kind:
        case TaskKind.READY:
            return [f"{_count(tasks)} ready to sign off."]
        case TaskKind.ASSIGNED:
            owner = one_line(alert.details.get("who", ""), max_length=80)
            sentence = (
                f"{_count(tasks)} assigned to {owner}." if owner else f"{_count(tasks)} unassigned."
            )
            start_dates = [task.day for task in tasks if task.day is not None]
            return [sentence, _start_sentence(start_dates, on)] if start_dates else [sentence]
        case TaskKind.LATE:
            return [
                sentence
                for is_overdue in (True, False)
                if (sentence := _late_sentence(tasks, on, is_overdue=is_overdue))
            ]
    verb = "be started" if alert.kind == TaskKind.START_DUE else "be finished"
    day = min((task.day for task in tasks if task.day is not None), default=on)
    n = counted(len(tasks), "migration task")
    left = (day - on).days
    if left < 0:
        return [f"{n} had to {verb} by {long_day(day)}."]
    when = "today" if left == 0 else f"in {days(left)}"
    return [f"{n} must {verb} by {long_day(day)}, {when}."]


def _count(tasks: Sequence[AlertedTask]) -> str:
    """Return `1 migration task is`, `3 migration tasks are`."""
    return f"{counted(len(tasks), 'migration task')} {'is' if len(tasks) == 1 else 'are'}"


def _start_sentence(start_dates: Sequence[date], on: date) -> str:
    first = min(start_dates)
    if first < on:
        return f"The first start date was {long_day(first)}."
    label = "The first start date" if len(set(start_dates)) > 1 else "The start date"
    return f"{label} is {long_day(first)}."


def _late_sentence(tasks: Sequence[AlertedTask], on: date, *, is_overdue: bool) -> str:
    """Return the sentence about the overdue tasks, or about those that are too late; empty without
    any."""
    late_by = [
        (on - task.day).days
        for task in tasks
        if task.is_overdue is is_overdue and task.day is not None
    ]
    if not late_by:
        return ""
    n = counted(len(late_by), "migration task")
    verb = "is" if len(late_by) == 1 else "are"
    up_to = "by up to" if len(set(late_by)) > 1 else "by"
    state = "overdue" if is_overdue else "too late"
    return f"{n} {verb} {state} {up_to} {days(max(late_by))}."


def task_heading(alert: Alert, *, name: str, on: date) -> str:
    """Return the alert as one line; `name` is the only application that it concerns, or empty."""
    sentences = " ".join(task_sentences(alert, alerted_tasks(alert), on=on)).rstrip(".")
    of_application = f" ({name})" if name else ""
    return f"{campaign_title(alert)}{of_application}: {sentences}"


def task_path(alert: Alert) -> str:
    """Return the page of the task, or of the campaign if there are several, from the root of the
    site."""
    tasks = alerted_tasks(alert)
    if len(tasks) == 1:
        return f"/campaigns/tasks/{tasks[0].task_id}/"
    return f"/campaigns/{alert.subject_id}/"
