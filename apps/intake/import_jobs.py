"""Import jobs: an import is processed by the request that uploaded it or by a worker, one process
at a time, and its changes are applied once or not at all.

`ImportSteps` maps the state of an import to the function of its next step. Each kind of import has
its own steps: those of spreadsheets and documents are in this app, those of evaluation results in
apps/risks."""

import zlib
from collections.abc import Callable, Mapping

import structlog
from celery import signature
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.common.errors import ConflictError, ForbiddenError
from apps.common.processes.child_process import BusyError, limited_memory
from apps.intake.models import Import, ImportContent
from apps.intake.spreadsheets.files.tables import UnreadableError

RUN_IMPORT_TASK = signature("intake.carry_out_import")


log = structlog.get_logger(__name__)

type ImportSteps = Mapping[str, Callable[[Import], None]]
_MAX_ATTEMPTS = 3
# in addition to the memory that a worker has already used: half a million rows and the inventory
# that they are compared with take a fifth of it
MAX_WORKER_MEMORY_MIB = 2048
_TOO_MUCH_MEMORY = (
    f"This file needs more than {MAX_WORKER_MEMORY_MIB:,} MiB of memory. Nothing was imported. "
    "Split the file, or remove the parts that are not needed."
)
_FAILED_REPEATEDLY = "The import failed after 3 attempts. Nothing was imported. See the server log."


class InvalidStateError(ConflictError):
    """Error: the record is not in the state that this step requires; the text says why."""


class IntakePermissionError(ForbiddenError):
    """Error: the import is another user's, or the user may not edit the teams."""


class IdempotencyKeyReusedError(Exception):
    """Error: the sender's Idempotency-Key (the only argument) was used before with other
    content."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key '{key}' was already used for another document. Use a new one "
            "for each document."
        )


def run_import(pk: int, steps: ImportSteps) -> bool:
    """Execute the next step of the import; return False if another process works on it or no step
    is due."""
    with transaction.atomic():
        import_ = (
            Import.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if import_ is None:
            return False
        Import.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        if import_.attempts >= _MAX_ATTEMPTS:
            _fail_import(import_)
            return True
    try:
        with limited_memory(MAX_WORKER_MEMORY_MIB), transaction.atomic():
            import_ = (
                Import.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(pk=pk)
                .waiting()
                .first()
            )
            if import_ is None:
                return False
            steps[import_.state](import_)
    except MemoryError:
        log.exception("an import needs more memory than the worker limit", import_id=pk)
        _fail_import(Import.objects.get(pk=pk), _TOO_MUCH_MEMORY)
    return True


def run_import_now(pk: int, steps: ImportSteps) -> bool:
    """Call `run_import` while the sender waits; leave it to a worker if too many files are being
    read."""
    try:
        return run_import(pk, steps)
    except BusyError:
        send_to_worker(pk)
        return False


def run_waiting_imports(kind: str, steps: ImportSteps) -> int:
    """Process every waiting import of the kind, oldest first, and return their number."""
    import_ids = list(
        Import.objects.waiting()
        .filter(kind=kind)
        .order_by("received_at", "pk")
        .values_list("pk", flat=True)
    )
    return sum(run_import(pk, steps) for pk in import_ids)


def send_to_worker(pk: int) -> None:
    """Send the import to a worker after this transaction commits. If the broker is not available,
    beat finds the import within a minute."""
    transaction.on_commit(lambda: _send_task(pk))


def _send_task(pk: int) -> None:
    try:
        RUN_IMPORT_TASK.clone(args=(pk,)).apply_async(retry=False)
    except OperationalError as error:
        log.warning(
            "the broker is not available; beat will start the import",
            import_id=pk,
            error=str(error),
        )


def _fail_import(import_: Import, error: str = _FAILED_REPEATEDLY) -> None:
    """Mark the import as failed, or return it to the state before the step that failed."""
    next_state = {
        Import.State.READING: Import.State.FAILED,
        Import.State.APPLYING: Import.State.READ,
        Import.State.UNDOING: Import.State.APPLIED,
    }[Import.State(import_.state)]
    Import.objects.filter(pk=import_.pk).update(
        state=next_state,
        error=error,
    )


def stored_body(import_: Import) -> bytes:
    """Return the stored file; UnreadableError if it is no longer stored."""
    try:
        return zlib.decompress(bytes(import_.content.body))
    except ImportContent.DoesNotExist:
        raise UnreadableError("The file is no longer stored. Upload it again.") from None
