"""Application page, one tab for each question; and its whole history. Printed, a report of all
tabs."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.identity.name_summaries import name_summaries
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.dependents import application_stack
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import application_merged_into, changes_of_application
from apps.inventory.runway import runways
from apps.issues.incidents import ongoing_incidents
from apps.risks.queries.reach import total_reach
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, add_sentence, render_page
from apps.web.pages.tabs import load_tabs
from apps.web.presenters.offering_stages import offering_notes
from apps.web.views.applications.lookups import application_or_404, can_edit
from apps.web.views.applications.retirement_verdict import (
    application_headline,
    times_left,
    version_retirements,
)
from apps.web.views.applications.tabs import TABS, PageData
from apps.web.wording import long_day


@require_safe
def application_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the tab that `?tab=` names, otherwise the overview; `?print=all` shows all tabs."""
    user = signed_in_user(request)
    application = application_or_404(request, slug)
    if application.merged_into is not None:
        survivor = application_merged_into(application=application)
        if Application.objects.visible_to(user).filter(pk=survivor.pk).exists():
            return redirect("applications:detail", survivor.slug, permanent=True)
    at = now()
    today = day_of(at)
    rows = application_stack(application=application, on=today)
    primary_runways = runways(
        on=today,
        application_ids=[application.pk],
        statuses=[*Application.IN_SCOPE, Application.Status.PROPOSED],
    )
    data = PageData(
        application=application,
        user=user,
        at=at,
        rows=rows,
        times=times_left(rows, primary_runways),
        version_dates=version_retirements(application),
        names=name_summaries(
            {row.offering.pk for row in rows if row.offering.is_named},
            on=today,
        ),
        risks=total_reach(user=user, on=today, application=application.slug),
        may_edit=can_edit(user, application),
    )
    return render_page(
        request,
        "applications/detail.html",
        title=application.name,
        crumbs=(
            ("Applications", reverse("applications:list")),
            (application.team.name, f"{reverse('applications:list')}?team={application.team.slug}"),
        ),
        counts="Dependencies active today",
        as_of=at,
        application=application,
        may_edit=data.may_edit,
        sentence=add_sentence(
            application_headline(rows, data.times, data.version_dates, data.names, today),
            _describe_first_model(data, today),
        ),
        rows=rows,
        times=data.times,
        version_dates=data.version_dates,
        names=data.names,
        risks=data.risks,
        incidents=ongoing_incidents([application.pk])[application.pk],
        **load_tabs(
            request,
            TABS,
            data,
            counts={"dependencies": len(rows), "risks": data.risks.n_inherited},
        ),
    )


def _describe_first_model(data: PageData, today: date) -> str:
    """Return what the stages and the regions of the primary model that retires first, or of the
    first one, mean for the application; two statements."""
    primaries = [row for row in data.rows if row.dependency.role == Dependency.Role.PRIMARY]
    rows = [data.times[0].row] if data.times else primaries[:1]
    return " ".join(offering_notes([row.answering for row in rows], today).values())


@require_safe
def application_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every recorded change with its actor, time and reason; editors can undo a change."""
    user = signed_in_user(request)
    application = application_or_404(request, slug)
    changes = changes_of_application(application=application, limit=MAX_CHANGES)
    return render_page(
        request,
        "applications/history.html",
        title=f"History of {application.name}",
        crumbs=(
            ("Applications", reverse("applications:list")),
            (application.name, reverse("applications:detail", args=[application.slug])),
        ),
        sentence=Headline(_describe_history(application, changes)),
        application=application,
        changes=changes,
        is_cut=len(changes) == MAX_CHANGES,
        may_edit=can_edit(user, application),
    )


MAX_CHANGES = 500


def _describe_history(application: Application, changes: Sequence[Any]) -> str:
    if not changes:
        return f"No changes of {application.name} recorded."
    n_actors = len({change.actor for change in changes})
    changed_at: datetime = changes[0].at
    last = long_day(day_of(changed_at))
    if len(changes) == 1:
        return f"1 change recorded, on {last}."
    n = f"More than {MAX_CHANGES - 1}" if len(changes) == MAX_CHANGES else str(len(changes))
    actors = pluralize(n_actors, "1 user or job", f"{n_actors} users or jobs")
    return f"{n} changes recorded by {actors}, the last on {last}."
