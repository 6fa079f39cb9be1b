"""Saved scenarios: the list, one with its results, run again, shared, and two results compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.common.time import now
from apps.exposure.actions.scenarios import change_scenario, queue_scenario_run
from apps.exposure.models import RunState, Scenario, ScenarioRun
from apps.exposure.scenarios.serialization import rebuild_lists
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.base.scales import number as written
from apps.web.drawings.charts.comparison_bars import ComparisonRow, draw_comparison
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import PaginatedList, changed_query, csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.workbook import workbook_response
from apps.web.views.exposure.parameters import STATE_WORDS, chosen_option, parameter_options
from apps.web.views.scenarios import replacement_results, results
from apps.web.views.scenarios.node_replacement import edit_url
from apps.web.views.scenarios.preview import HEADS, cells
from apps.web.views.scenarios.query_parameters import (
    ScenarioQuery,
    describe_changes,
    describe_operations,
    has_query_form,
    query_pairs,
)
from apps.web.views.scenarios.replacement_results import (
    EFFECT_HEADS,
    EffectRow,
    ReplacementResult,
    effect_cells,
)
from apps.web.views.scenarios.results import AffectedRow, ScenarioResult
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.wording import count_of

_PENDING_STATES = (RunState.QUEUED, RunState.RUNNING)
_STATES = {state: words for state, words in STATE_WORDS.items() if state != "leaning"}


class ScenarioForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    shared = forms.BooleanField(
        label="Shared with all users",
        required=False,
        help_text="Each user sees the result for the applications that the user can view.",
    )


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """Saved scenario with its latest run."""

    scenario: Scenario
    run: ScenarioRun | None
    is_own: bool


class ScenarioList(ListPage[Scenario, ScenarioRow]):
    """Saved scenarios that the user can view."""

    namespace = "scenarios"
    title = "Saved scenarios"
    nouns = ("saved scenario", "saved scenarios")
    crumbs = (("What-if scenarios", "scenarios:preview"),)
    counts = "Your scenarios and those that are shared; organisation roles see all"
    columns = (
        Column[ScenarioRow](
            "name",
            "Scenario",
            attrgetter("scenario.name"),
            note=lambda row: Truncator(row.scenario.note).chars(120),
            url=lambda row: reverse("scenarios:detail", args=[row.scenario.pk]),
        ),
        Column[ScenarioRow](
            "saved_by",
            "Saved by",
            lambda row: "you" if row.is_own else str(row.scenario.created_by),
            note=lambda row: "shared with all users" if row.scenario.shared else "",
        ),
        Column[ScenarioRow](
            "saved", "Saved", attrgetter("scenario.created_at"), format=format_moment
        ),
        Column[ScenarioRow](
            "result",
            "Latest result",
            lambda row: row.run.queued_at if row.run else None,
            format=format_moment,
            note=lambda row: row.run.get_state_display().lower() if row.run else "",
            url=lambda row: reverse("scenario-runs:detail", args=[row.run.pk]) if row.run else "",
        ),
    )
    file_columns = (
        FileColumn[ScenarioRow]("Note", attrgetter("scenario.note")),
        FileColumn[ScenarioRow]("Shared", lambda row: "yes" if row.scenario.shared else "no"),
    )
    default_order = ("", ("-created_at", "-pk"))

    def get_queryset(self) -> "QuerySet[Scenario]":
        return Scenario.objects.visible_to(self.user).select_related("created_by")

    def build_rows(self, records: Sequence[Scenario]) -> Sequence[ScenarioRow]:
        runs = ScenarioRun.objects.visible_to(self.user).filter(scenario__in=records)
        latest = {
            run.scenario_id: run for run in runs.defer("result", "details").order_by("queued_at")
        }
        return [
            ScenarioRow(scenario, latest.get(scenario.pk), scenario.created_by_id == self.user.pk)
            for scenario in records
        ]

    def get_actions(self) -> Sequence[PageAction]:
        return (
            PageAction("Create scenario", reverse("scenarios:preview"), is_primary=True),
            PageAction("Compare results", reverse("scenarios:compare")),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No saved scenarios yet.",
            "Save a scenario with a name, to run it again next month and to compare the results.",
            "Create scenario",
            reverse("scenarios:preview"),
        )


def _get_scenario(request: HttpRequest, pk: int) -> Scenario:
    scenarios = Scenario.objects.visible_to(request.user).select_related("created_by")
    return get_object_or_404(scenarios, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def scenario_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show one saved scenario and its runs; its creator and governance may change its name, note
    and sharing."""
    user = signed_in_user(request)
    scenario = _get_scenario(request, pk)
    may_change = scenario.created_by_id == user.pk or user.is_governance
    if request.method == "POST" and not may_change:
        raise PermissionDenied("You can change only your own scenarios. Save this one as your own.")
    initial = {"name": scenario.name, "note": scenario.note, "shared": scenario.shared}
    return action_view(
        request,
        form=lambda: ScenarioForm(request.POST or None, initial=initial),
        action=lambda form: change_scenario(scenario=scenario, facts=form.cleaned_data, by=user),
        done="Saved.",
        back=reverse("scenarios:detail", args=[pk]),
        page=lambda form: _render_scenario(request, scenario, form, may_change=may_change),
    )


def _render_scenario(
    request: HttpRequest, scenario: Scenario, form: ScenarioForm, *, may_change: bool
) -> HttpResponse:
    user = signed_in_user(request)
    runs = (
        ScenarioRun.objects.visible_to(user)
        .filter(scenario=scenario)
        .select_related("requested_by")
    )
    descriptions = describe_operations(scenario.ops, user)
    return render_page(
        request,
        "what-ifs/one.html",
        title=scenario.name,
        crumbs=(
            ("What-if scenarios", reverse("scenarios:preview")),
            ("Saved", reverse("scenarios:list")),
        ),
        counts="Each result covers the applications that its requester could view",
        scenario=scenario,
        sentence=Headline(f"What if {' and '.join(descriptions) or scenario.name}?"),
        words=descriptions,
        address=ScenarioQuery(describe_changes(query_pairs(scenario.ops), user), "").address()
        if has_query_form(scenario.ops)
        else edit_url(scenario),
        form=form,
        may_change=may_change,
        listing=PaginatedList(request, runs.defer("result", "details"), size=20),
    )


@require_POST
def rerun_scenario(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the scenario again on the current portfolio."""
    user = signed_in_user(request)
    run = queue_scenario_run(scenario=_get_scenario(request, pk), at=now(), by=user)
    enqueue_waiting_runs()
    return redirect("scenario-runs:detail", pk=run.pk)


# --- one run --------------------------------------------------------------------------------------


def _get_run(request: HttpRequest, pk: int) -> ScenarioRun:
    runs = ScenarioRun.objects.visible_to(request.user).select_related(
        "scenario__created_by", "requested_by"
    )
    return get_object_or_404(runs, pk=pk)


@require_safe
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the result of a run, or its state."""
    user = signed_in_user(request)
    run = _get_run(request, pk)
    result = _load_result(run)
    state = chosen_option(request, "state", ("", *_STATES), "")
    rows: list[AffectedRow] = []
    next_cursor = ""
    if result is not None and result.has_removal:
        rows, next_cursor = results.page_of(
            result, None, state, team_ids=None, after=request.GET.get("after", ""), user=user
        )
    descriptions = describe_operations(run.ops, user)
    replacement = _load_replacement(run)
    return render_page(
        request,
        "what-ifs/run.html",
        title=run.scenario.name,
        crumbs=(
            ("What-if scenarios", reverse("scenarios:preview")),
            (run.scenario.name, reverse("scenarios:detail", args=[run.scenario_id])),
        ),
        counts="Applications in pilot or production, each counted once",
        sentence=_build_headline(run, result, descriptions, replacement),
        **_list_effects(request, replacement, user),
        can_plan=replacement is not None
        and bool(replacement.n_applications)
        and run.whole_organisation
        and user.is_governance,
        run=run,
        words=descriptions,
        outcome=result,
        waiting=run.state in _PENDING_STATES,
        progress_url=reverse("scenario-runs:progress", args=[pk]),
        progress_words=_describe_progress(run),
        state=state,
        states=parameter_options(request, "state", {"": "All", **_STATES}, state),
        rows=rows,
        following=changed_query(request, after=next_cursor) if next_cursor else "",
        first=changed_query(request, after=None) if request.GET.get("after") else "",
        drawn=results.result_picture(result) if result is not None and result.has_removal else None,
        costs_drawn=results.costs_picture(result) if result is not None else None,
        to_call=results.teams_to_contact(result, user)
        if result is not None and result.has_removal
        else [],
        others=ScenarioRun.objects.visible_to(user)
        .filter(state=RunState.DONE)
        .exclude(pk=pk)
        .select_related("scenario")
        .defer("result", "details")[:20],
        as_of_day=run.as_of,
    )


def _load_result(run: ScenarioRun) -> ScenarioResult | None:
    if run.state != RunState.DONE or not run.result:
        return None
    details = run.details if run.details is not None else rebuild_lists(run.result)
    return results.result_of_run(run.result, details, run.ops)


def _load_replacement(run: ScenarioRun) -> ReplacementResult | None:
    if run.state != RunState.DONE or not run.result:
        return None
    return replacement_results.replacement_result(run.result, run.details)


def _list_effects(
    request: HttpRequest, replacement: ReplacementResult | None, user: User
) -> dict[str, Any]:
    """Return the page of applications that a replacement moves; one statement."""
    if replacement is None:
        return {"replacement": None}
    blocker = chosen_option(request, "blocker", ("", *replacement_results.BLOCKER_LABELS), "")
    matching = replacement_results.matching_effects(replacement, blocker)
    text = request.GET.get("from", "")
    start = int(text) if text.isdecimal() and len(text) < 7 else 0
    end = start + replacement_results.PAGE_SIZE
    return {
        "replacement": replacement,
        "blocker": blocker,
        "blocker_options": replacement.blocker_options(blocker),
        "effects": replacement_results.effect_rows(matching[start:end], user),
        "effects_next": changed_query(request, **{"from": end}) if end < len(matching) else "",
        "effects_first": changed_query(request, **{"from": None}) if start else "",
    }


def _build_headline(
    run: ScenarioRun,
    result: ScenarioResult | None,
    descriptions: list[str],
    replacement: ReplacementResult | None,
) -> Headline:
    if run.state == RunState.FAILED:
        return Headline("The calculation failed: ", run.error, "")
    if result is None:
        return Headline(
            "If {name}: the result is being calculated.".format(
                name=" and ".join(descriptions) or run.scenario.name
            )
        )
    name = " and ".join(descriptions[:3]) or run.scenario.name
    if replacement is not None:
        return replacement_results.replacement_headline(replacement, name, len(result.flags))
    return results.result_headline(result, name)


def _describe_progress(run: ScenarioRun) -> str:
    if run.state == RunState.QUEUED or run.is_abandoned(at=now()):
        return "The calculation is queued."
    return "The result is being calculated."


@require_safe
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that refreshes every two seconds; once the run is over, the page is
    reloaded."""
    run = _get_run(request, pk)
    run_url = reverse("scenario-runs:detail", args=[pk])
    if run.state not in _PENDING_STATES:
        if not request.headers.get("HX-Request"):
            return redirect(run_url)
        response = HttpResponse()
        response["HX-Redirect"] = run_url
        return response
    return render_page(
        request,
        "what-ifs/progress.html",
        fragment="progress",
        title=run.scenario.name,
        run=run,
        progress_url=reverse("scenario-runs:progress", args=[pk]),
        progress_words=_describe_progress(run),
        address=run_url,
    )


@require_safe
def run_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    if (effects := _load_effect_rows(request, pk)) is not None:
        return csv_response(f"what-if-{pk}", EFFECT_HEADS, effects, effect_cells)
    return csv_response(f"what-if-{pk}", HEADS, _load_file_rows(request, pk), cells)


@require_safe
def run_xlsx(request: HttpRequest, pk: int) -> HttpResponse:
    if (effects := _load_effect_rows(request, pk)) is not None:
        return workbook_response(f"what-if-{pk}", EFFECT_HEADS, effects, effect_cells)
    return workbook_response(f"what-if-{pk}", HEADS, _load_file_rows(request, pk), cells)


def _load_effect_rows(request: HttpRequest, pk: int) -> list[EffectRow] | None:
    """Return all listed applications that a replacement moves, with the chosen blocker; None if
    the run replaces no node."""
    replacement = _load_replacement(_get_run(request, pk))
    if replacement is None:
        return None
    blocker = chosen_option(request, "blocker", ("", *replacement_results.BLOCKER_LABELS), "")
    matching = replacement_results.matching_effects(replacement, blocker)
    return replacement_results.effect_rows(matching, signed_in_user(request))


def _load_file_rows(request: HttpRequest, pk: int) -> list[AffectedRow]:
    result = _load_result(_get_run(request, pk))
    if result is None:
        return []
    state = chosen_option(request, "state", ("", *_STATES), "")
    rows = results.all_affected_rows(result, None, team_ids=None, user=signed_in_user(request))
    return [row for row in rows if not state or row.state == state]


# --- two runs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScenarioComparison:
    words: str
    first: Any
    second: Any


@require_safe
def scenario_comparison(request: HttpRequest) -> HttpResponse:
    """Compare two runs, `a` and `b`; without both, show the list to choose from."""
    user = signed_in_user(request)
    first_run, second_run = _get_selected_run(request, "a"), _get_selected_run(request, "b")
    if first_run is None or second_run is None:
        return _render_run_choice(request, user, first_run or second_run)
    run_results = (_load_result(first_run), _load_result(second_run))
    if run_results[0] is None or run_results[1] is None:
        raise Http404
    names = (_scenario_name(first_run), _scenario_name(second_run))
    return render_page(
        request,
        "what-ifs/compare.html",
        title="Scenario comparison",
        crumbs=(
            ("What-if scenarios", reverse("scenarios:preview")),
            ("Saved", reverse("scenarios:list")),
        ),
        counts="Applications in pilot or production, each counted once",
        sentence=_build_comparison_headline(run_results[0], run_results[1], names),
        runs=(first_run, second_run),
        names=names,
        rows=_build_comparison_rows(run_results[0], run_results[1]),
        drawn=responsive_picture(
            draw_comparison,
            [
                ComparisonRow(str(a.words), a.after, b.after)
                for a, b in zip(run_results[0].states, run_results[1].states, strict=True)
            ],
            names=names,
            unit=Unit("applications", written),
            integers_only=True,
        ),
        costs=responsive_picture(
            draw_comparison,
            [
                ComparisonRow(currency, *amounts)
                for currency, amounts in _pair_costs(run_results[0], run_results[1]).items()
            ],
            names=names,
            unit=Unit("per month", compact),
        ),
        same_portfolio=first_run.as_of == second_run.as_of
        and first_run.whole_organisation == second_run.whole_organisation,
        csv_url=f"{reverse('scenarios:compare-csv')}?a={first_run.pk}&b={second_run.pk}",
    )


def _get_selected_run(request: HttpRequest, name: str) -> ScenarioRun | None:
    raw_pk = request.GET.get(name, "")
    if not raw_pk:
        return None
    if not (raw_pk.isdecimal() and len(raw_pk) < 19):
        raise Http404
    return _get_run(request, int(raw_pk))


def _render_run_choice(
    request: HttpRequest, user: User, selected_run: ScenarioRun | None
) -> HttpResponse:
    """Render the choice of the runs to compare; `selected_run` is already chosen."""
    runs = (
        ScenarioRun.objects.visible_to(user)
        .filter(state=RunState.DONE)
        .select_related("scenario", "requested_by")
    )
    return render_page(
        request,
        "what-ifs/choose.html",
        title="Scenario comparison",
        crumbs=(
            ("What-if scenarios", reverse("scenarios:preview")),
            ("Saved", reverse("scenarios:list")),
        ),
        counts="Your results; organisation roles see all",
        sentence=Headline("Select two results to compare."),
        runs=runs.defer("result", "details")[:50],
        one=selected_run,
    )


def _scenario_name(run: ScenarioRun) -> str:
    return f"{run.scenario.name}"


def _pair_costs(
    first: ScenarioResult, second: ScenarioResult
) -> dict[str, tuple[float | None, float | None]]:
    before = {cost.currency: cost.after for cost in first.costs}
    after = {cost.currency: cost.after for cost in second.costs}
    return {
        currency: (before.get(currency), after.get(currency))
        for currency in sorted({*before, *after})
    }


def _build_comparison_rows(
    first: ScenarioResult, second: ScenarioResult
) -> list[ScenarioComparison]:
    """Return the measures of both results side by side."""
    rows = [
        ScenarioComparison(a.words, written(a.after), written(b.after))
        for a, b in zip(first.states, second.states, strict=True)
    ]
    rows += [
        ScenarioComparison(
            f"{currency} per month",
            *("–" if value is None else f"{value:,.0f}" for value in amounts),
        )
        for currency, amounts in _pair_costs(first, second).items()
    ]
    for (layer, _before, a), (_layer, _was, b) in zip(first.hhi, second.hhi, strict=False):
        rows.append(
            ScenarioComparison(
                f"HHI by {layer.lower()}",
                *("–" if value is None else f"{value:.3f}" for value in (a, b)),
            )
        )
    if first.n_points and second.n_points:
        rows.append(
            ScenarioComparison(
                "Single points", written(first.n_points[1]), written(second.n_points[1])
            )
        )
    rows.append(
        ScenarioComparison(
            "Flags that would open", written(len(first.flags)), written(len(second.flags))
        )
    )
    return rows


def _build_comparison_headline(
    first: ScenarioResult, second: ScenarioResult, names: tuple[str, str]
) -> Headline:
    a, b = first.count("exposed"), second.count("exposed")
    if a == b:
        return Headline(f"Both leave {count_of(a, 'application')} exposed.")
    better, worse = (names[0], names[1]) if a < b else (names[1], names[0])
    return Headline(
        f"“{better}” leaves {count_of(min(a, b), 'application')} exposed, “{worse}” "
        f"{written(max(a, b))}."
    )


@require_safe
def scenario_comparison_csv(request: HttpRequest) -> StreamingHttpResponse:
    first_run, second_run = _get_selected_run(request, "a"), _get_selected_run(request, "b")
    if first_run is None or second_run is None:
        raise Http404
    run_results = (_load_result(first_run), _load_result(second_run))
    if run_results[0] is None or run_results[1] is None:
        raise Http404
    return csv_response(
        "what-ifs-compared",
        ["", _scenario_name(first_run), _scenario_name(second_run)],
        _build_comparison_rows(run_results[0], run_results[1]),
        lambda row: [str(row.words), row.first, row.second],
    )
