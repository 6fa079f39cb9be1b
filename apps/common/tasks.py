from datetime import timedelta
from typing import Any

import structlog
from celery import Task, current_app, shared_task
from celery.signals import task_prerun, task_success
from django.utils import timezone

from apps.common import heartbeat as sign
from apps.common import periodic_jobs
from apps.common.retention import JOB as RETENTION_JOB
from apps.common.retention import delete_expired_rows as delete_rows

log = structlog.get_logger(__name__)


@shared_task(name="common.heartbeat")
def heartbeat() -> None:
    sign.record_heartbeat(at=timezone.now())


@shared_task(name="common.enqueue_due_jobs")
def enqueue_due_jobs() -> list[str]:
    return periodic_jobs.enqueue_due_jobs(at=timezone.now(), send=_send)


@shared_task(name=RETENTION_JOB)
def delete_expired_rows() -> dict[str, int]:
    """Delete expired rows by the rules of apps/common/retention.py; return {table: rows}, which is
    also logged."""
    counts = delete_rows(at=timezone.now())
    if counts:
        log.info("expired rows deleted", **counts)
    return counts


def _send(task: str, useful_for: timedelta) -> None:
    current_app.tasks[task].apply_async(expires=useful_for.total_seconds())


# Celery logs errors of these receivers and the task continues; without the database it fails by
# itself


@task_prerun.connect
def note_start(sender: "Task[Any, Any]", **_: Any) -> None:
    if not sender.request.is_eager:
        periodic_jobs.record_start(sender.name, at=timezone.now())


@task_success.connect
def note_success(sender: "Task[Any, Any]", **_: Any) -> None:
    if not sender.request.is_eager:
        periodic_jobs.record_success(sender.name, at=timezone.now())
