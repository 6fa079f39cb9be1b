"""Home of users with an organisation role: how exposed the organisation is, whether that gets
better, and what to decide today. Other users get the Home of an owner."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.recipients import organisation_roles
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import portfolio_figures
from apps.exposure.queries.refresh_state import refresh_state
from apps.issues.models import Issue
from apps.issues.urgent_causes import MAX_COUNTED_CAUSES, pending_issues
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.views.home.changes import recent_changes
from apps.web.views.home.concentration import load_concentration
from apps.web.views.home.data_quality import home_counts
from apps.web.views.home.decisions import decisions_today
from apps.web.views.home.migrations import open_migrations
from apps.web.views.home.owner import owner_home
from apps.web.views.home.retirements import HORIZON_DAYS, URGENT_DAYS, home_retirements
from apps.web.views.start import setup_steps
from apps.web.wording import bounded_number


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    return _organisation_home(request, user) if user.can_read_all else owner_home(request, user)


def _organisation_home(request: HttpRequest, user: User) -> HttpResponse:
    """Show Home; its statements do not depend on the size of the portfolio."""
    at = now()
    today = day_of(at)
    figures = portfolio_figures(user=user, on=today)
    concentration = load_concentration(user=user, today=today)
    developers = concentration.developers
    state = refresh_state()
    counts = home_counts(user=user, today=today)
    roles = organisation_roles()
    n_causes = counts.n_causes
    return render_page(
        request,
        "home/organisation.html",
        title="Home",
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=headlines.portfolio_headline(developers, figures),
        basis=headlines.concentration_basis(developers),
        # a zero of tables that are not current reassures without ground
        retirements_sentence=headlines.retirements_sentence(figures, counts.n_late)
        if state.is_current or figures.n_ended or counts.n_late
        else "",
        has_governance=bool(roles.governance),
        has_recipients=bool(roles.governance_users),
        state=state,
        figures=figures,
        concentration=concentration,
        decisions=decisions_today(pending_issues(user, today=today), user=user, today=today),
        changes=recent_changes(Issue.objects.visible_to(user), user=user, today=today),
        n_causes=n_causes,
        n_causes_shown=bounded_number(n_causes, MAX_COUNTED_CAUSES),
        retirements=home_retirements(user=user, today=today),
        horizon_days=HORIZON_DAYS,
        urgent_days=URGENT_DAYS,
        migrations=open_migrations(user=user, today=today),
        gaps=counts,
        steps=setup_steps(user) if not figures.n_applications else (),
    )
