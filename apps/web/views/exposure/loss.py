"""Yearly loss with correlated causes: runs, one run with its curve, and the assumptions behind
it."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from apps.catalog.providers.outages import OutageThreshold
from apps.common.time import now
from apps.exposure.actions.scenarios import queue_loss_run
from apps.exposure.models import BaseLoss, EventRate, LossRun, RunState
from apps.exposure.node_names import node_names
from apps.web.drawings.base.picture import HALF, responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.loss_curve import Level, draw_loss_curve
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.outage_record import describe_threshold
from apps.web.views.exposure import headlines
from apps.web.views.exposure.assumptions import (
    EVENT_WORDS,
    loss_rows,
    rate_rows,
    require_organisation_reader,
)
from apps.web.views.exposure.outage_rates import build_outage_section
from apps.web.views.exposure.parameters import name_url, require_organisation_role
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.wording import number

YEARS = ((10_000, "10,000"), (100_000, "100,000"), (1_000_000, "1,000,000"))
_PENDING_STATES = (RunState.QUEUED, RunState.RUNNING)
DRIVERS = 12


class RunForm(forms.Form):
    years = forms.TypedChoiceField(label="Years", choices=YEARS, coerce=int, initial=100_000)
    seed = forms.IntegerField(
        label="Seed",
        min_value=0,
        max_value=2**63 - 1,
        initial=1,
        help_text="The same seed, date and assumptions give the same figures.",
    )


# --- runs -----------------------------------------------------------------------------------------


def _describe_requester(run: LossRun) -> str:
    return str(run.requested_by or "")


class LossRunList(ListPage[LossRun, LossRun]):
    """Simulated loss: the result of one run, the form for a new one, and the list of all runs."""

    namespace = "loss-runs"
    route = "latest"
    file_route = "runs"
    title = "Simulated loss"
    nouns = ("run", "runs")
    counts = "Simulated years of the whole organisation, with correlated causes"
    columns = (
        Column[LossRun](
            "requested",
            "Requested",
            attrgetter("queued_at"),
            template="exposure/loss-run-cell.html",
        ),
        Column[LossRun]("state", "State", LossRun.get_state_display),
        Column[LossRun](
            "years", "Years", attrgetter("years"), format=format_number, is_numeric=True
        ),
        Column[LossRun]("seed", "Seed", attrgetter("seed"), is_numeric=True),
        Column[LossRun]("requested_by", "Requested by", _describe_requester),
    )
    file_columns = (
        FileColumn[LossRun]("Portfolio of", attrgetter("as_of")),
        FileColumn[LossRun]("Finished", attrgetter("finished_at")),
    )
    default_order = ("", ("-queued_at", "-pk"))
    page_size = 12
    template = "exposure/loss.html"

    def check_access(self) -> None:
        require_organisation_role(self.user)

    def get_queryset(self) -> "QuerySet[LossRun]":
        runs = LossRun.objects.visible_to(self.user).select_related("requested_by")
        return runs.defer("result", "assumptions")

    @cached_property
    def run(self) -> LossRun | None:
        """The run that the page shows; None before the first one has finished."""
        return LossRun.objects.visible_to(self.user).filter(state=RunState.DONE).first()

    @cached_property
    def pending_run(self) -> LossRun | None:
        """A run that a worker computes."""
        return LossRun.objects.visible_to(self.user).filter(state__in=_PENDING_STATES).first()

    def select(self, run: LossRun) -> None:
        """Show a run other than the latest, or its progress."""
        is_pending = run.state in _PENDING_STATES
        self.run = None if is_pending else run
        self.pending_run = run if is_pending else None

    @cached_property
    def result(self) -> Mapping[str, Any]:
        return self.run.result if self.run is not None and self.run.result else {}

    def get_lead(self) -> Headline:
        return _build_headline(self.run, self.result, self.pending_run)

    def get_empty_state(self) -> EmptyState:
        return EmptyState("No runs yet.", "Every simulation is listed here with its seed.")

    def get_context(self) -> Mapping[str, Any]:
        run, result, pending_run = self.run, self.result, self.pending_run
        rates = list(EventRate.objects.visible_to(self.user).select_related("node"))
        return {
            "run": run,
            "result": result,
            "waiting": pending_run,
            "progress_url": reverse("loss-runs:progress", args=[pending_run.pk])
            if pending_run
            else "",
            "progress_words": _describe_progress(pending_run) if pending_run else "",
            "curve": _draw_curve(result) if result else None,
            "curve_rows": _sample_curve(result) if result else [],
            "causes": _build_causes(result) if result else [],
            "drivers": _draw_drivers(result) if result else None,
            "figures": _build_figures(result) if result else [],
            "form": RunForm(),
            "may_change": self.user.is_governance,
            "rates": rate_rows(rates),
            "outages": build_outage_section(rates),
            "losses": loss_rows(),
            "placeholders": BaseLoss.objects.filter(placeholder=True).exists(),
            "was_placeholders": bool(run and run.assumptions.get("placeholders")),
            "assumptions": run.assumptions if run else {},
            "run_threshold": _describe_run_threshold(run),
            "unit": _loss_unit(run),
        }


@require_safe
def loss_run(request: HttpRequest, pk: int) -> HttpResponse:
    page = LossRunList.of_request(request)
    page.select(get_object_or_404(LossRun.objects.visible_to(page.user), pk=pk))
    return page.render(request)


def _describe_run_threshold(run: LossRun | None) -> str:
    """Return the threshold of outages that a run used; empty for runs that counted none."""
    stored = run.assumptions.get("outage_threshold") if run else None
    return describe_threshold(OutageThreshold(**stored)) if stored else ""


def _loss_unit(run: LossRun | None) -> str:
    """Return the unit of the losses: USD once the organisation has entered its own figures."""
    return "units" if run is None or run.assumptions.get("placeholders", True) else "USD"


def _build_headline(
    run: LossRun | None, result: Mapping[str, Any], pending_run: LossRun | None
) -> Headline:
    """Return the headline of a run: its result, or its state."""
    if run is not None and run.state == RunState.FAILED:
        return Headline("The simulation failed: ", run.error, "")
    if not result:
        if pending_run is not None:
            return Headline("The simulation is running.")
        return Headline("No simulation yet.")
    shared, independent = result["shared"], result["independent"]
    unit = _loss_unit(run)
    independent_100, shared_100 = independent["one_in_100"]["var"], shared["one_in_100"]["var"]
    return headlines.losses_headline(
        f"{compact(shared['eal'])} {unit}",
        f"{compact(shared_100)} {unit}",
        shared_100 / independent_100 if independent_100 else None,
        [cause["name"] for cause in result["attribution"]["causes"][:1]]
        if _has_dominant_cause(result)
        else [],
    )


def _has_dominant_cause(result: Mapping[str, Any]) -> bool:
    """Return whether one cause makes up more than half of the loss in the worst years."""
    causes, total = result["attribution"]["causes"], _sum_tail_loss(result)
    return bool(causes) and total > 0 and causes[0]["loss"] > total / 2


def _sum_tail_loss(result: Mapping[str, Any]) -> float:
    attribution = result["attribution"]
    return float(
        sum(cause["loss"] for cause in attribution["causes"])
        + attribution["other_causes"]
        + attribution["own"]
    )


def _draw_curve(result: Mapping[str, Any]) -> Any:
    """Return the drawing of the loss curve, with that of independent failures."""
    shared, independent = result["shared"], result["independent"]
    return responsive_picture(
        draw_loss_curve,
        [(x, p) for x, p in shared["curve"]],
        twin=[(x, p) for x, p in independent["curve"]],
        unit=Unit("yearly loss", compact),
        expected=shared["eal"],
        levels=[
            Level(
                n,
                shared[key]["var"],
                twin=independent[key]["var"],
                low=shared[key]["var_low"],
                high=shared[key]["var_high"],
            )
            for n, key in ((20, "one_in_20"), (100, "one_in_100"))
        ],
        width=HALF,
    )


def _sample_curve(result: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return about a dozen points (loss, probability) of the curve, for the table."""
    points = result["shared"]["curve"]
    return [(x, p) for x, p in points[:: max(1, len(points) // 12)]]


@dataclass(frozen=True, slots=True)
class LossFigure:
    name: str
    shared: str
    error: str
    apart: str


def _build_figures(result: Mapping[str, Any]) -> list[LossFigure]:
    """Return the figures of the result: mean yearly loss and the losses of rare years."""
    shared, independent = result["shared"], result["independent"]

    def var(name: Any, key: str) -> LossFigure:
        metrics = shared[key]
        return LossFigure(
            name,
            compact(metrics["var"]),
            f"{compact(metrics['var_low'])} to {compact(metrics['var_high'])}",
            compact(independent[key]["var"]),
        )

    def tail(name: Any, key: str) -> LossFigure:
        metrics = shared[key]
        return LossFigure(
            name,
            compact(metrics["tvar"]),
            f"± {compact(1.96 * metrics['tvar_se'])}",
            compact(independent[key]["tvar"]),
        )

    return [
        LossFigure(
            "Expected year",
            compact(shared["eal"]),
            f"± {compact(1.96 * shared['eal_se'])}",
            compact(independent["eal"]),
        ),
        var("1 in 20", "one_in_20"),
        tail("Mean of the worst 5%", "one_in_20"),
        var("1 in 100", "one_in_100"),
        tail("Mean of the worst 1%", "one_in_100"),
        LossFigure(
            "Scheduled: retires on an announced date",
            compact(shared["scheduled"]),
            "–",
            compact(independent["scheduled"]),
        ),
    ]


@dataclass(frozen=True, slots=True)
class LossCause:
    name: str
    label: str
    event: Any
    loss: float
    share: float
    url: str


def _build_causes(result: Mapping[str, Any]) -> list[LossCause]:
    """Return the causes of the loss in the worst 1 in 100 years, largest first; with a URL if the
    node still exists."""
    total = _sum_tail_loss(result) or 1.0
    causes = result["attribution"]["causes"]
    names = node_names([cause["node"] for cause in causes])
    rows = [
        LossCause(
            cause["label"],
            cause["name"],
            EVENT_WORDS.get(cause["event"], cause["event"]),
            cause["loss"],
            cause["loss"] / total,
            name_url(names[cause["node"]]) if cause["node"] in names else "",
        )
        for cause in causes
    ]
    for name, key in (
        ("Other correlated causes", "other_causes"),
        ("Independent incidents", "own"),
    ):
        value = result["attribution"][key]
        if value:
            rows.append(LossCause(name, "", "", value, value / total, ""))
    return rows


def _draw_drivers(result: Mapping[str, Any]) -> Any:
    rows = _build_causes(result)[:DRIVERS]
    return responsive_picture(
        draw_bars,
        [Bar(row.name, row.loss, note=str(row.event)) for row in rows],
        unit=Unit("mean loss in the worst 1% of years", compact),
    )


@require_POST
def run_loss(request: HttpRequest) -> HttpResponseBase:
    """Queue another simulation; a worker takes it immediately."""
    user = require_organisation_reader(request)

    def queue(form: RunForm) -> LossRun:
        run = queue_loss_run(
            at=now(), by=user, seed=form.cleaned_data["seed"], years=form.cleaned_data["years"]
        )
        enqueue_waiting_runs()
        return run

    return action_view(
        request,
        form=lambda: RunForm(request.POST),
        action=queue,
        done="",
        back=lambda run: reverse("loss-runs:detail", args=[run.pk]),
        page=lambda form: LossRunList.of_request(request).render(request, form=form),
    )


@require_safe
def loss_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that refreshes every two seconds; once the run is over, htmx reloads the
    page."""
    user = require_organisation_reader(request)
    run = get_object_or_404(LossRun.objects.visible_to(user).defer("result"), pk=pk)
    if run.state not in _PENDING_STATES:
        if not request.headers.get("HX-Request"):
            return redirect("loss-runs:detail", pk=pk)
        response = HttpResponse()
        response["HX-Redirect"] = reverse("loss-runs:detail", args=[pk])
        return response
    return render_page(
        request,
        "exposure/loss-progress.html",
        fragment="progress",
        title="Simulating",
        progress_url=reverse("loss-runs:progress", args=[pk]),
        progress_words=_describe_progress(run),
        run_url=reverse("loss-runs:detail", args=[pk]),
    )


def _describe_progress(run: LossRun) -> str:
    years = number(run.years)
    if run.state == RunState.QUEUED or run.is_abandoned(at=now()):
        return f"{years} years are queued."
    return f"{years} years are being simulated."


@require_safe
def loss_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send both curves, point by point."""
    run = _get_finished_run(request, pk)
    rows = [
        *(("correlated causes", x, p) for x, p in run.result["shared"]["curve"]),
        *(("independent", x, p) for x, p in run.result["independent"]["curve"]),
    ]
    return csv_response(
        f"loss-{pk}", ["causes", "yearly loss", "probability of a larger loss"], rows, list
    )


@require_safe
def causes_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    run = _get_finished_run(request, pk)
    return csv_response(
        f"loss-{pk}-causes",
        ["cause", "node", "event", "mean loss in the worst 1%", "share"],
        _build_causes(run.result),
        lambda row: [row.name, row.label, row.event, row.loss, row.share],
    )


def _get_finished_run(request: HttpRequest, pk: int) -> Any:
    return get_object_or_404(
        LossRun.objects.visible_to(require_organisation_reader(request)), pk=pk, state=RunState.DONE
    )
