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
class FindingRow:
    finding: Finding
    name: str
    severity: Any
    mark: int
    row: StackRow | None


@require_safe
def application_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an application with its stack, runways, alternatives, risks, costs and findings."""
    user = signed_in_user(request)
    application = application_or_404(request, slug)
    if application.merged_into is not None:
        survivor = application_merged_into(application=application)
        if Application.objects.visible_to(user).filter(pk=survivor.pk).exists():
            return redirect("applications:detail", survivor.slug, permanent=True)
    at = now()
    today = day_of(at)
    rows = application_stack(application=application, on=today)
    ordered_rows = order_by_similarity(rows)
    exits = queries.exit_section(rows, today)
    primary_runways = runways(
        on=today,
        application_ids=[application.pk],
        statuses=[*Application.IN_SCOPE, Application.Status.PROPOSED],
    )
    times = times_left(rows, primary_runways, exits, today)
    findings = findings_of_application(application=application, on=today)
    risks = total_reach(user=user, on=today, application=application.slug)
    runway_picture = (
        responsive_picture(draw_runways, [_build_bar(time) for time in times]) if times else None
    )
    return render_page(
        request,
        "applications/detail.html",
        title=application.name,
        crumbs=(
            ("Applications", reverse("applications:list")),
            (application.team.name, f"{reverse('applications:list')}?team={application.team.slug}"),
        ),
        counts="Live dependencies of this application",
        as_of=at,
        application=application,
        may_edit=can_edit(user, application),
        sentence=headline(application, rows, times, today),
        alerts_go_to=describe_alert_recipients(application),
        rows=rows,
        ordered=ordered_rows,
        above=in_house_block(ordered_rows, exits.adaptations),
        layers=stack_layers(ordered_rows, others_below(rows, user)),
        times=times,
        runway_picture=runway_picture,
        todos=action_items(application, rows, primary_runways, exits, findings, risks, today),
        ways=queries.alternatives(application, rows),
        struck=queries.failure_modes(application, rows),
        risks=risks,
        risk_rows=_load_top_risks(application, user, today, risks),
        severities=risk_words.SEVERITIES,
        exits=exits,
        exit_rows=[
            (row, exits.plans.get(row.dependency.pk), exits.tests.get(row.dependency.pk, ()))
            for row in rows
        ],
        cost=queries.cost_section(application, rows, at),
        findings=[_build_finding_row(finding, rows) for finding in findings],
        decisions=queries.approval_rows(rows, today),
        changes=changes_of_application(application=application, limit=N_CHANGES),
        events=events_of_application(application=application, on=today, limit=N_EVENTS),
        ended=_list_inactive_dependencies(application, today),
        fallbacks=[row for row in rows if row.dependency.role == Dependency.Role.FALLBACK],
        merged=application.merged.order_by("pk")[:10],
        seen=observed_usage(application, today),
    )


def _list_inactive_dependencies(application: Application, today: date) -> Any:
    not_current = Q(until__lte=today) | Q(since__gt=today)
    return (
        application.dependencies.filter(not_current)
        .select_related("offering__host")
        .order_by("-until", "-pk")[:N_ENDED]
    )


def times_left(
    rows: Sequence[StackRow],
    primary_runways: Sequence[PrimaryRunway],
    exits: queries.ExitSection,
    today: date,
) -> list[TimeLeft]:
    by_id = {row.dependency.pk: row for row in rows}
    times = []
    for runway in primary_runways:
        row = by_id.get(runway.dependency_id)
        if row is None:
            continue
        start_on = start_by(runway, today)
        is_late = (runway.runway is not None and runway.runway < 0) or (
            runway.days_left is not None and runway.days_left < 0
        )
        times.append(TimeLeft(row, runway, start_on, is_late, _describe_basis(runway, exits)))
    return times


def _describe_basis(runway: PrimaryRunway, exits: queries.ExitSection) -> str:
    if runway.effort_days is None:
        return (
            "how long the move takes is not known: "
            "no test has measured it, and no plan estimates it"
        )
    days_text = format_days(runway.effort_days)
    if runway.basis == "test":
        measured_tests = [
            test.row
            for test in exits.tests.get(runway.dependency_id, ())
            if test.row.effort_days is not None and test.row.result != "failed"
        ]
        tested_on = measured_tests[0].tested_on.isoformat() if measured_tests else ""
        return f"the move took {days_text} days in the exit test of {tested_on}"
    return f"the exit plan estimates {days_text} days"


def _build_bar(time: TimeLeft) -> Bar:
    runway = time.runway
    effort_days = None if runway.effort_days is None else -int(-runway.effort_days // 1)
    return Bar(
        time.row.offering.api_id,
        runway.days_left,
        effort_days,
        runway.basis == "test",
        runway.at_least,
    )


def headline(
    application: Application, rows: list[StackRow], times: Sequence[TimeLeft], today: date
) -> Headline:
    """State the main model, its retirement date and the start-by date; without a known effort, the
    days left."""
    startable_times = [
        time
        for time in times
        if time.start_by is not None and not time.runway.at_least and time.runway.retires_on
    ]
    if not startable_times or (startable_times[0].runway.days_left or 0) < 0:
        return headlines.application_headline(application.name, rows, today)
    nearest = startable_times[0]
    row, runway = nearest.row, nearest.runway
    assert nearest.start_by is not None
    assert runway.retires_on is not None
    assert runway.effort_days is not None
    model_name = row.foundation.name if row.foundation else row.offering.api_id
    values = {
        "base": model_name,
        "host": row.host.name,
        "end": long_day(runway.retires_on),
        "days": format_days(runway.effort_days),
    }
    template = (
        "Stands on {base} at {host} until {end}; moving took {days} days last time, "
        if runway.basis == "test"
        else "Stands on {base} at {host} until {end}; moving is estimated to take {days} days, "
    )
    start_text = long_day(nearest.start_by)
    if nearest.start_by < today:
        return Headline(
            template.format(**values), f"so work should have started by {start_text}", "."
        )
    if (nearest.start_by - today).days <= 30:
        return Headline(template.format(**values) + "so ", f"work starts by {start_text}", ".")
    return Headline(template.format(**values) + f"so work starts by {start_text}.")


def _load_top_risks(
    application: Application, user: User, today: date, reach: RiskReach
) -> list[InheritedRisk]:
    """Return the most severe risks that are stale or unassessed: three statements for each of the
    two states."""
    top_risks: list[InheritedRisk] = []
    for state, n in (("stale", reach.n_stale), ("unassessed", reach.n_unassessed)):
        if n and len(top_risks) < N_RISKS:
            query = InheritedRiskQuery(application=application.slug, state=state)
            top_risks += inherited_risks(
                user=user, on=today, query=query, size=N_RISKS - len(top_risks)
            ).rows
    return top_risks


def _build_finding_row(finding: Finding, rows: Sequence[StackRow]) -> FindingRow:
    row = next((row for row in rows if row.dependency.pk == finding.dependency_id), None)
    return FindingRow(
        finding,
        FINDING_NAMES[finding.code],
        SEVERITIES[finding.severity],
        SEVERITY_MARKS[finding.severity],
        row,
    )


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
        return f"Nothing on record has changed {application.name} since it came in."
    n_actors = len({change.actor for change in changes})
    changed_at: datetime = changes[0].at
    return "{name} was changed {n} times by {who} people or jobs, last on {last}.".format(
        name=application.name,
        n=f"{MAX_CHANGES}+" if len(changes) == MAX_CHANGES else len(changes),
        who=n_actors,
        last=long_day(day_of(changed_at)),
    )
