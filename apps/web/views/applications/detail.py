"""Application page: what it depends on, what it inherits, its action items. One page with anchors;
printed, a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.queries.dependents import StackRow, application_stack
from apps.inventory.findings import Finding, findings_of_application
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import application_merged_into, changes_of_application
from apps.inventory.runway import PrimaryRunway, runways
from apps.risks.queries.conditions import InheritedRiskQuery
from apps.risks.queries.inherited import InheritedRisk, inherited_risks
from apps.risks.queries.reach import RiskReach, total_reach
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.charts.runways import Runway as Bar
from apps.web.drawings.charts.runways import draw_runways
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters import headlines
from apps.web.presenters.alert_recipients import describe_alert_recipients
from apps.web.presenters.change_effects import format_days
from apps.web.queries import events_of_application
from apps.web.views.applications import queries
from apps.web.views.applications.action_items import action_items, start_by
from apps.web.views.applications.lookups import application_or_404, can_edit
from apps.web.views.applications.observed_usage import observed_usage
from apps.web.views.applications.stack import (
    in_house_block,
    order_by_similarity,
    others_below,
    stack_layers,
)
from apps.web.views.data_quality.finding_labels import FINDING_NAMES, SEVERITIES, SEVERITY_MARKS
from apps.web.views.risks import presenters as risk_words
from apps.web.wording import long_day

N_CHANGES, N_EVENTS, N_RISKS, N_ENDED = 8, 10, 5, 20


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Primary model with a retirement date, and the inputs of its runway."""

    row: StackRow
    runway: PrimaryRunway
    start_by: date | None
    is_late: bool
    basis: str

    @property
    def runway_words(self) -> str:
        return "–" if self.runway.runway is None else f"{format_days(self.runway.runway)} d"


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    finding: Finding
    name: str
    severity: Any
    mark: int
    row: StackRow | None


@require_safe
def application_detail(request: HttpRequest, slug: str) -> HttpResponse:
    user = signed_in_user(request)
    app = application_or_404(request, slug)
    if app.merged_into is not None:
        kept = application_merged_into(application=app)
        if Application.objects.visible_to(user).filter(pk=kept.pk).exists():
            return redirect("applications:detail", kept.slug, permanent=True)
    at = now()
    today = day_of(at)
    rows = application_stack(application=app, on=today)
    ordered = order_by_similarity(rows)
    exits = queries.exit_section(rows, today)
    ends = runways(
        on=today,
        application_ids=[app.pk],
        statuses=[*Application.IN_SCOPE, Application.Status.PROPOSED],
    )
    times = times_left(rows, ends, exits, today)
    found = findings_of_application(application=app, on=today)
    risks = total_reach(user=user, on=today, application=app.slug)
    drawn = responsive_picture(draw_runways, [_bar(time) for time in times]) if times else None
    return render_page(
        request,
        "applications/detail.html",
        title=app.name,
        crumbs=(
            ("Applications", reverse("applications:list")),
            (app.team.name, f"{reverse('applications:list')}?team={app.team.slug}"),
        ),
        counts="Live dependencies of this application",
        as_of=at,
        application=app,
        may_edit=can_edit(user, app),
        sentence=headline(app, rows, times, today),
        alerts_go_to=describe_alert_recipients(app),
        rows=rows,
        ordered=ordered,
        above=in_house_block(ordered, exits.adaptations),
        layers=stack_layers(ordered, others_below(rows, user)),
        times=times,
        runway_picture=drawn,
        todos=action_items(app, rows, ends, exits, found, risks, today),
        ways=queries.alternatives(app, rows),
        struck=queries.failure_modes(app, rows),
        risks=risks,
        risk_rows=_risks(app, user, today, risks),
        severities=risk_words.SEVERITIES,
        exits=exits,
        exit_rows=[
            (row, exits.plans.get(row.dependency.pk), exits.tests.get(row.dependency.pk, ()))
            for row in rows
        ],
        cost=queries.cost_section(app, rows, at),
        findings=[_load_page(finding, rows) for finding in found],
        decisions=queries.approval_rows(rows, today),
        changes=changes_of_application(application=app, limit=N_CHANGES),
        events=events_of_application(application=app, on=today, limit=N_EVENTS),
        ended=_ended(app, today),
        fallbacks=[row for row in rows if row.dependency.role == Dependency.Role.FALLBACK],
        merged=app.merged.order_by("pk")[:10],
        seen=observed_usage(app, today),
    )


def _ended(app: Application, today: date) -> Any:
    later = Q(until__lte=today) | Q(since__gt=today)
    return (
        app.dependencies.filter(later)
        .select_related("offering__host")
        .order_by("-until", "-pk")[:N_ENDED]
    )


def times_left(
    rows: Sequence[StackRow], ends: Sequence[PrimaryRunway], exits: queries.ExitSection, today: date
) -> list[TimeLeft]:
    by_id = {row.dependency.pk: row for row in rows}
    found = []
    for runway in ends:
        row = by_id.get(runway.dependency_id)
        if row is None:
            continue
        by = start_by(runway, today)
        late = (runway.runway is not None and runway.runway < 0) or (
            runway.days_left is not None and runway.days_left < 0
        )
        found.append(TimeLeft(row, runway, by, late, _basis(runway, exits)))
    return found


def _basis(runway: PrimaryRunway, exits: queries.ExitSection) -> str:
    if runway.effort_days is None:
        return (
            "how long the move takes is not known: "
            "no test has measured it, and no plan estimates it"
        )
    took = format_days(runway.effort_days)
    if runway.basis == "test":
        measured = [
            test.row
            for test in exits.tests.get(runway.dependency_id, ())
            if test.row.effort_days is not None and test.row.result != "failed"
        ]
        on = measured[0].tested_on.isoformat() if measured else ""
        return f"the move took {took} days in the exit test of {on}"
    return f"the exit plan estimates {took} days"


def _bar(time: TimeLeft) -> Bar:
    runway = time.runway
    need = None if runway.effort_days is None else -int(-runway.effort_days // 1)
    return Bar(
        time.row.offering.api_id, runway.days_left, need, runway.basis == "test", runway.at_least
    )


def headline(
    app: Application, rows: list[StackRow], times: Sequence[TimeLeft], today: date
) -> Headline:
    """State what it depends on until when, and the start-by date; without a known effort, the days
    left."""
    known = [
        time
        for time in times
        if time.start_by is not None and not time.runway.at_least and time.runway.retires_on
    ]
    if not known or (known[0].runway.days_left or 0) < 0:
        return headlines.application_headline(app.name, rows, today)
    first = known[0]
    row, runway = first.row, first.runway
    assert first.start_by is not None
    assert runway.retires_on is not None
    assert runway.effort_days is not None
    base = row.foundation.name if row.foundation else row.offering.api_id
    words = {
        "base": base,
        "host": row.host.name,
        "end": long_day(runway.retires_on),
        "days": format_days(runway.effort_days),
    }
    took = (
        "Stands on {base} at {host} until {end}; moving took {days} days last time, "
        if runway.basis == "test"
        else "Stands on {base} at {host} until {end}; moving is estimated to take {days} days, "
    )
    by = long_day(first.start_by)
    if first.start_by < today:
        return Headline(took.format(**words), f"so work should have started by {by}", ".")
    if (first.start_by - today).days <= 30:
        return Headline(took.format(**words) + "so ", f"work starts by {by}", ".")
    return Headline(took.format(**words) + f"so work starts by {by}.")


def _risks(app: Application, user: User, today: date, reach: RiskReach) -> list[InheritedRisk]:
    """The gravest that are stale or unassessed: three statements for each state that has any."""
    found: list[InheritedRisk] = []
    for state, n in (("stale", reach.n_stale), ("unassessed", reach.n_unassessed)):
        if n and len(found) < N_RISKS:
            narrowed = InheritedRiskQuery(application=app.slug, state=state)
            found += inherited_risks(
                user=user, on=today, query=narrowed, size=N_RISKS - len(found)
            ).rows
    return found


def _load_page(finding: Finding, rows: Sequence[StackRow]) -> ApplicationPage:
    row = next((row for row in rows if row.dependency.pk == finding.dependency_id), None)
    return ApplicationPage(
        finding,
        FINDING_NAMES[finding.code],
        SEVERITIES[finding.severity],
        SEVERITY_MARKS[finding.severity],
        row,
    )


@require_safe
def application_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every recorded change, with who, what, when and why; editors can undo one."""
    user = signed_in_user(request)
    app = application_or_404(request, slug)
    changes = changes_of_application(application=app, limit=MAX_CHANGES)
    return render_page(
        request,
        "applications/history.html",
        title=f"History of {app.name}",
        crumbs=(
            ("Applications", reverse("applications:list")),
            (app.name, reverse("applications:detail", args=[app.slug])),
        ),
        sentence=Headline(_history_in_words(app, changes)),
        application=app,
        changes=changes,
        is_cut=len(changes) == MAX_CHANGES,
        may_edit=can_edit(user, app),
    )


MAX_CHANGES = 500


def _history_in_words(app: Application, changes: Sequence[Any]) -> str:
    if not changes:
        return f"Nothing on record has changed {app.name} since it came in."
    who = len({change.actor for change in changes})
    last: datetime = changes[0].at
    return "{name} was changed {n} times by {who} people or jobs, last on {last}.".format(
        name=app.name,
        n=f"{MAX_CHANGES}+" if len(changes) == MAX_CHANGES else len(changes),
        who=who,
        last=long_day(day_of(last)),
    )
