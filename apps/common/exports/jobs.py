"""Generation of export files as background jobs. One worker at a time generates a file; its content
is stored in parts once it is complete."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import IO, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction

from apps.common import jobs
from apps.common.errors import ConflictError
from apps.common.exports.models import ExportFile, ExportFilePart
from apps.common.history.context import audit_context
from apps.common.jobs import Claim, JobKind

State = ExportFile.State
_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024


class ExportError(ConflictError):
    """The requested file cannot be made; the message is for the user."""


@dataclass(frozen=True, slots=True)
class ExportSpec[F: ExportFile]:
    """How files of one kind are generated. `write` writes the content to its target and returns the
    fields to set on the file; it can raise ExportError. `relations` are loaded with the file;
    `smaller` suggests a smaller request after a failure."""

    model: type[F]
    job: str
    smaller: str
    write: Callable[[Claim[F], IO[bytes]], Mapping[str, Any]]
    relations: tuple[str, ...] = ("requested_by",)


def run_export[F: ExportFile](spec: ExportSpec[F], pk: int, *, at: datetime) -> bool:
    """Claim the file and generate it; return False if another worker has it. A failed file has a
    reason and can be requested again; if a worker is lost, another one restarts its file, up to
    jobs.MAX_ATTEMPTS."""
    return jobs.run(_job_kind(spec), pk, at=at)


def run_waiting_exports[F: ExportFile](spec: ExportSpec[F], *, at: datetime) -> int:
    """Generate every file of this kind that waits or whose worker was lost; return the number
    generated. Safe to run concurrently."""
    return jobs.run_waiting(_job_kind(spec), at=at)


def _job_kind[F: ExportFile](spec: ExportSpec[F]) -> JobKind[F]:
    lost_message = (
        "The export failed after 3 attempts because the worker stopped. Try again {smaller}."
    )
    return JobKind(
        model=spec.model,
        work=partial(_run_claim, spec),
        abandonment=lambda _file: lost_message.format(smaller=spec.smaller),
        relations=spec.relations,
    )


def _run_claim[F: ExportFile](spec: ExportSpec[F], claim: Claim[F]) -> None:
    """Write the file of a claimed export job and store it, or record the failure. The requester's
    access at this time is stored with the file. Raises the DatabaseError of a lost connection, so
    that the job is run again."""
    file = claim.job
    # the file contains what the requester can view now; a later download needs the same access
    requester = file.requested_by
    file.whole_organisation = requester.can_read_all
    file.team_ids = [] if requester.can_read_all else sorted(requester.team_roles())
    with audit_context(job=spec.job):
        claim.update(whole_organisation=file.whole_organisation, team_ids=file.team_ids)
    try:
        with tempfile.SpooledTemporaryFile(max_size=_MAX_BYTES_IN_MEMORY) as target:
            _store_parts(claim, target, spec.write(claim, target))
    except (ExportError, DatabaseError, SoftTimeLimitExceeded) as error:
        if isinstance(error, DatabaseError) and jobs.connection_is_lost():
            # the database was restarted; the file itself is not at fault, and the next worker
            # generates it
            raise
        claim.fail(_failure_message(error, spec.smaller))
    finally:
        cache.delete(_progress_key(file))


def save_progress[F: ExportFile](claim: Claim[F], progress: Any) -> None:
    """Save progress as JSON in the cache only: it is updated often and not needed once the file is
    ready. Raises ClaimLostError if another worker has the file now."""
    claim.check()
    cache.set(_progress_key(claim.job), progress, timeout=jobs.MAX_RUN_TIME.seconds)


def load_progress(file: ExportFile) -> Any:
    """Return the last saved progress; None if there is none."""
    return cache.get(_progress_key(file))


def is_available(file: ExportFile) -> bool:
    return file.state == State.DONE and file.parts.exists()


def read_parts(file: ExportFile) -> Iterator[bytes]:
    """Yield the content of the file, one part per statement, so that memory use stays small."""
    for part_number in range(file.parts.count()):
        yield bytes(file.parts.values_list("body", flat=True).get(number=part_number))


def delete_expired_parts(model: type[ExportFile], *, on: date, max_files: int) -> int:
    """Delete the content of expired files, and of each user's files beyond the latest `max_files`;
    the requests stay recorded. Return the number of files."""
    part_table, file_column = _part_table(model)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM {part_table} WHERE {file_column} IN (
                SELECT id FROM (
                    -- place 1 is the latest file of its user
                    SELECT id, expires_on,
                           row_number() OVER (PARTITION BY requested_by_id
                           ORDER BY as_of DESC, id DESC) AS place
                    FROM {model._meta.db_table} WHERE state = 'done'
                ) kept WHERE expires_on <= %s OR place > %s
            ) RETURNING {file_column}
            """,
            [on, max_files],
        )
        return len({pk for (pk,) in cursor.fetchall()})


def _part_table(model: type[ExportFile]) -> tuple[str, str]:
    """Return the name of the parts' table and of its column that refers to the file."""
    meta: Any = model._meta
    file_field = meta.get_field("parts").remote_field
    return file_field.model._meta.db_table, file_field.column


def _failure_message(error: Exception, smaller: str) -> str:
    match error:
        case SoftTimeLimitExceeded():
            return f"The export took longer than a worker is allowed to run. Try again {smaller}."
        case DatabaseError():
            return f"The export failed in the database: {error}"
        case _:
            return str(error)


def _progress_key(file: ExportFile) -> str:
    return f"{file._meta.label_lower}:{file.pk}"


def _store_parts[F: ExportFile](
    claim: Claim[F], target: IO[bytes] | Any, fields: Mapping[str, Any]
) -> None:
    """Store the parts and mark the job as done in one transaction, so that a file is never half
    stored."""
    n_bytes = target.seek(0, 2)
    target.seek(0)
    stored_parts = claim.job.parts
    with transaction.atomic():
        claim.hold()
        stored_parts.all().delete()
        part_number = 0
        while body := target.read(ExportFilePart.SIZE):
            stored_parts.create(number=part_number, body=body)
            part_number += 1
        claim.complete(n_bytes=n_bytes, **fields)
