"""Scenario preview: composed from the URL, computed in the request if that is quick, else by a
worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.actions.scenarios import (
    answer_scenario_with_lists,
    queue_scenario_run,
    save_scenario,
)
from apps.exposure.engine.scenarios import TablesNotBuiltError
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import EngineState, Scenario, ScenarioRun, ScopedApplication
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.web.lists.pagination import changed_query, csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.workbook import workbook_response
from apps.web.views.exposure.parameters import STATE_WORDS, chosen_option, parameter_options
from apps.web.views.scenarios import results
from apps.web.views.scenarios.change_search import repricing, search_changes
from apps.web.views.scenarios.query_parameters import (
    ScenarioQuery,
    describe_changes,
    hidden_fields,
    parse_query,
)
from apps.web.views.scenarios.results import AffectedRow, ScenarioResult
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.views.scenarios.suggestions import suggest_scenarios

# with more applications, a worker computes the scenarios that change the portfolio
MAX_IMMEDIATE_APPLICATIONS = 5_000
HEADS = [
    "application",
    "team",
    "criticality",
    "state",
    "business owner",
    "technical owner",
    "team mailbox",
]
_STATES = {state: words for state, words in STATE_WORDS.items() if state != "leaning"}


@dataclass(frozen=True, slots=True)
class _Computation:
    """The result of a scenario, or the problem that prevents one.

    `failures` are the failing nodes of a scenario that only removes nodes. No result and no
    problem: the scenario was not computed, because a worker has to do it.
    """

    result: ScenarioResult | None = None
    failures: Any = None
    problem: str = ""


@require_safe
def scenario_preview(request: HttpRequest) -> HttpResponse:
    """Show the result of the scenario in the URL, and the form that changes it."""
    user = signed_in_user(request)
    node, factor = repricing(request)
    if node and factor:
        change_fields = hidden_fields(request.GET)
        return redirect(
            ScenarioQuery(
                describe_changes([*change_fields, ("reprice", f"{node}*{factor}")], user), ""
            ).address()
        )
    scenario_query = parse_query(request, user)
    computation = _compute_result(scenario_query, user)
    result, problem = computation.result, computation.problem
    state = chosen_option(request, "state", ("", *_STATES), "")
    rows: Sequence[AffectedRow] = ()
    next_cursor = ""
    if result is not None and result.has_removal:
        rows, next_cursor = results.page_of(
            result,
            computation.failures,
            state,
            team_ids=visible_team_ids(user),
            after=request.GET.get("after", ""),
            user=user,
        )
    return render_page(
        request,
        "what-ifs/what-if.html",
        title="What-if scenarios",
        counts="Applications in pilot or production, each counted once",
        sentence=_build_headline(scenario_query, result, problem),
        question=scenario_query,
        outcome=result,
        problem=problem,
        too_large=bool(scenario_query.ops) and result is None and not problem,
        picks=search_changes(request, user),
        pick_fields=hidden_fields(request.GET),
        replacing=request.GET.get("replacing", ""),
        moving=request.GET.get("moving", ""),
        repricing=node,
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
        query=changed_query(request, state=None, after=None, pick=None),
        as_of_day=EngineState.objects.values_list("as_of", flat=True).first(),
        ideas=suggest_scenarios(user, on=day_of(now()))
        if not scenario_query.changes and not request.GET
        else [],
        saved=Scenario.objects.visible_to(user).select_related("created_by")[:6],
    )


def _compute_result(scenario_query: ScenarioQuery, user: User) -> _Computation:
    """Compute the scenario over the applications that `user` can view, if that is quick enough for
    a request."""
    if not scenario_query.ops:
        return _Computation()
    team_ids = visible_team_ids(user)
    try:
        if scenario_query.only_removes:
            removal_result, failures = results.result_of_removal(
                scenario_query.removed, settings=engine_settings(), team_ids=team_ids
            )
            return _Computation(removal_result, failures)
        if ScopedApplication.objects.count() > MAX_IMMEDIATE_APPLICATIONS:
            return _Computation()
        scenario = Scenario(name=scenario_query.name, created_by=user, ops=scenario_query.ops)
        result, details = answer_scenario_with_lists(scenario=scenario, by=user, team_ids=team_ids)
    except (InvalidOperationError, TablesNotBuiltError) as error:
        return _Computation(problem=str(error))
    return _Computation(results.result_of_run(result, details, scenario_query.ops))


def _build_headline(
    scenario_query: ScenarioQuery, result: ScenarioResult | None, problem: str
) -> Headline:
    """Return the headline of the page: a question, the problem, or the result in one sentence."""
    if not scenario_query.changes:
        return Headline(
            "Simulate a failed developer, a host outage, a retirement or a price increase."
        )
    if problem:
        return Headline("The scenario is not valid: ", problem, "")
    if not scenario_query.ops:
        return Headline("The scenario is not valid: ", scenario_query.problems[0], "")
    if result is None:
        return Headline(f"If {scenario_query.name}: the result is being calculated.")
    return results.result_headline(result, scenario_query.name)


@require_safe
def scenario_preview_csv(request: HttpRequest) -> StreamingHttpResponse:
    rows = _load_file_rows(request)
    return csv_response("what-if", HEADS, rows, cells)


@require_safe
def scenario_preview_xlsx(request: HttpRequest) -> HttpResponse:
    return workbook_response("what-if", HEADS, _load_file_rows(request), cells)


def _load_file_rows(request: HttpRequest) -> list[AffectedRow]:
    """Return all affected applications in the chosen state; none without a result."""
    user = signed_in_user(request)
    computation = _compute_result(parse_query(request, user), user)
    if computation.result is None:
        return []
    rows = results.all_affected_rows(
        computation.result, computation.failures, team_ids=visible_team_ids(user), user=user
    )
    state = chosen_option(request, "state", ("", *_STATES), "")
    return [row for row in rows if not state or row.state == state]


def cells(row: AffectedRow) -> list[Any]:
    application = row.application
    return [
        application.name,
        application.team.name,
        row.criticality,
        row.state,
        application.business_owner_name,
        application.technical_owner_name,
        application.team.email,
    ]


class NewScenarioForm(forms.Form):
    """Form that saves the scenario of the URL, by default under its description."""

    name = forms.CharField(max_length=200, required=False)
    note = forms.CharField(required=False)
    shared = forms.BooleanField(required=False)

    def __init__(self, *args: Any, scenario_query: ScenarioQuery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scenario_query = scenario_query

    def clean(self) -> dict[str, Any]:
        problems = self.scenario_query.problems
        if problems or not self.scenario_query.ops:
            raise ValidationError(problems[0] if problems else "Add at least one change.")
        cleaned = super().clean() or {}
        name = cleaned.get("name") or self.scenario_query.name
        return cleaned | {"name": name, "ops": self.scenario_query.ops}


@require_POST
def run_scenario(request: HttpRequest) -> HttpResponseBase:
    """Save the scenario of the URL, under the given name or its description, and queue its run."""
    user = signed_in_user(request)
    scenario_query = ScenarioQuery(describe_changes(hidden_fields(request.POST), user), "")

    def run(form: NewScenarioForm) -> ScenarioRun:
        try:
            scenario = save_scenario(facts=form.cleaned_data, by=user)
        except InvalidOperationError as error:
            raise ValidationError(str(error)) from error
        queued_run = queue_scenario_run(scenario=scenario, at=now(), by=user)
        enqueue_waiting_runs()
        return queued_run

    return action_view(
        request,
        form=lambda: NewScenarioForm(request.POST, scenario_query=scenario_query),
        action=run,
        done="",
        back=lambda queued_run: reverse("scenario-runs:detail", args=[queued_run.pk]),
        refused=scenario_query.address(),
    )
