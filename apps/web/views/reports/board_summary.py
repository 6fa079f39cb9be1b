"""Board summary on one page: the concentration, three figures, one chart, retirements, actions
taken, decisions to make."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import day_of, now
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import layer_table
from apps.exposure.queries.portfolio import portfolio_figures, retiring_offerings
from apps.reports.board_summary import loosened_tolerances, pending_decisions, tested_exits
from apps.reports.figures import quarter_activity
from apps.web.drawings.diagrams import stack_section
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.presenters.dashboard import negative_runways
from apps.web.presenters.proposals import present_values
from apps.web.views.overview import details_of, portfolio, section_title
from apps.web.wording import share

SHOWN_ENDS = 5
HORIZON_DAYS = 180


@dataclass(frozen=True, slots=True)
class BoardFigure:
    """Figure of the board summary; `bad` colours it: it needs a decision."""

    value: str
    words: str
    bad: bool = False


@require_safe
def board_summary(request: HttpRequest) -> HttpResponse:
    """Show the board summary, one page for print."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    counts = portfolio_figures(user=user, on=today)
    developers = layer_table(layer=Layer.DEVELOPER, user=user, limit=8)
    late_runways = negative_runways(user=user, on=today)
    exits = tested_exits(user=user)
    columns = portfolio(user=user, on=today, n=counts.n_applications)
    over_tolerance = frozenset(row.name for row in developers.rows if row.over)
    top = developers.rows[0] if developers.rows else None
    return render_page(
        request,
        "reports/board.html",
        title="For the board",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=headlines.portfolio_headline(developers, counts, late_runways),
        figures=[
            BoardFigure(
                share(top.critical_share) if top and developers.n_critical else "–",
                f"of critical applications stand on {top.name}"
                if top
                else "of critical applications stand on one developer",
                bool(top and top.over),
            ),
            BoardFigure(
                share(exits.share) if exits.share is not None else "–",
                f"of critical applications have a tested way out in date ({exits.n_tested} of"
                f" {exits.n_critical})",
            ),
            BoardFigure(
                str(counts.n_ending_180),
                f"applications stand on a model that has ended or ends within {HORIZON_DAYS} days",
                counts.n_ended > 0,
            ),
        ],
        section_wide=stack_section.draw_wide_section(
            columns, over=over_tolerance, details=details_of(developers)
        )
        if columns
        else None,
        section_narrow=stack_section.draw_narrow_section(
            columns, over=over_tolerance, details=details_of(developers)
        )
        if columns
        else None,
        section_title=section_title(counts.n_applications, developers),
        tolerance=developers.tolerance,
        ends=retiring_offerings(
            user=user, on=today, within=HORIZON_DAYS, limit=SHOWN_ENDS, since=today
        ),
        done=quarter_activity(user=user, on=today),
        decisions=pending_decisions(user=user, on=today),
        loosened=[
            (proposal, present_values(proposal))
            for proposal in loosened_tolerances(user=user, on=today)
        ],
        is_office=user.can_read_all,
    )
