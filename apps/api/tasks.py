"""Jobs of the interface in the background."""

from celery import shared_task

from apps.api.bulk import jobs


@shared_task(name=jobs.RUN_JOB_TASK, ignore_result=True)
def carry_out_job(job_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    return jobs.run_job(job_id)


@shared_task(name="api.carry_out_waiting_jobs", ignore_result=True)
def carry_out_waiting_jobs() -> int:
    return jobs.run_waiting_jobs()
