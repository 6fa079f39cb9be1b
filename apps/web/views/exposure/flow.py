"""Flow from developers to hosts: its diagram, its table, its CSV."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.exposure.models import Basis, Layer
from apps.exposure.queries.concentration import layer_table, visible_team_ids
from apps.exposure.queries.concentration_flows import ConcentrationFlow, concentration_flows
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.diagrams.flow import Path, draw_flow
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure.parameters import (
    BASIS_HELP,
    BASIS_WORDS,
    chosen_basis,
    chosen_layer,
    parameter_options,
)

MAX_TABLE_ROWS = 100
MAX_DRAWN_NODES = 1_000
_LAYER_COLUMNS = {Layer.DEVELOPER: 0, Layer.FOUNDATION: 1, Layer.HOST: 2}


@require_safe
def exposure_flow(request: HttpRequest) -> HttpResponse:
    """Show the flow as a page, and as the fragment that the concentration page loads for large
    portfolios."""
    user = signed_in_user(request)
    layer, basis = chosen_layer(request), chosen_basis(request)
    flows = concentration_flows(basis=basis, team_ids=visible_team_ids(user), limit=MAX_DRAWN_NODES)
    over_tolerance = frozenset(
        row.name for row in layer_table(layer=layer, user=user, limit=12).rows if row.over
    )
    diagram = _draw_diagram(flows, layer, basis, over_tolerance)
    return render_page(
        request,
        "exposure/flow.html",
        fragment="flow",
        title="Dependency flow",
        crumbs=(("Concentration", reverse("exposure:concentration")),),
        counts=f"{BASIS_WORDS[basis]}: {BASIS_HELP[basis]}",
        sentence=Headline(str(diagram.wide.title))
        if diagram
        else Headline("No application has an active primary model yet."),
        flow=diagram,
        rows=flows[:MAX_TABLE_ROWS],
        n_rows=len(flows),
        total=sum(row.weight for row in flows),
        basis=basis,
        basis_name=BASIS_WORDS[basis],
        bases=parameter_options(request, "weight", BASIS_WORDS, basis),
        layer=layer,
    )


def _draw_diagram(
    flows: list[ConcentrationFlow], layer: Layer, basis: Basis, over_tolerance: frozenset[str]
) -> Any:
    """Return the drawing of the flows from developer to host; nodes over tolerance are highlighted
    in their layer."""
    names = ("Developer", "Foundation", "Host")
    highlighted_nodes = (
        frozenset((names[_LAYER_COLUMNS[layer]], name) for name in over_tolerance)
        if layer in _LAYER_COLUMNS
        else frozenset()
    )
    paths = [
        Path((flow.developer or "", flow.foundation or "", flow.host), flow.weight)
        for flow in flows
    ]
    return responsive_picture(
        draw_flow,
        paths,
        layers=names,
        unit=Unit(_weight_unit(basis), compact),
        over=highlighted_nodes,
        max_nodes=12,
    )


def _weight_unit(basis: Basis) -> str:
    return {
        Basis.COUNT: "applications",
        Basis.CRITICALITY: "criticality points",
        Basis.SPEND: "USD per month",
        Basis.USERS: "users",
    }[basis]


@require_safe
def flow_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the flow with the team, so that rows can be filtered by it."""
    user = signed_in_user(request)
    basis = chosen_basis(request)
    rows = concentration_flows(
        basis=basis, team_ids=visible_team_ids(user), by_team=True, limit=None
    )
    return csv_response(
        f"flow-{basis}",
        ["team", "developer", "foundation", "host", "weight", "by", "primary paths"],
        rows,
        lambda row: [
            row.team,
            row.developer or "unresolved",
            row.foundation or "unresolved",
            row.host,
            row.weight,
            basis.value,
            row.n_paths,
        ],
    )
