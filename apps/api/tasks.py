"""Jobs of the interface in the background, and the end of what it keeps for a while."""

from celery import shared_task

from apps.api.bulk import jobs
from apps.api.idempotency import forget_old_keys
from apps.common.time import now


@shared_task(name=jobs.CARRY_OUT, ignore_result=True)
def carry_out_job(job_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    return jobs.carry_out(job_id)


@shared_task(name="api.carry_out_waiting_jobs", ignore_result=True)
def carry_out_waiting_jobs() -> int:
    return jobs.carry_out_waiting()


@shared_task(name="api.forget_old", ignore_result=True)
def forget_old() -> int:
    """Answers after a day, reports of jobs after a month."""
    moment = now()
    return forget_old_keys(at=moment) + jobs.forget_old_jobs(at=moment)
