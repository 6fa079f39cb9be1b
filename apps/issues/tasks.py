"""Celery tasks of issues."""

from celery import shared_task

from apps.common.time import now
from apps.issues import evaluation


@shared_task(name="issues.evaluate", ignore_result=True)
def evaluate_due_issues() -> int:
    """Bring the issues of changed applications up to date, and all issues when they are due; return
    how many of them opened or opened again."""
    counts = evaluation.evaluate_due_issues(at=now())
    return counts.opened + counts.reopened
