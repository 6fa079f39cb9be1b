"""Overview: the home page, with what needs attention now."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.models import DateKind, Offering
from apps.common.time import day_of, now
from apps.exposure.models import EngineState, Layer
from apps.exposure.queries.concentration import LayerTable, layer_table
from apps.exposure.queries.portfolio import (
    CommonStack,
    RetiringOffering,
    common_stacks,
    portfolio_figures,
    retiring_offerings,
)
from apps.inventory.models import Criticality, Dependency
from apps.web.drawings.diagrams import stack_section
from apps.web.drawings.timelines import retirements
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.presenters.dashboard import (
    ShortestRunway,
    foundation_rows,
    iterate_shortest_runways,
    negative_runways,
    open_discrepancies,
    open_flags,
    shortest_runways,
    unassessed_by_team,
)
from apps.web.queries import events_of_used_offerings, primary_paths
from apps.web.views.intake import presenters
from apps.web.views.start import setup_steps
from apps.web.wording import count_of, day, number, share

# layers that every application depends on; gateways, vendors and regions are in the CSV only
MAX_LAYERS = (Layer.DEVELOPER, Layer.HOST, Layer.FOUNDATION)
HORIZON_DAYS = 180
URGENT_DAYS = 30
# with more applications the drawing has one column per common stack
DRAWN_SINGLY = 72
DRAWN_STACKS = 40
DRAWN_ENDS = 14
MAX_NODES = 8
MAX_RUNWAYS = 14
MAX_FLAGS = 6
MAX_TEAMS = 6
MAX_EVENTS = 8
HEIGHTS = {
    Criticality.CRITICAL: 1.0,
    Criticality.IMPORTANT: 0.63,
    Criticality.STANDARD: 0.37,
    Criticality.LOW: 0.17,
}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the portfolio of the user: stack, retirements, runways, concentration and feeds."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    counts = portfolio_figures(user=user, on=today)
    layers = {layer: layer_table(layer=layer, user=user, limit=MAX_NODES) for layer in MAX_LAYERS}
    developers = layers[Layer.DEVELOPER]
    retiring_rows = retiring_offerings(
        user=user, on=today, within=HORIZON_DAYS, limit=DRAWN_ENDS + 1
    )
    columns = portfolio(user=user, on=today, n=counts.n_applications)
    over = frozenset(row.name for row in developers.rows if row.over)
    details = details_of(developers)
    timeline_entries = [timeline_rows(row, today) for row in retiring_rows[:DRAWN_ENDS]]
    late = negative_runways(user=user, on=today)
    return render_page(
        request,
        "overview/overview.html",
        title="Home",
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=headlines.portfolio_headline(developers, counts, late),
        late=late,
        figures=counts,
        developers=developers,
        foundations=foundation_rows(layers[Layer.FOUNDATION]),
        breaches=[
            (layer, row) for layer, table in layers.items() for row in table.rows if row.over
        ],
        layers=list(layers.items()),
        section_wide=stack_section.draw_wide_section(columns, over=over, details=details)
        if columns
        else None,
        section_narrow=stack_section.draw_narrow_section(columns, over=over, details=details)
        if columns
        else None,
        section_title=section_title(counts.n_applications, developers),
        grouped=counts.n_applications > DRAWN_SINGLY,
        timeline_wide=retirements.draw_timeline(timeline_entries, today=today, days=HORIZON_DAYS)
        if timeline_entries
        else None,
        timeline_narrow=retirements.draw_timeline(
            timeline_entries, today=today, days=HORIZON_DAYS, narrow=True
        )
        if timeline_entries
        else None,
        ends=retiring_rows,
        drawn_ends=DRAWN_ENDS,
        runways=shortest_runways(user=user, on=today, limit=MAX_RUNWAYS),
        flags=open_flags(user=user, limit=MAX_FLAGS) if user.can_read_all else None,
        disagreeing=[(row, presenters.KINDS[row.kind]) for row in open_discrepancies(user=user)],
        inherited=unassessed_by_team(user=user, on=today, limit=MAX_TEAMS),
        events=events_of_used_offerings(user=user, on=today, limit=MAX_EVENTS),
        steps=setup_steps(user) if not counts.n_applications else (),
        urgent_days=URGENT_DAYS,
    )


def portfolio(*, user: Any, on: date, n: int) -> list[stack_section.Column]:
    """Return columns of the stack: one per application, or one per common stack if there are too
    many to draw."""
    if n > DRAWN_SINGLY:
        return [_stack_column(row, on) for row in _load_common_stacks(user)]
    return [_application_column(path, on) for path in primary_paths(user=user, on=on)]


def _load_common_stacks(user: User) -> list[CommonStack]:
    """Return the common stacks. Those of the whole organisation are cached until the next refresh
    of the engine."""
    if not user.can_read_all:
        return common_stacks(user=user, limit=DRAWN_STACKS)
    refreshed_at = EngineState.objects.filter(pk=1).values_list("refreshed_at", flat=True).first()
    key = f"common-stacks:{refreshed_at:%Y%m%d%H%M%S%f}" if refreshed_at else "common-stacks:none"
    cached_rows: list[dict[str, Any]] | None = cache.get(key)
    if cached_rows is not None:
        return [
            CommonStack(
                **{**row, "ends_on": date.fromisoformat(row["ends_on"]) if row["ends_on"] else None}
            )
            for row in cached_rows
        ]
    stacks = common_stacks(user=user, limit=DRAWN_STACKS)
    rows = [
        {**asdict(stack), "ends_on": stack.ends_on.isoformat() if stack.ends_on else None}
        for stack in stacks
    ]
    cache.set(key, rows, timeout=3600)
    return stacks


def _application_column(path: Dependency, today: date) -> stack_section.Column:
    """Return a primary path as a column of the portfolio stack; its height is the criticality."""
    application, offering = path.application, path.offering
    foundation = offering.version.foundation if offering.version else None
    return stack_section.Column(
        label=f"{application.name}: {foundation.name if foundation else offering.api_id}, "
        f"{offering.host.name}",
        host=offering.host.name,
        version=_release_name(offering.version.identifier, foundation.line, foundation.name)
        if offering.version and foundation
        else stack_section.UNRESOLVED,
        foundation=foundation.name if foundation else stack_section.UNRESOLVED,
        developer=foundation.developer.name if foundation else stack_section.UNRESOLVED,
        height=HEIGHTS[Criticality(application.criticality)],
        solid=application.criticality == Criticality.CRITICAL,
        late=_is_urgent(offering, today),
        url=reverse("applications:detail", args=[application.slug]),
    )


def _stack_column(row: CommonStack, today: date) -> stack_section.Column:
    return stack_section.Column(
        label=f"{row.n} applications, {row.n_critical} critical: {row.foundation or '?'}, "
        f"{row.host}",
        host=row.host,
        version=_release_name(row.version, row.line, row.foundation),
        foundation=row.foundation or stack_section.UNRESOLVED,
        developer=row.developer or stack_section.UNRESOLVED,
        height=max(row.n_critical / row.n, 0.17),
        solid=row.n_critical > 0,
        late=row.ends_on is not None and (row.ends_on - today).days <= URGENT_DAYS,
        n=row.n,
        n_critical=row.n_critical,
    )


def _release_name(identifier: str | None, line: str | None, foundation: str | None) -> str:
    """Return the part of the identifier that distinguishes a version within its foundation, such as
    `20250929`."""
    if not identifier:
        return stack_section.UNRESOLVED
    return identifier.removeprefix(line or "").strip("-@:") or foundation or identifier


def _is_urgent(offering: Offering, today: date) -> bool:
    days_left = offering.days_left(today)
    return (
        days_left is not None and days_left <= URGENT_DAYS and offering.date_kind == DateKind.FIRM
    )


def details_of(table: LayerTable) -> dict[str, tuple[str, ...]]:
    """Return {developer: descriptions of its reach} for the drawing."""
    return {
        row.name: _describe_reach(row.n_applications, row.n_critical, table) for row in table.rows
    }


def _describe_reach(n: int, n_critical: int, table: LayerTable) -> tuple[str, ...]:
    """Return descriptions of a developer's reach, longest first; the drawing uses the first that
    fits."""
    applications = f"{n} application{'' if n == 1 else 's'}"
    if not table.n_critical:
        return (applications, f"{n} apps", str(n))
    of_all = f"{n_critical} of {table.n_critical} critical"
    return (
        f"{applications}, {of_all} ({share(n_critical / table.n_critical)})",
        f"{applications}, {of_all}",
        f"{n}, {n_critical} critical",
        f"{n}, {n_critical} crit.",
        str(n),
    )


def section_title(n: int, developers: LayerTable) -> str:
    tops = [
        f"{row.n_applications} on {row.name}, {row.n_critical} of them critical"
        for row in developers.rows[:3]
    ]
    return (
        f"Section through the portfolio: {count_of(n, 'application')} above ground, and the host, "
        "version, foundation "
        f"and developer each stands on. {'; '.join(tops)}."
    )


def timeline_rows(row: RetiringOffering, today: date) -> retirements.Retirement:
    offering, n = row.offering, row.n
    assert offering.retires_on is not None
    foundation = offering.version.foundation.name if offering.version else offering.api_id
    return retirements.Retirement(
        label=foundation,
        place=offering.host.name,
        ends_on=offering.retires_on,
        soft=offering.date_kind == DateKind.NOT_BEFORE,
        urgent=_is_urgent(offering, today),
        when=day(offering.retires_on, today=today),
        note=f"{number(n)} application{'' if n == 1 else 's'}",
        url=reverse("offerings:detail", args=[offering.pk]),
    )


@require_safe
def concentration_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the nodes of every layer with their share of critical applications."""
    user = signed_in_user(request)
    rows = [
        (layer, table, row)
        for layer in Layer
        for table in [layer_table(layer=layer, user=user)]
        for row in table.rows
    ]
    return csv_response(
        "concentration",
        [
            "layer",
            "name",
            "applications",
            "critical",
            "share of critical",
            "tolerance",
            "over tolerance",
            "as of",
        ],
        rows,
        lambda cell: [
            cell[0].label,
            cell[2].name,
            cell[2].n_applications,
            cell[2].n_critical,
            cell[2].critical_share,
            cell[2].tolerance,
            "yes" if cell[2].over else "no",
            cell[1].as_of,
        ],
    )


@require_safe
def runway_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send all applications whose primary model has a retirement date; the page shows only the
    first ones."""
    today = day_of(now())
    heads = [
        "application",
        "team",
        "criticality",
        "api id",
        "host",
        "ends",
        "date",
        "days left",
        "days needed",
        "basis",
        "runway, days",
        "leave by",
        "replacement",
    ]
    return csv_response(
        "runway",
        heads,
        iterate_shortest_runways(user=signed_in_user(request), on=today),
        _runway_cells,
    )


def _runway_cells(row: ShortestRunway) -> list[Any]:
    offering = row.offering
    return [
        row.application.name,
        row.application.team.name,
        row.application.get_criticality_display(),
        offering.api_id,
        offering.host.name,
        row.retires_on,
        "not before" if row.at_least else "firm",
        row.days_left,
        row.effort_days,
        row.basis,
        row.runway,
        row.start_by,
        offering.replacement.api_id if offering.replacement else offering.replacement_text,
    ]


@require_safe
def ends_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the next retirements of offerings in use, within HORIZON_DAYS."""
    today = day_of(now())
    return csv_response(
        "ends",
        [
            "host",
            "api id",
            "foundation",
            "announced",
            "ends",
            "date",
            "applications",
            "critical",
            "replacement",
        ],
        retiring_offerings(
            user=signed_in_user(request), on=today, within=HORIZON_DAYS, limit=10_000
        ),
        lambda row: [
            row.offering.host.name,
            row.offering.api_id,
            row.offering.version.foundation.name if row.offering.version else "",
            row.offering.announced_on,
            row.offering.retires_on,
            row.offering.get_date_kind_display(),
            row.n,
            row.n_critical,
            row.offering.replacement.api_id
            if row.offering.replacement
            else row.offering.replacement_text,
        ],
    )
