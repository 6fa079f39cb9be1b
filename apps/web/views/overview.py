"""What needs me now?"""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.models import DateKind, Offering
from apps.common.time import day_of, now
from apps.exposure.layers import LayerTable, layer_table
from apps.exposure.models import Layer
from apps.exposure.queries import Runway, runways
from apps.inventory.models import Criticality, Dependency
from apps.web import sentences
from apps.web.drawings import section, timeline
from apps.web.forms import signed_in
from apps.web.listing import csv_answer
from apps.web.page import page
from apps.web.queries import ending_offerings, events_under, figures, primary_paths, primary_stacks
from apps.web.wording import counted, day, listed, share

# the layers that every application stands on; gateways, vendors and regions are for the concentration itself
SHOWN_LAYERS = (Layer.DEVELOPER, Layer.HOST, Layer.FOUNDATION)
HORIZON_DAYS = 180
URGENT_DAYS = 30
# more applications than this are drawn by common stack, not one by one
DRAWN_SINGLY = 72
DRAWN_STACKS = 40
HEIGHTS = {Criticality.CRITICAL: 1.0, Criticality.IMPORTANT: 0.63, Criticality.STANDARD: 0.37, Criticality.LOW: 0.17}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user, at = signed_in(request), now()
    today = day_of(at)
    counts = figures(user=user, on=today)
    layers = {layer: layer_table(layer=layer, user=user) for layer in SHOWN_LAYERS}
    developers = layers[Layer.DEVELOPER]
    ends = ending_offerings(user=user, on=today, within=HORIZON_DAYS, most=200)
    columns = portfolio(user=user, on=today, n=counts.n_applications)
    over = frozenset(row.name for row in developers.rows if row.over)
    details = {row.name: _details(row.n_applications, row.n_critical, developers) for row in developers.rows}
    endings = [ending_of(offering, today) for offering in ends[:14]]
    return page(
        request,
        "overview.html",
        title="Overview",
        counts="Applications in pilot or production, each counted once",
        as_of=at,
        sentence=sentences.of_portfolio(developers, counts),
        figures=counts,
        developers=developers,
        layers=[(layer.label, found) for layer, found in layers.items()],
        breaches=[(layer, row) for layer, found in layers.items() for row in found.rows if row.over],
        section_wide=section.wide(columns, over=over, details=details) if columns else None,
        section_narrow=section.narrow(columns, over=over, details=details) if columns else None,
        section_title=_section_title(counts.n_applications, developers),
        grouped=counts.n_applications > DRAWN_SINGLY,
        timeline_wide=timeline.timeline(endings, today=today, days=HORIZON_DAYS) if endings else None,
        timeline_narrow=timeline.timeline(endings, today=today, days=HORIZON_DAYS, narrow=True) if endings else None,
        ends=ends,
        runways=runways(user=user, on=today, limit=14),
        events=events_under(user=user, on=today, most=10),
        urgent_days=URGENT_DAYS,
    )


def portfolio(*, user: Any, on: date, n: int) -> list[section.Column]:
    """Columns of the section: one per application, or one per common stack where there are too many to draw."""
    if n > DRAWN_SINGLY:
        return [_stack_column(row, on) for row in primary_stacks(user=user, on=on, most=DRAWN_STACKS)]
    return [_application_column(path, on) for path in primary_paths(user=user, on=on)]


def _application_column(path: Dependency, today: date) -> section.Column:
    application, offering = path.application, path.offering
    foundation = offering.version.foundation if offering.version else None
    return section.Column(
        label=f"{application.name}: {foundation.name if foundation else offering.api_id}, {offering.host.name}",
        host=offering.host.name,
        version=_release(offering.version.identifier, foundation.line, foundation.name)
        if offering.version and foundation
        else section.UNRESOLVED,
        foundation=foundation.name if foundation else section.UNRESOLVED,
        developer=foundation.developer.name if foundation else section.UNRESOLVED,
        height=HEIGHTS[Criticality(application.criticality)],
        solid=application.criticality == Criticality.CRITICAL,
        late=_is_urgent(offering, today),
        url=reverse("application", args=[application.slug]),
    )


def _stack_column(row: dict[str, Any], today: date) -> section.Column:
    ends: date | None = row["ends"]
    return section.Column(
        label=f"{row['n']} applications, {row['n_critical']} critical: {row['foundation'] or '?'}, {row['host']}",
        host=row["host"],
        version=_release(row["version"], row["line"], row["foundation"]),
        foundation=row["foundation"] or section.UNRESOLVED,
        developer=row["developer"] or section.UNRESOLVED,
        height=max(row["n_critical"] / row["n"], 0.17),
        solid=row["n_critical"] > 0,
        late=ends is not None and (ends - today).days <= URGENT_DAYS,
        n=row["n"],
        n_critical=row["n_critical"],
    )


def _release(identifier: str | None, line: str | None, foundation: str | None) -> str:
    """What tells a version from the others of its foundation: the rest of its identifier, `20250929`."""
    if not identifier:
        return section.UNRESOLVED
    return identifier.removeprefix(line or "").strip("-@:") or foundation or identifier


def _is_urgent(offering: Offering, today: date) -> bool:
    left = offering.days_left(today)
    return left is not None and left <= URGENT_DAYS and offering.date_kind == DateKind.FIRM


def _details(n: int, n_critical: int, found: LayerTable) -> tuple[str, ...]:
    """Wordings of a developer's reach, longest first; the drawing takes the first that fits."""
    applications = f"{n} application{'' if n == 1 else 's'}"
    if not found.n_critical:
        return (applications, f"{n} apps", str(n))
    of_all = f"{n_critical} of {found.n_critical} critical"
    return (
        f"{applications}, {of_all} ({share(n_critical / found.n_critical)})",
        f"{applications}, {of_all}",
        f"{n}, {n_critical} critical",
        f"{n}, {n_critical} crit.",
        str(n),
    )


def _section_title(n: int, developers: LayerTable) -> str:
    tops = [f"{row.n_applications} on {row.name}, {row.n_critical} of them critical" for row in developers.rows[:3]]
    return (
        f"Section through the portfolio: {counted(n, 'application')} above ground, and the host, version, foundation "
        f"and developer each stands on. {'; '.join(tops)}."
    )


def ending_of(offering: Any, today: date) -> timeline.Ending:
    n: int = offering.n_applications
    foundation = offering.version.foundation.name if offering.version else offering.api_id
    return timeline.Ending(
        label=foundation,
        place=offering.host.name,
        ends_on=offering.retires_on,
        soft=offering.date_kind == DateKind.NOT_BEFORE,
        urgent=_is_urgent(offering, today),
        when=day(offering.retires_on, today=today),
        note=f"{n} application{'' if n == 1 else 's'}",
        url=reverse("offering", args=[offering.pk]),
    )


@require_safe
def concentration_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in(request)
    rows = [
        (layer, found, row) for layer in Layer for found in [layer_table(layer=layer, user=user)] for row in found.rows
    ]
    return csv_answer(
        "concentration",
        ["layer", "name", "applications", "critical", "share of critical", "tolerance", "over tolerance", "as of"],
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
    """Every live primary whose offering has a date, not only the first ones the page shows."""
    today = day_of(now())

    def cells(row: Runway) -> list[Any]:
        return [
            row.application.name,
            row.application.team.name,
            row.application.get_criticality_display(),
            row.offering.api_id,
            row.offering.host.name,
            row.retires_on,
            "not before" if row.at_least else "firm",
            row.days_left,
            row.replacement.api_id if row.replacement else row.offering.replacement_text,
        ]

    heads = ["application", "team", "criticality", "api id", "host", "ends", "date", "days left", "replacement"]
    return csv_answer("runway", heads, runways(user=request.user, on=today), cells)


@require_safe
def ends_csv(request: HttpRequest) -> StreamingHttpResponse:
    today = day_of(now())
    return csv_answer(
        "ends",
        ["host", "api id", "foundation", "announced", "ends", "date", "applications", "critical", "replacement"],
        ending_offerings(user=request.user, on=today, within=HORIZON_DAYS, most=10_000),
        lambda offering: [
            offering.host.name,
            offering.api_id,
            offering.version.foundation.name if offering.version else "",
            offering.announced_on,
            offering.retires_on,
            offering.get_date_kind_display(),
            offering.n_applications,  # type: ignore[attr-defined]
            offering.n_critical,  # type: ignore[attr-defined]
            offering.replacement.api_id if offering.replacement else offering.replacement_text,
        ],
    )


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):  # the login middleware lets nobody else in
        raise TypeError("account needs a signed-in user")
    memberships = list(user.memberships.select_related("team"))
    offices = user.get_organisation_role_display() if user.organisation_role else ""
    words = [f"{row.get_role_display()} of {row.team.name}" for row in memberships]
    return page(
        request,
        "account.html",
        title="Account",
        memberships=memberships,
        office=offices,
        holds=listed([*([offices] if offices else []), *words], most=6),
    )
