"""Background tasks of the intake. One task executes one import; beat processes imports that are
still waiting."""

from celery import shared_task

from apps.common.time import now
from apps.intake import import_jobs
from apps.intake.accounts import pulls
from apps.intake.connections.summaries import update_connections
from apps.intake.documents import ingest
from apps.intake.models import Import
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.propagation import propagate_changes, reopen_recognised_names
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.requirements import observe_requirements
from apps.intake.spreadsheets import import_steps
from apps.intake.spreadsheets.import_steps import purge_old_files
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.retention import purge_calls

# a pull of 40 regions with waits for throttling takes minutes
PULL_SOFT_SECONDS = 1_500

_STEPS = {Import.Kind.SHEET: import_steps.STEPS, Import.Kind.DOCUMENT: ingest.STEPS}


@shared_task(name="intake.carry_out_import", ignore_result=True)
def run_import(import_id: int) -> bool:
    """Execute an import. A second delivery of the message has no effect: the import is then done or
    locked."""
    kind = Import.objects.filter(pk=import_id).values_list("kind", flat=True).first()
    steps = _STEPS.get(Import.Kind(kind)) if kind else None
    if steps is None or not import_jobs.run_import(import_id, steps):
        return False
    # a spreadsheet that a service account sent is applied as soon as it is read
    if Import.objects.filter(pk=import_id, state=Import.State.APPLYING).exists():
        import_jobs.run_import(import_id, steps)
    return True


@shared_task(name="intake.carry_out_waiting_imports", ignore_result=True)
def run_waiting_imports() -> int:
    return sum(import_jobs.run_waiting_imports(kind, steps) for kind, steps in _STEPS.items())


@shared_task(name="intake.reconcile_observations", ignore_result=True)
def reconcile_observations() -> int:
    """Reconcile observations that wait because a user decided about a name or a service,
    applications were merged, or calls were aggregated."""
    at = now()
    propagate_changes(at=at)
    return sum(reconcile_waiting(at=at).values())


@shared_task(name="intake.add_up_calls", ignore_result=True)
def aggregate_calls() -> int:
    """Aggregate the batches that the endpoints for traces, metrics and gateways have received since
    the last run; return the number of batches."""
    at = now()
    n_batches = aggregate_waiting(at=at)
    if n_batches:
        reconcile_waiting(at=at)
    return n_batches


@shared_task(name="intake.forget_calls", ignore_result=True)
def purge_old_calls() -> int:
    return purge_calls(at=now())


@shared_task(name="intake.find_discrepancies", ignore_result=True)
def find_all_discrepancies() -> int:
    """Find discrepancies between declared and observed usage, and update the observed requirements
    and the connection summaries; return the number of discrepancies opened or closed."""
    at = now()
    propagate_changes(at=at)
    reconcile_waiting(at=at)
    observe_requirements(at=at)
    changes = find_discrepancies(at=at)
    update_connections(at=at)
    return changes.n


@shared_task(name="intake.follow_catalogue", ignore_result=True)
def propagate_catalogue() -> int:
    """Requeue unrecognised names that the catalogue recognises since yesterday."""
    at = now()
    reopen_recognised_names()
    return sum(reconcile_waiting(at=at).values())


@shared_task(name="intake.forget_old_files", ignore_result=True)
def purge_files() -> int:
    return purge_old_files(at=now())


@shared_task(name="intake.pull_due_accounts", ignore_result=True)
def queue_due_pulls() -> int:
    """Queue the pulls of cloud accounts that are due, and delete old ones; return the number
    queued."""
    pulls.delete_old_pulls()
    return pulls.queue_due_pulls(at=now())


@shared_task(
    name="intake.pull_waiting_accounts",
    ignore_result=True,
    soft_time_limit=PULL_SOFT_SECONDS,
    time_limit=PULL_SOFT_SECONDS + 60,
)
def run_waiting_pulls() -> int:
    return pulls.run_waiting_pulls(at=now())
