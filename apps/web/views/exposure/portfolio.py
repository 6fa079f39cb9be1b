"""The portfolio as a drawing, with foundations by blast radius, runways and retirements."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.common.time import day_of, now
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import layer_table
from apps.exposure.queries.portfolio import portfolio_figures, retiring_offerings
from apps.exposure.queries.refresh_state import refresh_state
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.presenters.dashboard import (
    count_negative_runways,
    foundation_rows,
    shortest_runways,
    unassessed_by_team,
)
from apps.web.presenters.portfolio_stack import URGENT_DAYS, draw_portfolio

HORIZON_DAYS = 180
MAX_NODES = 8
MAX_ROWS = 12
MAX_TEAMS = 6


@require_safe
def portfolio_page(request: HttpRequest) -> HttpResponse:
    """Show the portfolio of the user in one drawing, and its numbers below."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    figures = portfolio_figures(user=user, on=today)
    developers = layer_table(layer=Layer.DEVELOPER, user=user, limit=MAX_NODES)
    foundations = layer_table(layer=Layer.FOUNDATION, user=user, limit=MAX_NODES)
    ends = retiring_offerings(user=user, on=today, within=HORIZON_DAYS, limit=MAX_ROWS + 1)
    runways = shortest_runways(user=user, on=today, limit=MAX_ROWS + 1)
    n_late = count_negative_runways(user=user, on=today)
    state = refresh_state()
    return render_page(
        request,
        "exposure/portfolio.html",
        title="Portfolio",
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=headlines.portfolio_headline(developers, figures),
        basis=headlines.retirements_sentence(figures, n_late)
        if state.is_current or figures.n_ended or n_late
        else "",
        state=state,
        table=developers,
        figures=figures,
        stack=draw_portfolio(user=user, on=today, n=figures.n_applications, developers=developers),
        foundations=foundation_rows(foundations),
        runways=runways[:MAX_ROWS],
        runways_are_cut=len(runways) > MAX_ROWS,
        ends=ends[:MAX_ROWS],
        ends_are_cut=len(ends) > MAX_ROWS,
        inherited=unassessed_by_team(user=user, on=today, limit=MAX_TEAMS),
        urgent_days=URGENT_DAYS,
        today=today,
    )
