"""Release gate runs of pipelines, and one run with all its findings."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import now
from apps.gate.filters import GateRunFilter
from apps.gate.formats.response import most_severe_findings, run_findings
from apps.gate.models import GateRun
from apps.gate.models.policy import spell_horizon
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.rules.definitions import Decision
from apps.gate.rules.evaluation import PolicySnapshot
from apps.gate.runs import can_use_gate, release_run
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import DECISION_MARKS, DECISIONS, RULES, finding_row
from apps.web.wording import number

# limit of findings and models on the page of a run; the CSV has all
MAX_FINDINGS = 100


def _filter_runs(request: HttpRequest) -> tuple[GateRunFilter, "QuerySet[GateRun]"]:
    filterset = GateRunFilter(
        with_filter_names(request.GET, "application"),
        GateRun.objects.visible_to(request.user),
        request=request,
    )
    runs = (
        filterset.qs.defer("question", "evaluated")
        .select_related("application__team", "by")
        .order_by("-pk")
    )
    return filterset, runs


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """Show the gate runs of visible applications, by the filters of the URL."""
    user = signed_in_user(request)
    filterset, queryset = _filter_runs(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "gate/runs.html",
        fragment="listing",
        title="Release gate",
        counts="Questions of pipelines about applications you may see",
        sentence=_build_list_headline(listing, user),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("application", "Application", "search"),
                FilterControl(
                    "decision",
                    "Decision",
                    choices=[(value, DECISIONS[value]) for value in Decision.values],
                ),
                FilterControl("environment", "Environment", "search"),
                FilterControl("rule", "Found by the rule", choices=list(RULES.items())),
            ],
        ),
        listing=listing,
        rows=[(run, DECISIONS[run.decision], DECISION_MARKS[run.decision]) for run in listing.rows],
        catalogue=catalogue_state(
            at=now(), stale_after_days=PolicySnapshot.load().policy.stale_after_days
        ),
    )


def _build_list_headline(listing: PaginatedList[GateRun], user: Any) -> Headline:
    """Return the headline: the number of runs and how many were blocked."""
    if not listing.n_found:
        return Headline(
            "Nothing matches the filters." if listing.is_filtered else "No pipeline has asked yet."
        )
    questions = pluralize(
        listing.n_found, f"{listing.count} question", f"{listing.count} questions"
    )
    if listing.is_filtered:
        return Headline(f"{questions} match the filters.")
    n_stopped = (
        GateRun.objects.visible_to(user).filter(decision=Decision.BLOCK).order_by()[:1001].count()
    )
    if not n_stopped:
        return Headline(f"{questions} of pipelines; none was stopped.")
    stopped_count = "1,000+" if n_stopped > 1000 else number(n_stopped)
    return Headline(
        f"{questions} of pipelines; ",
        pluralize(n_stopped, f"{stopped_count} was stopped", f"{stopped_count} were stopped"),
        ".",
    )


HEADS = (
    "run",
    "asked at",
    "application",
    "slug",
    "team",
    "environment",
    "commit",
    "ref",
    "mode",
    "decision",
    "models",
    "errors",
    "warnings",
    "waived",
    "policy",
    "catalogue as of",
    "catalogue sources",
    "released at",
    "by",
    "summary",
)


@require_safe
def run_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all gate runs that match the filters."""
    _filterset, queryset = _filter_runs(request)

    def cells(run: GateRun) -> list[Any]:
        return [
            run.pk,
            run.requested_at,
            run.application.name,
            run.application.slug,
            run.application.team.name,
            run.environment,
            run.commit,
            run.ref,
            run.mode,
            run.decision or run.state,
            run.n_models,
            run.n_errors,
            run.n_warnings,
            run.n_waived,
            run.policy_version,
            run.catalogue_as_of,
            run.source_names,
            run.released_at,
            run.by or "",
            run.summary,
        ]

    return csv_response("gate", HEADS, queryset.iterator(chunk_size=500), cells)


def _get_run(request: HttpRequest, pk: int) -> GateRun:
    runs = GateRun.objects.visible_to(request.user)
    return get_object_or_404(
        runs.select_related("application__team", "by", "released_by", "token", "baseline_run"),
        pk=pk,
    )


@require_safe
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a gate run with its findings."""
    run = _get_run(request, pk)
    rows = [
        finding_row(finding, run.application.slug)
        for finding in most_severe_findings(run, limit=MAX_FINDINGS)
    ]
    n_found = run.findings.count() if len(rows) == MAX_FINDINGS else len(rows)
    return render_page(
        request,
        "gate/run.html",
        title=f"Run {run.pk} of the gate",
        crumbs=(
            ("Release gate", reverse("gate-runs:list")),
            (run.application.name, reverse("gate:application", args=[run.application.slug])),
        ),
        counts="Models that the pipeline named",
        as_of=run.decided_at or run.requested_at,
        run=run,
        horizon=spell_horizon(run.horizon) if run.horizon else "",
        decision=DECISIONS[run.decision],
        mark=DECISION_MARKS[run.decision],
        sentence=_build_run_headline(run),
        rows=rows,
        n_found=n_found,
        evaluated=run.evaluated[:MAX_FINDINGS],
        may_release=can_use_gate(signed_in_user(request), run.application)
        and run.state == GateRun.State.DONE
        and run.released_at is None,
    )


def _build_run_headline(run: GateRun) -> Headline:
    """Return the run's summary. If the run could not be judged, the page's banner shows the
    reason."""
    if run.decision == Decision.UNKNOWN:
        return Headline("", "This build could not be judged", ".")
    return Headline(run.summary or "A worker judges it. Reload the page in a minute.")


@require_safe
def finding_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Export the findings of a gate run."""
    run = _get_run(request, pk)
    heads = (
        "rule",
        "level",
        "model",
        "known as",
        "file",
        "line",
        "finding",
        "replacement",
        "by",
        "new",
        "waived until",
    )
    return csv_response(
        f"gate-run-{run.pk}",
        heads,
        run_findings(run),
        lambda finding: [
            finding.rule,
            finding.level,
            finding.model,
            finding.resolved_id,
            finding.file,
            finding.line,
            finding.message,
            finding.replacement,
            finding.by_date,
            "yes" if finding.is_new else "no",
            finding.waived_until,
        ],
    )


@require_POST
def mark_released(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a run as released, as the pipeline's last step usually does."""
    run = _get_run(request, pk)
    user = signed_in_user(request)
    if not can_use_gate(user, run.application):
        raise PermissionDenied(
            "You need the editor role on the owning team to mark a run as released."
        )
    try:
        release_run(run=run, by=user, at=now())
    except ConflictError as error:
        flash_error(request, str(error))
    else:
        flash_success(
            request,
            "Marked as released. Further runs of this environment are compared with this one.",
        )
    return redirect("gate-runs:detail", pk=pk)
