"""Long lists as files: requested, written, downloaded and deleted. The caller supplies the content,
because lists are composed in higher layers."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import IO, Any

from apps.accounts.models import User
from apps.common.exports.jobs import (
    ExportError,
    ExportSpec,
    delete_expired_parts,
    load_progress,
    run_export,
    run_waiting_exports,
    save_progress,
)
from apps.common.history.context import audit_context
from apps.common.jobs import Claim
from apps.common.time import day_of
from apps.inventory.models import ListExport

FILE_RETENTION = timedelta(days=7)
# of one user; a further file replaces the oldest
MAX_FILES_PER_USER = 10
_PROGRESS_INTERVAL_ROWS = 500

type ProgressCallback = Callable[[int], None]
# (the file, the stream to write to, the callback for the number of finished rows) -> rows written
type FileWriter = Callable[[ListExport, IO[bytes], ProgressCallback], int]


def request_file(*, kind: str, query: str, name: str, by: User, at: datetime) -> ListExport:
    """Queue a file of the rows that `by` can view, or return the user's own pending file for the
    same list. Raises ExportError."""
    pending_file = ListExport.objects.visible_to(by).open().filter(kind=kind, query=query).first()
    if pending_file is not None:
        return pending_file
    can_read_all = by.can_read_all
    teams = [] if can_read_all else sorted(by.team_roles())
    if not can_read_all and not teams:
        raise ExportError(
            "You do not have a role on any team, so the file would be empty. "
            "Ask a team owner for a role."
        )
    file = ListExport(
        kind=kind,
        query=query,
        name=name,
        requested_by=by,
        as_of=at,
        expires_on=day_of(at) + FILE_RETENTION,
        whole_organisation=can_read_all,
        team_ids=teams,
    )
    with audit_context(user=by, reason=f"{name} requested"):
        file.save(force_insert=True)
    return file


def write_file(pk: int, *, write: FileWriter, at: datetime) -> bool:
    """Claim the file and write it; False where another worker has it."""
    return run_export(_export_spec(write), pk, at=at)


def write_waiting_files(*, write: FileWriter, at: datetime) -> int:
    """Write every file that waits or was abandoned by its worker; return the number written. Safe
    to run concurrently."""
    return run_waiting_exports(_export_spec(write), at=at)


def _export_spec(write: FileWriter) -> ExportSpec[ListExport]:
    def write_file(claim: Claim[ListExport], target: IO[bytes]) -> dict[str, Any]:
        n_rows = write(claim.job, target, lambda n: save_progress(claim, n))
        # the name of some files follows from their contents
        return {"n_rows": n_rows, "name": claim.job.name}

    return ExportSpec(
        model=ListExport, job="inventory.write_file", smaller="for fewer rows", write=write_file
    )


def with_progress[R](rows: Iterable[R], report_progress: ProgressCallback) -> Iterator[R]:
    """Yield the rows unchanged and report their number at intervals."""
    for n, row in enumerate(rows, 1):
        yield row
        if n % _PROGRESS_INTERVAL_ROWS == 0:
            report_progress(n)


def n_rows_written(file: ListExport) -> int:
    """Return the number of rows written so far; 0 if unknown."""
    return load_progress(file) or 0


def delete_expired_files(*, on: date) -> int:
    """Delete expired files and return their number."""
    return delete_expired_parts(ListExport, on=on, max_files=MAX_FILES_PER_USER)
