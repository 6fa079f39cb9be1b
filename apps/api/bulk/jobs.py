"""Bulk changes, applied during the request or by a worker as a job.

A job is done block by block. Each block is one transaction with its progress, so that a worker that
ends loses only the block in progress, and another one continues. `all_or_nothing` and `dry_run` are
one transaction over all blocks.
"""

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import batched
from uuid import UUID

import structlog
from celery import signature
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.api.bulk.row_stream import parse_row
from apps.api.models import Job, JobChunk
from apps.common import jobs
from apps.common.history.context import audit_context
from apps.common.jobs import Claim, JobKind
from apps.common.time import day_of, now
from apps.inventory.bulk.merge import (
    MAX_LISTED_REJECTIONS,
    MERGE_BATCH_SIZE,
    Merge,
    MergeReport,
    SourceRow,
)
from apps.inventory.bulk.resources import BULK_RESOURCES

log = structlog.get_logger(__name__)

RUN_JOB_TASK = "api.carry_out_job"


class _RollBackError(Exception):
    """Roll back a transaction."""


def merge_rows(
    resource: str, lines: Iterable[bytes], *, by: User, mode: str, dry_run: bool, reason: str
) -> tuple[MergeReport, bool, UUID | None]:
    """Return the outcome of the rows, whether any is stored, and the ID of the change.

    The blocks are one transaction each, or one transaction together if the mode is all or nothing.
    With `dry_run` everything is rolled back.
    """
    merge, report = Merge(by, day_of(now()), now()), MergeReport()
    is_one_transaction = dry_run or mode == Job.Mode.ALL_OR_NOTHING
    blocks = (list(block) for block in batched(_number_rows(lines, 1), MERGE_BATCH_SIZE))
    with audit_context(user=by, reason=reason or f"bulk change of {resource}") as change:
        if not is_one_transaction:
            for block in blocks:
                _merge_block(resource, block, merge, report)
            is_written = bool(report.created or report.updated)
            return report, is_written, change if is_written else None
        try:
            with transaction.atomic():
                for block in blocks:
                    BULK_RESOURCES[resource].merge(block, merge, report)
                _roll_back(unless=not dry_run and not report.n_rejected)
        except _RollBackError:
            return report, False, None
    is_written = bool(report.created or report.updated)
    return report, is_written, change if is_written else None


def _roll_back(*, unless: bool) -> None:
    """Roll back the enclosing transaction, unless the rows are to be stored."""
    if not unless:
        raise _RollBackError


def _merge_block(resource: str, block: list[SourceRow], merge: Merge, report: MergeReport) -> None:
    """Merge a block in one transaction; retry once if another transaction added the same row."""
    counts = MergeReport()
    for attempt in (1, 2):
        counts = MergeReport()
        row_numbers_before = (
            dict(merge.row_numbers)
            if attempt == 1 and len(merge.row_numbers) < MERGE_BATCH_SIZE
            else None
        )
        try:
            with transaction.atomic():
                BULK_RESOURCES[resource].merge(block, merge, counts)
            break
        except IntegrityError:
            if attempt == 2:
                raise
            if row_numbers_before is not None:
                merge.row_numbers = row_numbers_before
            else:
                numbers = {row.number for row in block}
                merge.row_numbers = {
                    key: number
                    for key, number in merge.row_numbers.items()
                    if number not in numbers
                }
    report.created += counts.created
    report.updated += counts.updated
    report.unchanged += counts.unchanged
    report.n_rejected += counts.n_rejected
    report.rejected += counts.rejected[: MAX_LISTED_REJECTIONS - len(report.rejected)]


def _number_rows(lines: Iterable[bytes], start: int) -> Iterator[SourceRow]:
    for number, line in enumerate(lines, start):
        value, reason = parse_row(line)
        yield SourceRow(number, value, reason)


# --- as a job -------------------------------------------------------------------------------------


@transaction.atomic
def queue_job(
    resource: str,
    lines: Iterable[bytes],
    *,
    by: User,
    mode: str,
    dry_run: bool,
    reason: str,
    at: datetime,
) -> Job:
    """Store the rows block by block as they arrive, and queue the job when all are stored."""
    job = Job.objects.create(
        resource=resource,
        mode=mode,
        dry_run=dry_run,
        reason=reason,
        queued_at=at,
        by=by,
        bound_team_id=getattr(by, "bound_team_id", None),
    )
    n_rows = 0
    for block in batched(lines, MERGE_BATCH_SIZE):
        JobChunk.objects.create(job=job, first=n_rows + 1, body=zlib.compress(b"\n".join(block), 1))
        n_rows += len(block)
    Job.objects.filter(pk=job.pk).update(n_rows=n_rows)
    job.n_rows = n_rows
    transaction.on_commit(lambda: _enqueue(job.pk))
    return job


def _enqueue(pk: int) -> None:
    try:
        signature(RUN_JOB_TASK, args=(pk,), immutable=True).apply_async(retry=False)
    except OperationalError as error:
        log.warning("the broker is unavailable; beat will find the job", job=pk, error=str(error))


def cancel_job(job: Job, *, at: datetime) -> bool:
    """Return whether the job was cancelled before it started."""
    with transaction.atomic():
        cancelled = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(
            state=Job.State.CANCELLED, finished_at=at
        )
        if cancelled:
            JobChunk.objects.filter(job=job).delete()
    return bool(cancelled)


def resume_job(job: Job) -> bool:
    """Queue the remaining rows of a failed job; return whether there were any."""
    with transaction.atomic():
        resumed = Job.objects.filter(
            Exists(JobChunk.objects.filter(job=OuterRef("pk"))), pk=job.pk, state=Job.State.FAILED
        ).update(state=Job.State.QUEUED, error="", finished_at=None)
        if resumed:
            transaction.on_commit(lambda: _enqueue(job.pk))
    return bool(resumed)


def run_job(pk: int) -> bool:
    """Run the job; return False if another worker runs it, it was cancelled, or nothing is left."""
    return jobs.run(_BULK_JOBS, pk, at=now())


def run_waiting_jobs() -> int:
    """Run all queued jobs, oldest first; return their number."""
    return jobs.run_waiting(_BULK_JOBS, at=now())


def _run(claim: Claim[Job]) -> None:
    job = claim.job
    by = job.by.bound_to(job.bound_team_id) if job.bound_team_id is not None else job.by
    if not by.is_active:
        with transaction.atomic():
            claim.fail("The account that requested the job is closed.")
            JobChunk.objects.filter(job=job).delete()
        return
    with audit_context(user=by, reason=job.reason or f"bulk change of {job.resource}") as change:
        if _is_one_transaction(job):
            _run_in_one_transaction(claim, by, change)
        else:
            _run_in_blocks(claim, by, change)


def _is_one_transaction(job: Job) -> bool:
    return job.dry_run or job.mode == Job.Mode.ALL_OR_NOTHING


def _run_in_blocks(claim: Claim[Job], by: User, change: UUID) -> None:
    """Write each block, its progress and the removal of its chunk in one transaction.

    A worker without the claim cannot commit it, so no block is written twice.
    """
    merge = Merge(by, day_of(now()), now())
    while (chunk := JobChunk.objects.filter(job=claim.job).order_by("first").first()) is not None:
        claim.check()
        report, block = MergeReport(), _read_rows(chunk)
        with transaction.atomic():
            _merge_block(claim.job.resource, block, merge, report)
            _record_report(claim, report, n_done=len(block), change=change)
            chunk.delete()
    claim.complete()


def _run_in_one_transaction(claim: Claim[Job], by: User, change: UUID) -> None:
    job, merge, report = claim.job, Merge(by, day_of(now()), now()), MergeReport()
    chunks = JobChunk.objects.filter(job=job)
    try:
        with transaction.atomic():
            for chunk in chunks.order_by("first").iterator(chunk_size=1):
                claim.check()
                BULK_RESOURCES[job.resource].merge(_read_rows(chunk), merge, report)
            _roll_back(unless=not job.dry_run and not report.n_rejected)
            _finish_job(claim, report, change=change)
    except _RollBackError:
        with transaction.atomic():
            _finish_job(claim, report, change=None)


def _finish_job(claim: Claim[Job], report: MergeReport, *, change: UUID | None) -> None:
    _record_report(claim, report, n_done=report.n_rows, change=change)
    JobChunk.objects.filter(job=claim.job).delete()
    claim.complete()


def _describe_abandonment(job: Job) -> str:
    """Return what is stored and how to continue; the remaining rows stay with the job."""
    if _is_one_transaction(job):
        progress, remaining_rows = "Nothing was written.", "all rows"
    elif not job.n_done:
        progress, remaining_rows = "Nothing was written.", "the rows"
    else:
        progress = f"Rows 1 to {job.n_done} are written, as in the report; later rows are not."
        remaining_rows = f"rows {job.n_done + 1} to {job.n_rows}"
    return (
        f"The job failed after 3 attempts. See the server log. {progress} Continue with POST "
        f"jobs/{job.pk}/resume/, or send {remaining_rows} again in smaller parts."
    )


_BULK_JOBS = JobKind(model=Job, work=_run, abandonment=_describe_abandonment, relations=("by",))


def _read_rows(chunk: JobChunk) -> list[SourceRow]:
    return list(_number_rows(zlib.decompress(bytes(chunk.body)).split(b"\n"), chunk.first))


def _record_report(
    claim: Claim[Job], report: MergeReport, *, n_done: int, change: UUID | None
) -> None:
    """Record the report in the transaction that wrote the rows."""
    job = claim.job
    is_written = change is not None and bool(report.created or report.updated)
    job.rejected = [*job.rejected, *rejected_row(report)][:MAX_LISTED_REJECTIONS]
    job.applied = job.applied or is_written
    job.change = change if is_written else job.change
    claim.progress(
        n_done=F("n_done") + n_done,
        created=F("created") + report.created,
        updated=F("updated") + report.updated,
        unchanged=F("unchanged") + report.unchanged,
        n_rejected=F("n_rejected") + report.n_rejected,
        rejected=job.rejected,
        applied=job.applied,
        change=job.change,
    )


def rejected_row(report: MergeReport) -> list[dict[str, str]]:
    return [{"where": location, "reason": reason} for location, reason in report.rejected]
