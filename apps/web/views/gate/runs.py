"""Release gate runs of pipelines, and one run with all its findings."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.common.time import now
from apps.gate.filters import GateRunFilter
from apps.gate.formats.response import SEVERITY_ORDER, most_severe_findings, with_severity
from apps.gate.models import GateFinding, GateRun
from apps.gate.models.policy import spell_horizon
from apps.gate.rules.catalogue_freshness import catalogue_state
from apps.gate.rules.definitions import Decision
from apps.gate.rules.evaluation import PolicySnapshot
from apps.gate.runs import can_use_gate, release_run
from apps.web.lists.columns import (
    NO_VALUE,
    Column,
    FileColumn,
    format_moment,
    format_number,
)
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import (
    DECISION_MARKS,
    DECISIONS,
    RULES,
    GateFindingRow,
    finding_row,
)
from apps.web.wording import bounded_number

# limit of findings and models on the page of a run; the list of its findings has all
MAX_FINDINGS = 100
MAX_COUNTED_RUNS = 1_000


class GateRunList(ListPage[GateRun, GateRun]):
    """Gate runs of visible applications, by the filters of the URL."""

    namespace = "gate-runs"
    title = "Release gate"
    nouns = ("gate run", "gate runs")
    counts = "Gate runs of applications you can view"
    filterset_class = GateRunFilter
    slug_filters = ("application",)
    columns = (
        Column[GateRun](
            "run",
            "Run",
            attrgetter("pk"),
            note=lambda run: format_moment(run.last_requested_at),
            url=lambda run: reverse("gate-runs:detail", args=[run.pk]),
        ),
        Column[GateRun](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda run: reverse("gate:application", args=[run.application.slug]),
        ),
        Column[GateRun](
            "decision",
            "Decision",
            lambda run: DECISIONS[run.decision],
            note=lambda run: ", ".join(
                filter(
                    None,
                    (
                        "report only" if run.mode == GateRun.Mode.REPORT else "",
                        "released" if run.released_at else "",
                    ),
                )
            ),
            css=lambda run: f"sev sev-{DECISION_MARKS[run.decision]}",
        ),
        Column[GateRun](
            "environment",
            "Environment",
            attrgetter("environment"),
            note=lambda run: f"{run.short_commit} {Truncator(run.ref).chars(40)}".strip(),
        ),
        Column[GateRun](
            "models", "Models", attrgetter("n_models"), format=format_number, is_numeric=True
        ),
        Column[GateRun](
            "summary",
            "Result",
            attrgetter("summary"),
            format=lambda text: Truncator(text).words(24) or NO_VALUE,
            width="whole",
        ),
    )
    file_columns = (
        FileColumn[GateRun]("Requested at", attrgetter("requested_at")),
        FileColumn[GateRun]("Application ID", attrgetter("application.slug")),
        FileColumn[GateRun]("Team", attrgetter("application.team.name")),
        FileColumn[GateRun]("Commit", attrgetter("commit")),
        FileColumn[GateRun]("Ref", attrgetter("ref")),
        FileColumn[GateRun]("Mode", attrgetter("mode")),
        FileColumn[GateRun]("Errors", attrgetter("n_errors")),
        FileColumn[GateRun]("Warnings", attrgetter("n_warnings")),
        FileColumn[GateRun]("Waived", attrgetter("n_waived")),
        FileColumn[GateRun]("Policy version", attrgetter("policy_version")),
        FileColumn[GateRun]("Catalogue as of", attrgetter("catalogue_as_of")),
        FileColumn[GateRun]("Catalogue sources", attrgetter("source_names")),
        FileColumn[GateRun]("Released at", attrgetter("released_at")),
        FileColumn[GateRun]("Requested by", attrgetter("by")),
    )
    controls = (
        FilterControl("application", "Application", "search"),
        FilterControl(
            "decision",
            "Decision",
            choices=tuple((value, DECISIONS[value]) for value in Decision.values),
        ),
        FilterControl("environment", "Environment", "search"),
        FilterControl("rule", "Finding of the rule", choices=tuple(RULES.items())),
    )
    template = "gate/runs.html"

    def get_queryset(self) -> "QuerySet[GateRun]":
        return (
            GateRun.objects.visible_to(self.user)
            .defer("question", "evaluated")
            .select_related("application__team", "by")
        )

    def describe_all(self) -> Headline:
        """Return how many runs were blocked."""
        n_blocked = (
            GateRun.objects.visible_to(self.user)
            .filter(decision=Decision.BLOCK)
            .order_by()[: MAX_COUNTED_RUNS + 1]
            .count()
        )
        if not n_blocked:
            return Headline(f"{self.count_records()}; none was blocked.")
        blocked_count = bounded_number(n_blocked, MAX_COUNTED_RUNS)
        return Headline(
            f"{self.count_records()}; ",
            pluralize(n_blocked, f"{blocked_count} was blocked", f"{blocked_count} were blocked"),
            ".",
        )

    def get_basis(self) -> str:
        return (
            "Before a build ships, its pipeline asks whether the models it calls are approved and "
            "will still be served."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No gate runs yet.",
            "Create an API token with the scope gate, add one file to the pipeline, and start with "
            "--mode report: it blocks nothing and reports what would be blocked.",
            "Set up the gate",
            reverse("gate:setup"),
        )

    def get_context(self) -> Mapping[str, Any]:
        policy = PolicySnapshot.load().policy
        return {"catalogue": catalogue_state(at=self.at, stale_after_days=policy.stale_after_days)}


def _get_run(user: User, pk: int) -> GateRun:
    runs = GateRun.objects.visible_to(user)
    return get_object_or_404(
        runs.select_related("application__team", "by", "released_by", "token", "baseline_run"),
        pk=pk,
    )


@require_safe
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a gate run with its findings."""
    run = _get_run(signed_in_user(request), pk)
    rows = [
        finding_row(finding, run.application.slug)
        for finding in most_severe_findings(run, limit=MAX_FINDINGS)
    ]
    n_found = run.findings.count() if len(rows) == MAX_FINDINGS else len(rows)
    return render_page(
        request,
        "gate/run.html",
        title=f"Gate run {run.pk}",
        crumbs=(
            ("Release gate", reverse("gate-runs:list")),
            (run.application.name, reverse("gate:application", args=[run.application.slug])),
        ),
        counts="Models that the pipeline reported",
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
        return Headline("", "This build could not be evaluated", ".")
    return Headline(run.summary or "The run is being evaluated. Refresh the page in a minute.")


class GateFindingList(ListPage[GateFinding, GateFindingRow]):
    """All findings of one gate run, blocking ones first."""

    namespace = "gate-runs"
    route = "findings"
    nouns = ("finding", "findings")
    counts = "Findings of one gate run"
    columns = (
        Column[GateFindingRow]("rule", "Rule", attrgetter("name"), note=attrgetter("rule")),
        Column[GateFindingRow](
            "level",
            "Level",
            attrgetter("level_name"),
            note=lambda row: "" if row.is_new else "released before",
            css=lambda row: f"sev sev-{row.mark}",
        ),
        Column[GateFindingRow](
            "model",
            "Model",
            attrgetter("model"),
            note=attrgetter("resolved_id"),
            url=lambda row: (
                reverse("offerings:detail", args=[row.offering]) if row.offering else ""
            ),
            css=lambda row: "id" if row.model else "",
        ),
        Column[GateFindingRow](
            "location",
            "Location",
            attrgetter("place"),
            css=lambda row: "id" if row.place else "",
        ),
        Column[GateFindingRow]("finding", "Finding", attrgetter("message"), width="whole"),
        Column[GateFindingRow](
            "waiver",
            "Waived until",
            attrgetter("waived_until"),
            template="gate/waiver-cell.html",
        ),
    )
    file_columns = (
        FileColumn[GateFindingRow]("Rule ID", attrgetter("rule")),
        FileColumn[GateFindingRow]("Known ID", attrgetter("finding.resolved_id")),
        FileColumn[GateFindingRow]("File", attrgetter("finding.file")),
        FileColumn[GateFindingRow]("Line", attrgetter("finding.line")),
        FileColumn[GateFindingRow]("Replacement", attrgetter("finding.replacement")),
        FileColumn[GateFindingRow]("Migrate by", attrgetter("finding.by_date")),
        FileColumn[GateFindingRow]("New since the baseline", attrgetter("is_new")),
    )
    default_order = ("", SEVERITY_ORDER)

    @cached_property
    def run(self) -> GateRun:
        return _get_run(self.user, self.kwargs["pk"])

    def check_access(self) -> None:
        _ = self.run

    def get_title(self) -> str:
        return f"Findings of gate run {self.run.pk}"

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Release gate", reverse("gate-runs:list")),
            (f"Gate run {self.run.pk}", reverse("gate-runs:detail", args=[self.run.pk])),
        )

    def get_queryset(self) -> "QuerySet[GateFinding]":
        return with_severity(GateFinding.objects.filter(run=self.run))

    def build_rows(self, records: Sequence[GateFinding]) -> Sequence[GateFindingRow]:
        return [finding_row(finding, self.run.application.slug) for finding in records]

    def get_lead(self) -> Headline:
        count = self.count_records() if self.listing.n_found else "No findings"
        return Headline(f"{count} for {self.run.application.name}.")

    def get_anchor(self, row: GateFindingRow) -> str:
        return row.anchor

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No findings." if self.run.decision else "The run is being evaluated.",
            "Every model that the pipeline named is approved and will still be served."
            if self.run.decision
            else "Refresh the page in a minute.",
        )


@require_POST
def mark_released(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a run as released, as the pipeline's last step usually does."""
    user = signed_in_user(request)
    run = _get_run(user, pk)
    if not can_use_gate(user, run.application):
        raise PermissionDenied(
            "You need the editor role on the owning team to mark a run as released."
        )
    return action_view(
        request,
        action=lambda _form: release_run(run=run, by=user, at=now()),
        done="Marked as released. Further runs of this environment are compared with this one.",
        back=reverse("gate-runs:detail", args=[pk]),
    )
