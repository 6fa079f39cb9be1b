"""JSON response of a stored run: the body that pipelines read."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Case, QuerySet, When

from apps.gate.links import finding_url, run_url, status_url, waiver_url
from apps.gate.models import GateFinding, GateRun
from apps.gate.rules.definitions import Level


def run_findings(run: GateRun) -> list[GateFinding]:
    """List the findings in their original order; one statement."""
    return list(GateFinding.objects.filter(run=run).order_by("pk"))


# blocking findings first, waived ones last
SEVERITY_ORDER = ("is_waived", "gravity", "-is_new", "pk")


def with_severity(findings: "QuerySet[GateFinding]") -> "QuerySet[GateFinding]":
    """Return the findings with the terms of SEVERITY_ORDER."""
    gravity = Case(When(level=Level.ERROR, then=0), When(level=Level.WARNING, then=1), default=2)
    is_waived = Case(When(waived_until__isnull=True, then=0), default=1)
    return findings.alias(gravity=gravity, is_waived=is_waived)


def most_severe_findings(run: GateRun, *, limit: int) -> list[GateFinding]:
    """List the most severe findings; a run of many models has more than a page can show. One
    statement."""
    findings = with_severity(GateFinding.objects.filter(run=run))
    return list(findings.order_by(*SEVERITY_ORDER)[:limit])


def build_response_body(run: GateRun, findings: Sequence[GateFinding]) -> dict[str, Any]:
    """Build the body; `run.application` is loaded. While the run is waiting there is no decision,
    but the URL to poll."""
    body: dict[str, Any] = {
        "id": run.pk,
        "state": run.state,
        "status_url": status_url(run.pk),
        "application": run.application.slug,
        "environment": run.environment,
        "commit": run.commit,
        "ref": run.ref,
        "mode": run.mode,
        "n_models": run.n_models,
        "report_url": run_url(run.pk),
    }
    if not run.decision:
        return body
    return {
        "decision": run.decision,
        "exit_code": run.exit_code,
        "summary": run.summary,
        "policy_version": str(run.policy_version or ""),
        "catalogue_as_of": run.catalogue_as_of,
        "catalogue_sources": run.catalogue_sources,
        "horizon": run.horizon or None,
        "baseline": {"kind": run.baseline, "run": run.baseline_run_id},
        "all": run.blocks_all,
        "evaluated": run.evaluated,
        "findings": [_finding_body(run, finding) for finding in findings],
        "released_at": run.released_at,
        **body,
    }


def _finding_body(run: GateRun, finding: GateFinding) -> dict[str, Any]:
    """Return a finding as JSON; `fix`, `location` and `waiver` are null if unknown or not
    granted."""
    return {
        "rule_id": finding.rule,
        "level": finding.level,
        "model": finding.model,
        "resolved_id": finding.resolved_id or None,
        "message": finding.message,
        "location": {"file": finding.file, "line": finding.line} if finding.file else None,
        "fix": {"replacement": finding.replacement or None, "by_date": finding.by_date}
        if finding.replacement or finding.by_date
        else None,
        "waiver": {"id": finding.waiver_id, "until": finding.waived_until}
        if finding.waived_until
        else None,
        "new_since_baseline": finding.is_new,
        "fingerprint": finding.fingerprint,
        "url": finding_url(run.pk, finding.pk),
        "ask_waiver_url": waiver_url(
            application=run.application.slug,
            rule=finding.rule,
            model=finding.resolved_id or finding.model,
        ),
    }
