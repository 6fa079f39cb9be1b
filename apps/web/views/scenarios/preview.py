"""Scenario preview: composed from the URL, computed in the request if that is quick, else by a
worker."""

from collections.abc import Sequence
from typing import Any

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
from apps.exposure.models import EngineState, Scenario, ScopedApplication
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import changed_query, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.workbook import workbook_response
from apps.web.views.exposure.parameters import STATE_WORDS, chosen_option, parameter_options
from apps.web.views.scenarios import results
from apps.web.views.scenarios.change_search import repricing, search_changes
from apps.web.views.scenarios.query_parameters import (
    ScenarioQuery,
    describe_changes,
    hidden,
    parse_query,
)
from apps.web.views.scenarios.results import AffectedRow, ScenarioResult
from apps.web.views.scenarios.run_queue import enqueue_waiting_runs
from apps.web.views.scenarios.suggestions import suggest_scenarios

# beyond this many applications an answer that changes the portfolio is given by a worker
MAX_IMMEDIATE_APPLICATIONS = 5_000
HEADS = [
    "application",
    "team",
    "criticality",
    "state",
    "business owner",
    "technical owner",
    "team's mailbox",
]
_STATES = {state: words for state, words in STATE_WORDS.items() if state != "leaning"}


@require_safe
def scenario_preview(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    node, factor = repricing(request)
    if node and factor:
        so_far = hidden(request.GET)
        return redirect(
            ScenarioQuery(
                describe_changes([*so_far, ("reprice", f"{node}*{factor}")], user), ""
            ).address()
        )
    question = parse_query(request, user)
    outcome, failing, problem = _outcome(question, user) if question.ops else (None, None, "")
    state = chosen_option(request, "state", ("", *_STATES), "")
    rows: Sequence[AffectedRow] = ()
    following = ""
    if outcome is not None and outcome.has_removal:
        rows, following = results.page_of(
            outcome,
            failing,
            state,
            team_ids=visible_team_ids(user),
            after=request.GET.get("after", ""),
            user=user,
        )
    return render_page(
        request,
        "what-ifs/what-if.html",
        title="What if",
        counts="Applications in pilot or production, each once",
        sentence=_sentence(question, outcome, problem),
        question=question,
        outcome=outcome,
        problem=problem,
        too_large=bool(question.ops) and outcome is None and not problem,
        picks=search_changes(request, user),
        pick_fields=hidden(request.GET),
        replacing=request.GET.get("replacing", ""),
        moving=request.GET.get("moving", ""),
        repricing=node,
        state=state,
        states=parameter_options(request, "state", {"": "All", **_STATES}, state),
        rows=rows,
        following=changed_query(request, after=following) if following else "",
        first=changed_query(request, after=None) if request.GET.get("after") else "",
        drawn=results.result_picture(outcome)
        if outcome is not None and outcome.has_removal
        else None,
        costs_drawn=results.costs_picture(outcome) if outcome is not None else None,
        to_call=results.teams_to_contact(outcome, user)
        if outcome is not None and outcome.has_removal
        else [],
        query=changed_query(request, state=None, after=None, pick=None),
        as_of_day=EngineState.objects.values_list("as_of", flat=True).first(),
        ideas=suggest_scenarios(user, on=day_of(now()))
        if not question.changes and not request.GET
        else [],
        saved=Scenario.objects.visible_to(user).select_related("created_by")[:6],
    )


def _outcome(question: ScenarioQuery, user: User) -> tuple[ScenarioResult | None, Any, str]:
    """(outcome, nodes that fail, why there is none); None without a reason where a worker has to
    answer."""
    teams = visible_team_ids(user)
    try:
        if question.only_removes:
            outcome, failing = results.result_of_removal(
                question.removed, settings=engine_settings(), team_ids=teams
            )
            return outcome, failing, ""
        if ScopedApplication.objects.count() > MAX_IMMEDIATE_APPLICATIONS:
            return None, None, ""
        scenario = Scenario(name=question.name, created_by=user, ops=question.ops)
        result, details = answer_scenario_with_lists(scenario=scenario, by=user, team_ids=teams)
    except (InvalidOperationError, TablesNotBuiltError) as refusal:
        return None, None, str(refusal)
    return results.result_of_run(result, details, question.ops), None, ""


def _sentence(question: ScenarioQuery, outcome: ScenarioResult | None, problem: str) -> Headline:
    if not question.changes:
        return Headline(
            "What happens if a developer stops, a host is down, a model ends or costs more?"
        )
    if problem:
        return Headline("This cannot be asked: ", problem, "")
    if not question.ops:
        return Headline("This cannot be asked: ", question.problems[0], "")
    if outcome is None:
        return Headline(f"If {question.name}: a worker works it out.")
    return results.result_headline(outcome, question.name)


@require_safe
def scenario_preview_csv(request: HttpRequest) -> StreamingHttpResponse:
    rows = _rows_for_file(request)
    return csv_response("what-if", HEADS, rows, cells)


@require_safe
def scenario_preview_xlsx(request: HttpRequest) -> HttpResponse:
    return workbook_response("what-if", HEADS, _rows_for_file(request), cells)


def _rows_for_file(request: HttpRequest) -> list[AffectedRow]:
    user = signed_in_user(request)
    question = parse_query(request, user)
    outcome, failing, _problem = _outcome(question, user) if question.ops else (None, None, "")
    if outcome is None:
        return []
    found = results.all_affected_rows(outcome, failing, team_ids=visible_team_ids(user), user=user)
    state = chosen_option(request, "state", ("", *_STATES), "")
    return [row for row in found if not state or row.state == state]


def cells(row: AffectedRow) -> list[Any]:
    application = row.application
    return [
        application.name,
        application.team.name,
        row.criticality,
        row.state,
        application.business_owner,
        application.technical_owner,
        application.team.email,
    ]


@require_POST
def run_scenario(request: HttpRequest) -> HttpResponseBase:
    """Save the scenario of the URL, under the given name or its description, and queue its run."""
    user = signed_in_user(request)
    question = ScenarioQuery(describe_changes(hidden(request.POST), user), "")
    if not question.ops or question.problems:
        flash_error(
            request, question.problems[0] if question.problems else "Add at least one change."
        )
        return redirect(question.address())
    name = request.POST.get("name", "").strip()[:200] or question.name
    facts = {
        "name": name,
        "note": request.POST.get("note", "").strip(),
        "ops": question.ops,
        "shared": request.POST.get("shared") == "on",
    }
    try:
        scenario = save_scenario(facts=facts, by=user)
    except InvalidOperationError as refusal:
        flash_error(request, str(refusal))
        return redirect(question.address())
    run = queue_scenario_run(scenario=scenario, at=now(), by=user)
    enqueue_waiting_runs()
    return redirect(reverse("scenario-runs:detail", args=[run.pk]))
