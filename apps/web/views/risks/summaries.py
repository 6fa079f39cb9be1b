"""Heat map of inherited risks, with the unassessed ones by origin and by team and the acceptances
that expire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.models import Node
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.risks.filters import LEVEL_BASES, InheritedRiskFilter
from apps.risks.levels import Level
from apps.risks.models import FoundationRisk
from apps.risks.queries.conditions import INHERENT, InheritedRiskQuery
from apps.risks.queries.counts import (
    CountBasis,
    RiskStanding,
    TeamStanding,
    count_basis,
    level_counts,
    risk_standings,
    team_standings,
)
from apps.risks.queries.node_names import node_names
from apps.risks.queries.reach import RiskReach, expiring_acceptances
from apps.web.drawings.charts.heat_map import HeatMap, build_heat_map
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.wording import number

EXPIRING_WITHIN = timedelta(days=90)
MAX_NAMED = 6


def requested_breakdown(request: HttpRequest) -> InheritedRiskFilter:
    filterset = InheritedRiskFilter(request.GET, FoundationRisk.objects.none(), request=request)
    filterset.is_valid()
    return filterset


def selected_application(user: User, query: InheritedRiskQuery) -> Application | None:
    """Return the application that the filters name, if `user` can view it."""
    if not query.application:
        return None
    return Application.objects.visible_to(user).filter(slug=query.application).first()


@require_safe
def heat_map(request: HttpRequest) -> HttpResponse:
    """Show the inherited risks by likelihood and impact, the unassessed ones by origin and by team,
    and the acceptances that expire."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    query = requested_breakdown(request).narrowed
    basis = CountBasis() if query.application else count_basis(user)
    standings = risk_standings(
        user=user, on=today, stored=basis.stored, application=query.application
    )
    reach = RiskReach.total(risk_standing.reach for risk_standing in standings)
    application = selected_application(user, query)
    level = request.GET.get("heat") or request.GET.get("level") or INHERENT
    acceptances = expiring_acceptances(on=today, within=EXPIRING_WITHIN).visible_to(user)
    if query.application:
        acceptances = acceptances.filter(dependency__application__slug=query.application)
    by_team = basis if query.application or user.can_read_all else count_basis(user, by_team=True)
    heat = heat_map_picture(
        request, user, today, standings, is_stored=basis.stored, application=query.application
    )
    return render_page(
        request,
        "risks/heat-map.html",
        title="Heat map of inherited risks",
        crumbs=(("Inherited risks", reverse("inherited-risks:list")),),
        counts="Foundation risk × active dependency",
        as_of=at,
        sentence=Headline(heat.title)
        if heat and basis.is_counted
        else presenters.register_headline(
            reach,
            application=application.name if application else "",
            is_counted=basis.is_counted,
        ),
        application=application,
        reach=reach,
        counted_at=by_team.counted_at,
        basis=level if level in dict(LEVEL_BASES) else INHERENT,
        bases=LEVEL_BASES,
        heat=heat,
        nodes=unassessed_by_node(standings),
        teams=[] if query.application else _list_teams(user, today, is_stored=by_team.stored),
        expiring=list(acceptances[:MAX_NAMED]),
    )


def heat_map_picture(
    request: HttpRequest,
    user: User,
    today: date,
    standings: Sequence[RiskStanding],
    *,
    is_stored: bool,
    application: str,
) -> HeatMap | None:
    """Build the heat map: all inherited risks by inherent level, or assessed risks by current or
    residual level."""
    basis, counts = heat_counts(
        request, user, today, standings, is_stored=is_stored, application=application
    )
    application_parameter = {"application": application} if application else {}

    def address(likelihood: int, impact: int) -> str:
        cell = {"level": basis, "likelihood": likelihood, "impact": impact, **application_parameter}
        return f"{reverse('inherited-risks:list')}?{urlencode({'group': 'none', **cell})}"

    query = requested_breakdown(request).narrowed
    n = sum(counts.values())
    n_top = sum(
        n_cell
        for (likelihood, impact), n_cell in counts.items()
        if Level(likelihood, impact).severity == 5
    )
    return build_heat_map(
        counts,
        severity=lambda likelihood, impact: Level(likelihood, impact).severity,
        url=address,
        selected_cell=(query.likelihood, query.impact),
        title=f"{number(n_top)} of {number(n)} risks are very high by their "
        f"{dict(LEVEL_BASES)[basis].lower()} level.",
    )


def heat_counts(
    request: HttpRequest,
    user: User,
    today: date,
    standings: Sequence[RiskStanding],
    *,
    is_stored: bool,
    application: str,
) -> tuple[str, dict[tuple[int, int], int]]:
    """Return (level that the URL selects, {(likelihood, impact): risks}). `is_stored`: read the
    stored counts; `application` limits to one application."""
    basis = request.GET.get("heat") or request.GET.get("level") or INHERENT
    if basis not in dict(LEVEL_BASES) or basis == INHERENT:
        counts: dict[tuple[int, int], int] = {}
        for risk_standing in standings:
            cell = (risk_standing.likelihood, risk_standing.impact)
            counts[cell] = counts.get(cell, 0) + risk_standing.reach.n_inherited
        return INHERENT, counts
    return basis, level_counts(user=user, on=today, stored=is_stored, application=application)[
        basis
    ]


@dataclass(frozen=True, slots=True)
class UnassessedRow:
    """Node or team with its number of unassessed risks."""

    name: str
    kind: str
    n: int
    n_critical: int
    share: float
    url: str


def unassessed_by_node(standings: Sequence[RiskStanding]) -> list[UnassessedRow]:
    """Return the nodes with the most unassessed risks; one statement for their names."""
    reach_by_node: dict[int, RiskReach] = {}
    for risk_standing in standings:
        reach_by_node[risk_standing.node_id] = (
            reach_by_node.get(risk_standing.node_id, RiskReach()) + risk_standing.reach
        )
    unassessed = sorted(
        ((reach.n_unassessed, node) for node, reach in reach_by_node.items()), reverse=True
    )[:MAX_NAMED]
    unassessed = [(n, node) for n, node in unassessed if n > 0]
    names = node_names([node for _, node in unassessed])
    kinds = dict(Node.objects.filter(pk__in=names).values_list("pk", "kind")) if names else {}
    return [
        UnassessedRow(
            name=names[node],
            kind=Node(kind=kinds[node]).get_kind_display(),
            n=n,
            n_critical=reach_by_node[node].n_critical_unassessed,
            share=n / unassessed[0][0],
            url=(
                f"{reverse('inherited-risks:list')}"
                f"?{urlencode({'node': node, 'state': 'unassessed'})}"
            ),
        )
        for n, node in unassessed
    ]


def _list_teams(user: User, today: date, *, is_stored: bool) -> list[tuple[TeamStanding, str]]:
    teams = team_standings(user=user, on=today, stored=is_stored, limit=MAX_NAMED)
    parameters = urlencode({"alone": "true", "state": "unassessed"})
    return [
        (team, f"{reverse('inherited-risks:list')}?team={team.team}&{parameters}")
        for team in teams
        if team.reach.n_unassessed
    ]


@require_safe
def heat_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the 25 cells of the heat map, for the level that the URL names."""
    user, today = signed_in_user(request), day_of(now())
    application = requested_breakdown(request).narrowed.application
    is_stored = not application and count_basis(user).stored
    standings = risk_standings(user=user, on=today, stored=is_stored, application=application)
    basis, counts = heat_counts(
        request, user, today, standings, is_stored=is_stored, application=application
    )
    cells = [(likelihood, impact) for likelihood in range(5, 0, -1) for impact in range(1, 6)]
    return csv_response(
        f"risks-{basis}",
        ["level", "likelihood", "impact", "severity", "inherited risks"],
        cells,
        lambda cell: [
            basis,
            *cell,
            str(presenters.SEVERITIES[Level(*cell).severity]),
            counts.get(cell, 0),
        ],
    )


@require_safe
def team_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the counts of assessed and unassessed risks, by team."""
    user, today = signed_in_user(request), day_of(now())
    teams = team_standings(user=user, on=today, stored=count_basis(user, by_team=True).stored)
    return csv_response(
        "risks-by-team",
        ["team", "name", "inherited", "unassessed", "stale", "assessed", "not applicable"],
        teams,
        lambda team: [
            team.team,
            team.name,
            team.reach.n_inherited,
            team.reach.n_unassessed,
            team.reach.n_stale,
            team.reach.n_assessed,
            team.reach.n_not_applicable,
        ],
    )
