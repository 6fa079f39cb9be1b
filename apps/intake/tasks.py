"""The intake in the background: one task carries out one import, and beat looks after what was left
waiting."""

from celery import shared_task

from apps.common.time import now
from apps.intake import carrying, documenting
from apps.intake.calls.adding_up import add_up
from apps.intake.calls.forgetting import forget_calls
from apps.intake.discrepancies import find_discrepancies
from apps.intake.following import follow, follow_catalogue
from apps.intake.models import Import
from apps.intake.reconciling import reconcile
from apps.intake.sheets import importing
from apps.intake.sheets.importing import forget_old_files
from apps.intake.streams import keep_streams

_STEPS = {Import.Kind.SHEET: importing.STEPS, Import.Kind.DOCUMENT: documenting.STEPS}


@shared_task(name="intake.carry_out_import", ignore_result=True)
def carry_out_import(import_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    kind = Import.objects.filter(pk=import_id).values_list("kind", flat=True).first()
    steps = _STEPS.get(Import.Kind(kind)) if kind else None
    if steps is None or not carrying.carry_out(import_id, steps):
        return False
    # a sheet that a program sent is applied as soon as it is read
    if Import.objects.filter(pk=import_id, state=Import.State.APPLYING).exists():
        carrying.carry_out(import_id, steps)
    return True


@shared_task(name="intake.carry_out_waiting_imports", ignore_result=True)
def carry_out_waiting_imports() -> int:
    return sum(carrying.carry_out_waiting(kind, steps) for kind, steps in _STEPS.items())


@shared_task(name="intake.reconcile_observations", ignore_result=True)
def reconcile_observations() -> int:
    """What waits because a name or a service was decided, applications were merged, or calls were
    added up."""
    at = now()
    follow(at=at)
    return sum(reconcile(at=at).values())


@shared_task(name="intake.add_up_calls", ignore_result=True)
def add_up_calls() -> int:
    """What doors for traces, metrics and gateways took in since the last time; the number of
    batches."""
    at = now()
    n_batches = add_up(at=at)
    if n_batches:
        reconcile(at=at)
    return n_batches


@shared_task(name="intake.forget_calls", ignore_result=True)
def forget_old_calls() -> int:
    return forget_calls(at=now())


@shared_task(name="intake.find_discrepancies", ignore_result=True)
def find_all_discrepancies() -> int:
    """Where what was seen and what is declared disagree by now; senders are counted along with
    it."""
    at = now()
    follow(at=at)
    reconcile(at=at)
    found = find_discrepancies(at=at)
    keep_streams(at=at)
    return found.n


@shared_task(name="intake.follow_catalogue", ignore_result=True)
def follow_what_is_known() -> int:
    """Names nobody knew yesterday, and the catalogue does today."""
    at = now()
    follow_catalogue()
    return sum(reconcile(at=at).values())


@shared_task(name="intake.forget_old_files", ignore_result=True)
def forget_files() -> int:
    return forget_old_files(at=now())
