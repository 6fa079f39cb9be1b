"""Jobs of the interface in the background."""

from celery import shared_task

from apps.api.bulk import jobs


@shared_task(name=jobs.CARRY_OUT, ignore_result=True)
def carry_out_job(job_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    return jobs.carry_out(job_id)


@shared_task(name="api.carry_out_waiting_jobs", ignore_result=True)
def carry_out_waiting_jobs() -> int:
    return jobs.carry_out_waiting()
