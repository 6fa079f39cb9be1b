"""Celery tasks of issues."""

from celery import shared_task

from apps.common.time import now
from apps.issues import evaluation
from apps.issues.tickets import work
from apps.issues.tickets.polls import poll_due_connections


@shared_task(name="issues.evaluate", ignore_result=True)
def evaluate_due_issues() -> int:
    """Bring the issues of changed applications up to date, and all issues when they are due; return
    how many of them opened or opened again."""
    counts = evaluation.evaluate_due_issues(at=now())
    return counts.opened + counts.reopened


@shared_task(name="issues.synchronise_tickets", ignore_result=True)
def synchronise_tickets() -> int:
    """Poll the ticket systems that are due, and create, read and tell their tickets; return the
    number of tickets."""
    at = now()
    poll_due_connections(at=at)
    return work.synchronise_tickets(at=now())
