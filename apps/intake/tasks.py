"""Imports in the background: one task carries out one import, and beat looks after those that were left waiting."""

from celery import shared_task

from apps.common.time import now
from apps.intake.sheets.importing import carry_out, carry_out_waiting, forget_old_files


@shared_task(name="intake.carry_out_import", ignore_result=True)
def carry_out_import(import_id: int) -> bool:
    """A second delivery of the message finds the work done or taken."""
    return carry_out(import_id)


@shared_task(name="intake.carry_out_waiting_imports", ignore_result=True)
def carry_out_waiting_imports() -> int:
    return carry_out_waiting()


@shared_task(name="intake.forget_old_files", ignore_result=True)
def forget_files() -> int:
    return forget_old_files(at=now())
