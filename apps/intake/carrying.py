"""How an import gets worked through: by whoever brought it or by a worker, one at a time, once or
not at all.

What an import waits for is its state; `Steps` says what is done about each. Whichever floor knows
the kind brings its steps: sheets and documents have theirs here, evaluation results one floor up.
"""

import zlib
from collections.abc import Callable, Mapping

import structlog
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.common.processes.child_process import BusyError, limited_memory
from apps.intake.models import Import, ImportContent
from apps.intake.sheets.tables import Unreadable
from apps.intake.tasknames import CARRY_OUT

log = structlog.get_logger(__name__)

type Steps = Mapping[str, Callable[[Import], None]]
_MOST_ATTEMPTS = 3
# beside what a worker has loaded: half a million rows and the register they are held against take a
# fifth of it
MAX_WORKER_MEMORY_MIB = 2048
_TOO_MUCH_MEMORY = (
    f"This file needs more than {MAX_WORKER_MEMORY_MIB:,} MiB of memory to be worked through. "
    "Nothing of it was"
    " written. Split it, or leave out what is not needed."
)
_THREE_TIMES = (
    "It could not be worked through, three times over; nothing of it was written. The log says why."
)


class NotNow(Exception):
    """The import is not where this step begins; the text says where it is."""


class NotYours(Exception):
    """Somebody else's import, or teams one may not edit."""


class KeyReused(Exception):
    """The sender's Idempotency-Key, which is all it is made of, came with other content before."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key '{key}' came with another document before. Use a new one for "
            "each."
        )


def carry_out(pk: int, steps: Steps) -> bool:
    """Do what the import waits for; False where somebody else is at it, or nothing is to be
    done."""
    with transaction.atomic():
        claimed = (
            Import.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if claimed is None:
            return False
        Import.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        if claimed.attempts >= _MOST_ATTEMPTS:
            _give_up(claimed)
            return True
    try:
        with limited_memory(MAX_WORKER_MEMORY_MIB), transaction.atomic():
            claimed = (
                Import.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(pk=pk)
                .waiting()
                .first()
            )
            if claimed is None:
                return False
            steps[claimed.state](claimed)
    except MemoryError:
        log.exception("an import needs more memory than a worker has for it", import_id=pk)
        _give_up(Import.objects.get(pk=pk), _TOO_MUCH_MEMORY)
    return True


def carry_out_now(pk: int, steps: Steps) -> bool:
    """`carry_out` while the sender waits; a worker has it where too many files are being read for
    that."""
    try:
        return carry_out(pk, steps)
    except BusyError:
        send(pk)
        return False


def carry_out_waiting(kind: str, steps: Steps) -> int:
    """Everything of the kind that waits, oldest first; the number worked on."""
    waiting = list(
        Import.objects.waiting()
        .filter(kind=kind)
        .order_by("received_at", "pk")
        .values_list("pk", flat=True)
    )
    return sum(carry_out(pk, steps) for pk in waiting)


def send(pk: int) -> None:
    """Ask a worker for it, once this transaction holds; beat finds it within a minute should the
    broker be away."""
    transaction.on_commit(lambda: _send(pk))


def _send(pk: int) -> None:
    try:
        CARRY_OUT.clone(args=(pk,)).apply_async(retry=False)
    except OperationalError as error:
        log.warning("the broker is away; beat will find the import", import_id=pk, error=str(error))


def _give_up(import_: Import, error: str = _THREE_TIMES) -> None:
    """It has ended the worker, or failed in a way nobody foresaw, too often."""
    back = {
        Import.State.READING: Import.State.FAILED,
        Import.State.APPLYING: Import.State.READ,
        Import.State.UNDOING: Import.State.APPLIED,
    }[Import.State(import_.state)]
    Import.objects.filter(pk=import_.pk).update(
        state=back,
        error=error,
    )


def body_of(import_: Import) -> bytes:
    """The file as it was kept; Unreadable where it is not any more."""
    try:
        return zlib.decompress(bytes(import_.content.body))
    except ImportContent.DoesNotExist:
        raise Unreadable("The file is not kept any more. Upload it again.") from None
