"""Board summary on one page: the concentration with its twelve months, three figures,
retirements, actions taken, decisions to make, and the commentary of governance."""

from dataclasses import dataclass
from datetime import date, datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import portfolio_figures, retiring_models
from apps.exposure.queries.refresh_state import refresh_state
from apps.reports.board_commentary import (
    commentary_versions,
    latest_commentary,
    quarter_of,
    write_commentary,
)
from apps.reports.board_summary import loosened_tolerances, pending_decisions, tested_exits
from apps.reports.figures import quarter_activity
from apps.reports.models import MAX_COMMENTARY_LENGTH, BoardCommentary
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.presenters import headlines
from apps.web.presenters.dashboard import count_negative_runways
from apps.web.presenters.proposals import present_values
from apps.web.views.home.concentration import load_concentration
from apps.web.wording import share

MAX_PAST = 4
MAX_NEXT = 5
HORIZON_DAYS = 180
_GOVERNANCE_ONLY = "You need the governance role to write the commentary."


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
    concentration = load_concentration(user=user, today=today)
    n_late = count_negative_runways(user=user, on=today)
    state = refresh_state()
    past, upcoming = retiring_models(
        user=user, on=today, within=HORIZON_DAYS, max_past=MAX_PAST, max_next=MAX_NEXT
    )
    return render_page(
        request,
        "reports/board.html",
        title="Board summary",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=headlines.portfolio_headline(concentration.developers, counts),
        basis=headlines.concentration_basis(concentration.developers),
        retirements_sentence=headlines.retirements_sentence(counts, n_late)
        if state.is_current or counts.n_ended or n_late
        else "",
        state=state,
        figures=_figures(user, counts.n_ended, counts.n_ending_180, state.as_of is not None),
        concentration=concentration,
        past=past[:MAX_PAST][::-1],
        past_is_cut=len(past) > MAX_PAST,
        upcoming=upcoming[:MAX_NEXT],
        upcoming_is_cut=len(upcoming) > MAX_NEXT,
        horizon_days=HORIZON_DAYS,
        done=quarter_activity(user=user, on=today),
        decisions=pending_decisions(user=user, on=today),
        loosened=[
            (proposal, present_values(proposal))
            for proposal in loosened_tolerances(user=user, on=today)
        ],
        commentary=latest_commentary(user=user, on=today),
        quarter=BoardCommentary(quarter=quarter_of(today)),
        is_office=user.can_read_all,
    )


def _figures(user: User, n_retired: int, n_retiring: int, is_calculated: bool) -> list[BoardFigure]:
    """Return the figures beside the concentration. Retired models are counted apart from those
    that retire."""
    exits = tested_exits(user=user)
    return [
        BoardFigure(
            share(exits.share) if exits.share is not None else "–",
            f"of critical applications have a valid tested exit ({exits.n_tested} of "
            f"{exits.n_critical})",
        ),
        BoardFigure(
            str(n_retired) if is_calculated else "–",
            pluralize(
                n_retired,
                "application still uses a retired primary model",
                "applications still use a retired primary model",
            ),
            n_retired > 0,
        ),
        BoardFigure(
            str(n_retiring - n_retired) if is_calculated else "–",
            pluralize(
                n_retiring - n_retired,
                f"further application has a primary model that retires within {HORIZON_DAYS} days",
                f"further applications have a primary model that retires within {HORIZON_DAYS} "
                "days",
            ),
        ),
    ]


class CommentaryForm(OptimisticLockMixin, forms.Form):
    text = forms.CharField(
        label="Commentary",
        required=False,
        max_length=MAX_COMMENTARY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=f"At most {MAX_COMMENTARY_LENGTH} characters, so that the summary prints on "
        "one page. Empty: no commentary.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def board_commentary(request: HttpRequest) -> HttpResponse:
    """Edit the commentary of the current quarter; list all versions."""
    user, at = governance_user(request, _GOVERNANCE_ONLY), now()
    quarter = quarter_of(day_of(at))

    def make_form() -> CommentaryForm:
        rows = BoardCommentary.objects.visible_to(user).filter(quarter=quarter)
        row = (rows.select_for_update() if request.method == "POST" else rows).first()
        return CommentaryForm(
            request.POST or None, row=row, initial={"text": row.text if row else ""}
        )

    def write(form: CommentaryForm) -> str:
        text: str = form.cleaned_data["text"]
        write_commentary(quarter=quarter, text=text, by=user, at=at)
        return "Commentary saved." if text else "Commentary removed."

    return action_view(
        request,
        form=make_form,
        action=write,
        done=str,
        back=reverse("reports:board-summary"),
        page=lambda form: _render_commentary(request, form, quarter, at),
    )


def _render_commentary(
    request: HttpRequest, form: CommentaryForm, quarter: date, at: datetime
) -> HttpResponse:
    name = BoardCommentary(quarter=quarter).quarter_name
    return render_page(
        request,
        "reports/board-commentary.html",
        title="Board commentary",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("Board summary", reverse("reports:board-summary")),
        ),
        as_of=at,
        sentence=Headline(
            f"The commentary of {name} is on the board summary."
            if form.row is not None
            else f"No commentary of {name} yet."
        ),
        form=form,
        versions=list(commentary_versions(user=signed_in_user(request))),
    )
