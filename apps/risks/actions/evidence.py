"""Actions on evidence, which is recorded once and attached to assessments and risks; a new result
is a new row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.actions.locks import lock_applications, locked_dependency
from apps.risks.errors import RiskChangeError
from apps.risks.models import Assessment, AssessmentEvidence, Evidence, FoundationRisk, RiskEvidence

EVIDENCE_FIELDS = frozenset(
    {
        "tool",
        "run",
        "evaluator",
        "application",
        "version",
        "offering",
        "template",
        "dataset",
        "metric",
        "value",
        "threshold",
        "higher_is_better",
        "passed",
        "n",
        "expires_on",
        "digest",
        "link",
        "note",
    }
)


@transaction.atomic
def record_evidence(
    *,
    kind: str,
    run_on: Any,
    facts: Mapping[str, Any],
    by: User | None,
    at: datetime,
    reason: str = "",
    is_granted: bool = False,
) -> Evidence:
    """Record a result or a document. With a value and a threshold, the verdict follows from them.

    If `by` is None, a job records it. Evidence about an application is recorded by editors of its
    team, or with a token bound to the application (`is_granted`); otherwise the caller has checked
    `by.is_governance`.
    """
    if (application := facts.get("application")) is not None:
        lock_applications([application.pk], by=None if is_granted else by, no_key=True)
    unknown_fields = sorted(set(facts) - EVIDENCE_FIELDS)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    evidence = Evidence(kind=kind, run_on=run_on, recorded_by=by, recorded_at=at, **facts)
    if run_on > day_of(at):
        raise RiskChangeError(f"The run date is in the future. Enter a date up to {day_of(at)}.")
    value, threshold = evidence.value, evidence.threshold
    if value is not None and threshold is not None:
        meets_threshold = value >= threshold if evidence.higher_is_better else value <= threshold
        if evidence.passed is not None and evidence.passed != meets_threshold:
            raise RiskChangeError(
                f"The result is marked as passed, but {value} misses the threshold {threshold}. "
                "Correct one of them."
                if evidence.passed
                else f"The result is marked as failed, but {value} meets the threshold "
                f"{threshold}. Correct one of them."
            )
        evidence.passed = meets_threshold
    evidence.full_clean()
    with audit_context(
        user=by, job="" if by else "risks.record_evidence", reason=reason or "evidence recorded"
    ):
        evidence.save(force_insert=True)
    return evidence


@transaction.atomic
def attach_evidence(
    *,
    evidence: Evidence,
    by: User,
    assessment: Assessment | None = None,
    risk: FoundationRisk | None = None,
) -> None:
    """Attach the evidence to an assessment or a foundation risk; does nothing if it is already
    attached."""
    with audit_context(user=by, reason="evidence attached"):
        if assessment is not None:
            locked_dependency(assessment.dependency, by=by)
            about = evidence.application_id
            if about is not None and about != assessment.dependency.application_id:
                raise RiskChangeError(
                    "This evidence is about another application. Record evidence for this "
                    "application."
                )
            AssessmentEvidence.objects.get_or_create(assessment=assessment, evidence=evidence)
        if risk is not None:
            if evidence.application_id is not None:
                raise RiskChangeError(
                    "This evidence is about one application, but the risk of a foundation "
                    "concerns all applications. Attach the evidence to the assessment "
                    "instead."
                )
            RiskEvidence.objects.get_or_create(risk=risk, evidence=evidence)
