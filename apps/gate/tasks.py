"""The gate in the background: long questions, and what is old enough to be forgotten."""

from celery import shared_task

from apps.common.time import now
from apps.gate import running
from apps.gate.models import GatePolicy


@shared_task(name="gate.judge", ignore_result=True)
def judge(run_id: int) -> bool:
    """A second delivery of the message finds the question judged or taken."""
    return running.judge(run_id, at=now())


@shared_task(name="gate.judge_waiting", ignore_result=True)
def judge_waiting() -> int:
    return running.judge_waiting(at=now())


@shared_task(name="gate.forget_old_runs", ignore_result=True)
def forget_old_runs() -> int:
    keep_days = GatePolicy.objects.values_list("keep_runs_days", flat=True).get(pk=1)
    return running.forget_old_runs(at=now(), keep_days=keep_days)
