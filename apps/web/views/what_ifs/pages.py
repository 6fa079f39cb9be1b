"""What happens if ...? Put together from the address, answered at once where that is quick, else by
a worker."""

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
from apps.web.forms import signed_in
from apps.web.listing import csv_answer, query_with
from apps.web.page import Sentence, page
from apps.web.saying import refuse
from apps.web.views.applications.files import workbook_answer
from apps.web.views.exposure.shared import STATE_WORDS, chosen, options
from apps.web.views.what_ifs import outcomes
from apps.web.views.what_ifs.asking import Asked, asked, changes_of, hidden
from apps.web.views.what_ifs.hurrying import hurry
from apps.web.views.what_ifs.ideas import ideas
from apps.web.views.what_ifs.outcomes import Outcome, Struck
from apps.web.views.what_ifs.picking import picks, repricing

# beyond this many applications an answer that changes the portfolio is given by a worker
AT_ONCE = 5_000
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
def what_if(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    node, factor = repricing(request)
    if node and factor:
        so_far = hidden(request.GET)
        return redirect(
            Asked(changes_of([*so_far, ("reprice", f"{node}*{factor}")], user), "").address()
        )
    question = asked(request, user)
    outcome, failing, problem = _outcome(question, user) if question.ops else (None, None, "")
    state = chosen(request, "state", ("", *_STATES), "")
    rows: Sequence[Struck] = ()
    following = ""
    if outcome is not None and outcome.has_removal:
        rows, following = outcomes.page_of(
            outcome,
            failing,
            state,
            team_ids=visible_team_ids(user),
            after=request.GET.get("after", ""),
            user=user,
        )
    return page(
        request,
        "what-ifs/what-if.html",
        title="What if",
        counts="Applications in pilot or production, each once",
        sentence=_sentence(question, outcome, problem),
        question=question,
        outcome=outcome,
        problem=problem,
        too_large=bool(question.ops) and outcome is None and not problem,
        picks=picks(request, user),
        pick_fields=hidden(request.GET),
        replacing=request.GET.get("replacing", ""),
        moving=request.GET.get("moving", ""),
        repricing=node,
        state=state,
        states=options(request, "state", {"": "All", **_STATES}, state),
        rows=rows,
        following=query_with(request, after=following) if following else "",
        first=query_with(request, after=None) if request.GET.get("after") else "",
        drawn=outcomes.drawn(outcome) if outcome is not None and outcome.has_removal else None,
        costs_drawn=outcomes.costs_drawn(outcome) if outcome is not None else None,
        to_call=outcomes.to_call(outcome, user)
        if outcome is not None and outcome.has_removal
        else [],
        query=query_with(request, state=None, after=None, pick=None),
        as_of_day=EngineState.objects.values_list("as_of", flat=True).first(),
        ideas=ideas(user, on=day_of(now())) if not question.changes and not request.GET else [],
        saved=Scenario.objects.visible_to(user).select_related("created_by")[:6],
    )


def _outcome(question: Asked, user: User) -> tuple[Outcome | None, Any, str]:
    """(outcome, nodes that fail, why there is none); None without a reason where a worker has to
    answer."""
    teams = visible_team_ids(user)
    try:
        if question.only_removes:
            outcome, failing = outcomes.of_removal(
                question.removed, settings=engine_settings(), team_ids=teams
            )
            return outcome, failing, ""
        if ScopedApplication.objects.count() > AT_ONCE:
            return None, None, ""
        scenario = Scenario(name=question.name, created_by=user, ops=question.ops)
        result, details = answer_scenario_with_lists(scenario=scenario, by=user, team_ids=teams)
    except (InvalidOperationError, TablesNotBuiltError) as refusal:
        return None, None, str(refusal)
    return outcomes.of_answer(result, details, question.ops), None, ""


def _sentence(question: Asked, outcome: Outcome | None, problem: str) -> Sentence:
    if not question.changes:
        return Sentence(
            "What happens if a developer stops, a host is down, a model ends or costs more?"
        )
    if problem:
        return Sentence("This cannot be asked: ", problem, "")
    if not question.ops:
        return Sentence("This cannot be asked: ", question.problems[0], "")
    if outcome is None:
        return Sentence(f"If {question.name}: a worker works it out.")
    return outcomes.sentence_of(outcome, question.name)


@require_safe
def what_if_csv(request: HttpRequest) -> StreamingHttpResponse:
    rows = _rows_for_file(request)
    return csv_answer("what-if", HEADS, rows, cells)


@require_safe
def what_if_xlsx(request: HttpRequest) -> HttpResponse:
    return workbook_answer("what-if", HEADS, _rows_for_file(request), cells)


def _rows_for_file(request: HttpRequest) -> list[Struck]:
    user = signed_in(request)
    question = asked(request, user)
    outcome, failing, _problem = _outcome(question, user) if question.ops else (None, None, "")
    if outcome is None:
        return []
    found = outcomes.everyone(outcome, failing, team_ids=visible_team_ids(user), user=user)
    state = chosen(request, "state", ("", *_STATES), "")
    return [row for row in found if not state or row.state == state]


def cells(row: Struck) -> list[Any]:
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
def work_out(request: HttpRequest) -> HttpResponseBase:
    """Save what the address asks, under the given name or its own words, and have it answered."""
    user = signed_in(request)
    question = Asked(changes_of(hidden(request.POST), user), "")
    if not question.ops or question.problems:
        refuse(request, question.problems[0] if question.problems else "Say first what happens.")
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
        refuse(request, str(refusal))
        return redirect(question.address())
    run = queue_scenario_run(scenario=scenario, at=now(), by=user)
    hurry()
    return redirect(reverse("scenario-runs:detail", args=[run.pk]))
