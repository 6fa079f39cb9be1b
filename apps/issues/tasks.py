"""Celery tasks of issues."""

from dataclasses import asdict

from celery import shared_task

from apps.common.time import now
from apps.issues.evaluation import evaluate_issues


@shared_task(name="issues.evaluate", ignore_result=True)
def evaluate_all_issues() -> dict[str, int]:
    """Bring all issues up to date."""
    return asdict(evaluate_issues(at=now()))
