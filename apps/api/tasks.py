"""Background tasks of the interface."""

from celery import shared_task

from apps.api.bulk import jobs


@shared_task(name=jobs.RUN_JOB_TASK, ignore_result=True)
def carry_out_job(job_id: int) -> bool:
    """Run the job; a repeated message finds it done or claimed."""
    return jobs.run_job(job_id)


@shared_task(name="api.carry_out_waiting_jobs", ignore_result=True)
def carry_out_waiting_jobs() -> int:
    return jobs.run_waiting_jobs()
