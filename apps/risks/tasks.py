from celery import shared_task

from apps.common.time import now
from apps.risks.actions import counts as actions_counts
from apps.risks.actions import refresh
from apps.risks.evaluations import evidence_import


@shared_task(name="risks.refresh_risks")
def refresh_risks() -> None:
    """Refresh risks after a poll and every few minutes; safe to run concurrently."""
    refresh.refresh_risks(now())


@shared_task(name="risks.count_inherited_risk")
def count_inherited_risk() -> bool:
    """Count inherited risks every minute, after a poll and on request, for the counts on pages."""
    return actions_counts.count_changed_risk(now())


@shared_task(name="risks.file_evaluations", ignore_result=True)
def file_evaluations() -> int:
    """Import results of evaluation tools that were too large to be imported within the request."""
    return evidence_import.run_waiting_evidence_imports()
