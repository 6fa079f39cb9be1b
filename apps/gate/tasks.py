"""Celery tasks of the gate: evaluation of large requests, and deletion of old runs."""

from celery import shared_task

from apps.common.time import now
from apps.gate import runs
from apps.gate.models import GatePolicy


@shared_task(name="gate.judge", ignore_result=True)
def evaluate_waiting_run(run_id: int) -> bool:
    """Evaluate a waiting run. A second delivery of the message finds it evaluated or claimed."""
    return runs.evaluate_waiting_run(run_id, at=now())


@shared_task(name="gate.judge_waiting", ignore_result=True)
def evaluate_waiting_runs() -> int:
    return runs.evaluate_waiting_runs(at=now())


@shared_task(name="gate.forget_old_runs", ignore_result=True)
def purge_old_runs() -> int:
    keep_days = GatePolicy.objects.values_list("keep_runs_days", flat=True).get(pk=1)
    return runs.purge_old_runs(at=now(), keep_days=keep_days)
