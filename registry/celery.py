"""Celery app of the background worker: reads its settings from Django and chains the steps that
follow a poll."""

import os
from datetime import UTC, datetime
from typing import Any

import structlog
from celery import Celery, chain
from celery.signals import setup_logging, task_postrun, task_prerun, task_success, worker_ready
from kombu.exceptions import OperationalError

from apps.common import heartbeat
from apps.common.circuit_breaker import CircuitBreaker
from apps.common.postgresql.limits import ProcessKind
from registry.process_kind import process_kind

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

BROKER_PAUSE_SECONDS = 10.0
_BREAKER = CircuitBreaker()


class RegistryCelery(Celery):
    """Celery app with a circuit breaker where pages send tasks: each would otherwise wait again for
    a silent broker."""

    def send_task(self, *args: Any, **kwargs: Any) -> Any:
        """Send a task; kombu's OperationalError if the broker does not take it, or did not a moment
        ago."""
        if process_kind() is not ProcessKind.WEB:
            return super().send_task(*args, **kwargs)
        if not _BREAKER.admits():
            raise OperationalError(
                "The broker did not respond recently. The connection is not tried again yet."
            )
        try:
            result = super().send_task(*args, **kwargs)
        except (OperationalError, OSError):
            _BREAKER.open(BROKER_PAUSE_SECONDS)
            raise
        _BREAKER.close()
        return result


app = RegistryCelery("registry")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

POLL = "feeds.poll_source"
COUNT = "risks.count_inherited_risk"
ISSUES = "issues.evaluate"
ALERTS = "alerts.raise_alerts"
AFTER_POLL = (
    "exposure.refresh_exposure",
    "inventory.keep_findings",
    "risks.refresh_risks",
    ISSUES,
    ALERTS,
    COUNT,
)
# tasks that can change many applications; small changes wait for beat
BULK_LOADS = frozenset({"intake.carry_out_import", "api.carry_out_job"})
# pages of a large organisation show counts, and are looked at as soon as the import is through
AFTER_BULK_LOAD = (
    COUNT,
    "exposure.refresh_exposure",
    "inventory.keep_findings",
    ISSUES,
    ALERTS,
)


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Do nothing: being connected is enough for Celery to leave the logging that Django set up
    alone."""


@worker_ready.connect
def record_first_heartbeat(**_: Any) -> None:
    """Record beat's first heartbeat immediately: the regular one is half a minute away, and
    readiness need not wait for it."""
    heartbeat.record_heartbeat(at=datetime.now(tz=UTC))


@task_prerun.connect
def bind_task_context(task_id: str, task: Any, **_: Any) -> None:
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id)


@task_postrun.connect
def clear_task_context(**_: Any) -> None:
    structlog.contextvars.unbind_contextvars("task", "task_id")


@task_success.connect
def send_follow_up_tasks(sender: Any, result: Any = None, **_: Any) -> None:
    """Send the tasks that follow a poll, an import that was carried out, or an evaluation that
    opened issues.

    Beat repeats each step, so a lost message delays an alert by a minute but loses none."""
    steps: tuple[str, ...] = ()
    if sender.name == POLL:
        steps = AFTER_POLL
    elif sender.name in BULK_LOADS and result:
        steps = AFTER_BULK_LOAD
    elif sender.name == ISSUES and result:
        # a notification is then owed in the same minute, whichever of the two beat sent first
        steps = (ALERTS,)
    if steps and not app.conf.task_always_eager:
        chain(*(app.signature(name, immutable=True) for name in steps)).apply_async()
