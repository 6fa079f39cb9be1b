"""The intake in the background: one task carries out one import, and beat looks after what was left waiting."""

from celery import shared_task

from apps.common.time import now
from apps.intake import carrying, documenting
from apps.intake.models import Import
from apps.intake.reconciling import reconcile
from apps.intake.sheets import importing
from apps.intake.sheets.importing import forget_old_files

_STEPS = {Import.Kind.SHEET: importing.STEPS, Import.Kind.DOCUMENT: documenting.STEPS}


@shared_task(name="intake.carry_out_import", ignore_result=True)
def carry_out_import(import_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    kind = Import.objects.filter(pk=import_id).values_list("kind", flat=True).first()
    steps = _STEPS.get(Import.Kind(kind)) if kind else None
    return carrying.carry_out(import_id, steps) if steps is not None else False


@shared_task(name="intake.carry_out_waiting_imports", ignore_result=True)
def carry_out_waiting_imports() -> int:
    return sum(carrying.carry_out_waiting(kind, steps) for kind, steps in _STEPS.items())


@shared_task(name="intake.reconcile_observations", ignore_result=True)
def reconcile_observations() -> int:
    """What waits because a name or a service was decided, or calls were added up."""
    return sum(reconcile(at=now()).values())


@shared_task(name="intake.forget_old_files", ignore_result=True)
def forget_files() -> int:
    return forget_old_files(at=now())
