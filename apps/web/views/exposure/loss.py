"""Yearly loss with correlated causes: runs, one run with its curve, and the assumptions behind
it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.common.time import now
from apps.exposure.actions.scenarios import queue_loss_run
from apps.exposure.models import BaseLoss, EventRate, LossRun, RunState
from apps.exposure.node_names import node_names
from apps.web.drawings.base.picture import HALF, responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.loss_curve import Level, draw_loss_curve
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.assumptions import (
    EVENT_WORDS,
    loss_rows,
    rate_rows,
    require_organisation_reader,
)
from apps.web.views.exposure.parameters import name_url
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.wording import number

YEARS = ((10_000, "10,000"), (100_000, "100,000"), (1_000_000, "1,000,000"))
_WAITING = (RunState.QUEUED, RunState.RUNNING)
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


@require_safe
def latest_loss_run(request: HttpRequest) -> HttpResponse:
    """Show the latest run that is done, the form for another, and the earlier ones."""
    user = require_organisation_reader(request)
    runs = LossRun.objects.visible_to(user)
    return _shown(
        request,
        runs.filter(state=RunState.DONE).first(),
        waiting=runs.filter(state__in=_WAITING).first(),
    )


@require_safe
def loss_run(request: HttpRequest, pk: int) -> HttpResponse:
    user = require_organisation_reader(request)
    run = get_object_or_404(LossRun.objects.visible_to(user), pk=pk)
    if run.state in _WAITING:
        return _shown(request, None, waiting=run)
    return _shown(request, run, waiting=None)


def _shown(
    request: HttpRequest,
    run: LossRun | None,
    *,
    waiting: LossRun | None,
    form: RunForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = signed_in_user(request)
    result: Mapping[str, Any] = run.result if run is not None and run.result else {}
    runs = (
        LossRun.objects.visible_to(user)
        .select_related("requested_by")
        .defer("result", "assumptions")
    )
    listing = PaginatedList(request, runs, size=12)
    return render_page(
        request,
        "exposure/loss.html",
        title="What a bad year costs",
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Simulated years of the whole organisation, causes shared",
        status=status,
        sentence=_sentence(run, result, waiting),
        run=run,
        result=result,
        waiting=waiting,
        progress_url=reverse("loss-runs:progress", args=[waiting.pk]) if waiting else "",
        progress_words=_progress_words(waiting) if waiting else "",
        curve=_curve(result) if result else None,
        curve_rows=_curve_rows(result) if result else [],
        causes=_causes(result) if result else [],
        drivers=_drivers(result) if result else None,
        figures=_figures(result) if result else [],
        form=form or RunForm(),
        may_change=user.is_governance,
        listing=listing,
        rates=rate_rows(EventRate.objects.visible_to(user).select_related("node")),
        losses=loss_rows(),
        placeholders=BaseLoss.objects.filter(placeholder=True).exists(),
        was_placeholders=bool(run and run.assumptions.get("placeholders")),
        assumptions=run.assumptions if run else {},
        unit=_unit(run),
    )


def _unit(run: LossRun | None) -> str:
    """Losses have a currency once the organisation has entered its own."""
    return "units" if run is None or run.assumptions.get("placeholders", True) else "USD"


def _sentence(run: LossRun | None, result: Mapping[str, Any], waiting: LossRun | None) -> Headline:
    if run is not None and run.state == RunState.FAILED:
        return Headline("This run could not be made: ", run.error, "")
    if not result:
        if waiting is not None:
            return Headline("The years are being simulated.")
        return Headline("No year has been simulated yet.")
    shared, apart = result["shared"], result["independent"]
    unit = _unit(run)
    apart_100, shared_100 = apart["one_in_100"]["var"], shared["one_in_100"]["var"]
    return headlines.losses_headline(
        f"{compact(shared['eal'])} {unit}",
        f"{compact(shared_100)} {unit}",
        shared_100 / apart_100 if apart_100 else None,
        [cause["name"] for cause in result["attribution"]["causes"][:1]] if _leads(result) else [],
    )


def _leads(result: Mapping[str, Any]) -> bool:
    """Whether one cause carries more than half of the worst years."""
    causes, total = result["attribution"]["causes"], _tail_total(result)
    return bool(causes) and total > 0 and causes[0]["loss"] > total / 2


def _tail_total(result: Mapping[str, Any]) -> float:
    found = result["attribution"]
    return float(
        sum(cause["loss"] for cause in found["causes"]) + found["other_causes"] + found["own"]
    )


def _curve(result: Mapping[str, Any]) -> Any:
    shared, apart = result["shared"], result["independent"]
    return responsive_picture(
        draw_loss_curve,
        [(x, p) for x, p in shared["curve"]],
        twin=[(x, p) for x, p in apart["curve"]],
        unit=Unit("loss of a year", compact),
        expected=shared["eal"],
        levels=[
            Level(
                n,
                shared[key]["var"],
                twin=apart[key]["var"],
                low=shared[key]["var_low"],
                high=shared[key]["var_high"],
            )
            for n, key in ((20, "one_in_20"), (100, "one_in_100"))
        ],
        width=HALF,
    )


def _curve_rows(result: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Every tenth point of the curve, for the table."""
    points = result["shared"]["curve"]
    return [(x, p) for x, p in points[:: max(1, len(points) // 12)]]


@dataclass(frozen=True, slots=True)
class LossFigure:
    name: str
    shared: str
    error: str
    apart: str


def _figures(result: Mapping[str, Any]) -> list[LossFigure]:
    shared, apart = result["shared"], result["independent"]

    def var(name: Any, key: str) -> LossFigure:
        found = shared[key]
        return LossFigure(
            name,
            compact(found["var"]),
            f"{compact(found['var_low'])} to {compact(found['var_high'])}",
            compact(apart[key]["var"]),
        )

    def tail(name: Any, key: str) -> LossFigure:
        found = shared[key]
        return LossFigure(
            name,
            compact(found["tvar"]),
            f"± {compact(1.96 * found['tvar_se'])}",
            compact(apart[key]["tvar"]),
        )

    return [
        LossFigure(
            "Expected year",
            compact(shared["eal"]),
            f"± {compact(1.96 * shared['eal_se'])}",
            compact(apart["eal"]),
        ),
        var("1 in 20", "one_in_20"),
        tail("Mean of the worst 5\u00a0%", "one_in_20"),
        var("1 in 100", "one_in_100"),
        tail("Mean of the worst 1\u00a0%", "one_in_100"),
        LossFigure(
            "Scheduled: ends on a firm day",
            compact(shared["scheduled"]),
            "–",
            compact(apart["scheduled"]),
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


def _causes(result: Mapping[str, Any]) -> list[LossCause]:
    """Who carries the worst 1 in 100 years, the largest first; with addresses where the node still
    exists."""
    total = _tail_total(result) or 1.0
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
    for name, key in (("Other shared causes", "other_causes"), ("Trouble of their own", "own")):
        value = result["attribution"][key]
        if value:
            rows.append(LossCause(name, "", "", value, value / total, ""))
    return rows


def _drivers(result: Mapping[str, Any]) -> Any:
    rows = _causes(result)[:DRIVERS]
    return responsive_picture(
        draw_bars,
        [Bar(row.name, row.loss, note=str(row.event)) for row in rows],
        unit=Unit("mean loss in the worst 1 % of years", compact),
    )


@require_POST
def run_loss(request: HttpRequest) -> HttpResponse:
    """Queue another simulation; a worker takes it immediately."""
    user = require_organisation_reader(request)
    form = RunForm(request.POST)
    if not form.is_valid():
        runs = LossRun.objects.visible_to(user)
        return _shown(
            request, runs.filter(state=RunState.DONE).first(), waiting=None, form=form, status=422
        )
    asked = queue_loss_run(
        at=now(), by=user, seed=form.cleaned_data["seed"], years=form.cleaned_data["years"]
    )
    enqueue_waiting_runs()
    return redirect("loss-runs:detail", pk=asked.pk)


@require_safe
def loss_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that refreshes every two seconds; once the run is over, htmx reloads the
    page."""
    user = require_organisation_reader(request)
    run = get_object_or_404(LossRun.objects.visible_to(user).defer("result"), pk=pk)
    if run.state not in _WAITING:
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
        progress_words=_progress_words(run),
        run_url=reverse("loss-runs:detail", args=[pk]),
    )


def _progress_words(run: LossRun) -> str:
    years = number(run.years)
    if run.state == RunState.QUEUED or run.is_abandoned(at=now()):
        return f"{years} years wait for a worker."
    return f"{years} years are being simulated."


@require_safe
def loss_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send both curves, point by point."""
    run = _done(request, pk)
    rows = [
        *(("shared causes", x, p) for x, p in run.result["shared"]["curve"]),
        *(("independent", x, p) for x, p in run.result["independent"]["curve"]),
    ]
    return csv_response(
        f"loss-{pk}", ["causes", "loss of a year", "chance that it is larger"], rows, list
    )


@require_safe
def causes_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    run = _done(request, pk)
    return csv_response(
        f"loss-{pk}-causes",
        ["cause", "node", "event", "mean loss in the worst 1 %", "share"],
        _causes(run.result),
        lambda row: [row.name, row.label, row.event, row.loss, row.share],
    )


def _done(request: HttpRequest, pk: int) -> Any:
    return get_object_or_404(
        LossRun.objects.visible_to(require_organisation_reader(request)), pk=pk, state=RunState.DONE
    )
