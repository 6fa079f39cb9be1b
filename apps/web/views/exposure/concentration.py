"""Concentration: the layers, by every weight, and whether the critical applications have an
exit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import day_of, now
from apps.exposure.engine.concentration import LayerIndices, measure_layer
from apps.exposure.engine.indices import Indices
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import (
    Basis,
    ConcentrationSnapshot,
    Layer,
    ScopedApplication,
    StandingState,
)
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import LayerRow, LayerTable, layer_table, visible_team_ids
from apps.exposure.queries.node_states import node_states
from apps.exposure.queries.open_weights import open_weight_posture, stored_posture
from apps.exposure.queries.portability import GRADES, Portability, portability
from apps.exposure.threats import DEFAULT_THREAT, THREATS
from apps.web.drawings.base.picture import HALF, responsive_picture
from apps.web.drawings.base.scales import Unit
from apps.web.drawings.base.scales import share as share_of
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.trend import draw_sparkline, draw_trend
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.views.exposure import headlines, single_points
from apps.web.views.exposure.node_failure import failure_picture, failure_state_rows
from apps.web.views.exposure.open_weights import describe_posture, present_posture
from apps.web.views.exposure.parameters import (
    BASIS_HELP,
    BASIS_WORDS,
    GRADE_WORDS,
    KIND_WORDS,
    STATE_HELP,
    STATE_WORDS,
    THREAT_CONDITIONS,
    chosen_basis,
    chosen_layer,
    chosen_option,
    node_url,
    parameter_options,
    threat_options,
)
from apps.web.views.scenarios.links import scenario_url
from apps.web.wording import number

# rows on the page; the CSV has all
DEFAULT_ROWS = 15
# rows that are loaded, and that the page shows on demand
MAX_ROWS = 200
TREND_DAYS = 400
# with more applications, the browser loads the slow sections after the page
MAX_IMMEDIATE_APPLICATIONS = 5_000
_LAYERS_OF_UNRESOLVED = frozenset({Layer.VERSION, Layer.FOUNDATION, Layer.DEVELOPER})


@dataclass(frozen=True, slots=True)
class NodeRow:
    """Node of the layer. `share` is of the covered weight; `part` of the HHI.

    `one_more` is the marginal HHI: the gain by one more application of mean weight there (None if
    nothing has a weight)."""

    url: str
    name: str
    counted: LayerRow | None
    share: float
    part: float | None
    one_more: float | None
    spark: Any
    what_if: str


@require_safe
def concentration_page(request: HttpRequest) -> HttpResponse:
    """Show the concentration of a layer: shares, indices and trend, by the parameters of the
    URL."""
    user, at = signed_in_user(request), now()
    layer, basis = chosen_layer(request), chosen_basis(request)
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[layer.node_kind])
    team_ids, settings = visible_team_ids(user), engine_settings()
    table = layer_table(layer=layer, user=user, limit=MAX_ROWS)
    layer_indices = measure_layer(layer, basis, team_ids=team_ids)
    readiness = portability(settings=settings, team_ids=team_ids, on=day_of(at))
    snapshots = _load_snapshots(layer, basis, on=day_of(at)) if team_ids is None else []
    rows = _build_rows(table, layer_indices, snapshots)
    displayed_rows = rows if request.GET.get("rows") == "all" else rows[:DEFAULT_ROWS]
    is_large = table.n_applications > MAX_IMMEDIATE_APPLICATIONS
    # of the whole organisation, a large portfolio's is measured by a job
    posture = (
        stored_posture(basis)
        if is_large and team_ids is None
        else open_weight_posture(basis, team_ids=team_ids)
    )
    failed_nodes = node_states(
        kind=layer.node_kind, threat=threat, settings=settings, team_ids=team_ids
    )
    return render_page(
        request,
        "exposure/concentration.html",
        title=f"Concentration by {KIND_WORDS[layer.node_kind]}",
        counts=f"{BASIS_WORDS[basis]}: {BASIS_HELP[basis]}",
        as_of=at,
        sentence=headlines.concentration_headline(table, readiness),
        table=table,
        measured=layer_indices,
        indices=layer_indices.indices,
        layer=layer,
        layer_name=KIND_WORDS[layer.node_kind],
        layers=parameter_options(
            request,
            "layer",
            {option.value: option.label for option in Layer},
            layer,
            drop=("threat", "rows"),
        ),
        bases=parameter_options(request, "weight", BASIS_WORDS, basis),
        basis_help=BASIS_HELP[basis],
        basis=basis,
        posture=posture,
        posture_figures=present_posture(posture) if posture else [],
        posture_sentence=(
            describe_posture(posture) if posture else "Open weights are measured within the hour."
        ),
        threats=threat_options(request, threat),
        threat=threat,
        if_words=THREAT_CONDITIONS[threat],
        leaving=readiness,
        grades=grades_of(readiness),
        rows=displayed_rows,
        n_rows=len(rows),
        largest=[row.name for row in sorted(rows, key=lambda row: -row.share)[:3] if row.share],
        n_nodes=len(layer_indices.indices.shares),
        top=next(iter(table.rows), None),
        top_what_if=_removal_url(layer, table.rows[0]) if table.rows else "",
        bars=_draw_share_bars(layer, table),
        states=failure_picture(failed_nodes, threat),
        state_rows=failure_state_rows(failed_nodes, threat),
        state_words=[(STATE_WORDS[state], STATE_HELP[state]) for state in StandingState],
        n_may_stand=_count_unresolved(team_ids) if layer in _LAYERS_OF_UNRESOLVED else 0,
        trend=_draw_cr1_trend(snapshots, basis),
        month=_compare_with_month_ago(snapshots, on=day_of(at)),
        past=snapshots,
        heavy=is_large,
        points=[]
        if is_large
        else single_points.single_point_rows(
            single_points.visible_single_points(team_ids, settings, "", limit=6)
        ),
        smallest=next(iter(single_points.minimal_cut_set_rows(limit=1)), None)
        if team_ids is None and not is_large
        else None,
        flow_url=f"{reverse('exposure:flow')}?layer={layer}&weight={basis}",
    )


# --- the table ------------------------------------------------------------------------------------


def _build_rows(
    table: LayerTable, layer_indices: LayerIndices, snapshots: Sequence[ConcentrationSnapshot]
) -> list[NodeRow]:
    """Build the rows: nodes of the table in its order, then the nodes of the largest shares that
    it lacks."""
    indices = layer_indices.indices
    layer_rows = {row.node_id: row for row in table.rows}
    other_node_ids = [pk for pk in list(indices.shares)[:DEFAULT_ROWS] if pk not in layer_rows]
    names = node_names(other_node_ids) if other_node_ids else {}
    n_dependents = max(layer_indices.n_applications - layer_indices.n_undeclared, 1)
    daily_shares = _collect_daily_shares(snapshots, [*layer_rows, *names])
    return [
        *(
            _build_row(
                table.layer,
                row.node_id,
                row.name,
                row.ref,
                row,
                indices,
                n_dependents,
                daily_shares,
            )
            for row in table.rows
        ),
        *(
            _build_row(
                table.layer,
                pk,
                node_name.label,
                node_name.ref,
                None,
                indices,
                n_dependents,
                daily_shares,
            )
            for pk, node_name in names.items()
        ),
    ]


def _build_row(
    layer: Layer,
    node_id: int,
    name: str,
    ref: int,
    layer_row: LayerRow | None,
    indices: Indices,
    n_dependents: int,
    daily_shares: Mapping[int, list[float | None]],
) -> NodeRow:
    """Return a node as a row of the layer. `layer_row` has its states under the usual failure mode;
    None if nothing depends on it that way."""
    share = indices.shares.get(node_id, 0.0)
    values = daily_shares.get(node_id, [])
    return NodeRow(
        url=node_url(layer.node_kind, ref),
        name=name,
        counted=layer_row,
        share=share,
        part=share * share / indices.hhi if indices.hhi else None,
        one_more=_calculate_marginal_hhi(indices, share, n_dependents),
        spark=draw_sparkline(values, unit=Unit("share", share_of), top=1, name=name)
        if len(values) > 1
        else None,
        what_if=_removal_url(layer, layer_row) if layer_row else "",
    )


def _calculate_marginal_hhi(indices: Indices, share: float, n_dependents: int) -> float | None:
    """Return the rise of the HHI by one more application of mean weight on a node of this share.

    (Q + 2 M w + w^2) / (W + w)^2 - Q / W^2 for w = W / n, in shares; None without an HHI."""
    if indices.hhi is None:
        return None
    added_share = 1 / n_dependents
    return (indices.hhi + 2 * share * added_share + added_share * added_share) / (
        1 + added_share
    ) ** 2 - indices.hhi


def _removal_url(layer: Layer, row: LayerRow) -> str:
    return scenario_url(remove=[f"{layer.value}:{row.slug}"])


def _draw_share_bars(layer: Layer, table: LayerTable) -> Any:
    """Draw the shares of critical applications, or of all applications if none is critical."""
    critical = table.n_critical > 0
    rows = table.rows[:12]
    limit = None if table.tolerance is None else float(table.tolerance)
    return responsive_picture(
        draw_bars,
        [
            Bar(
                row.name,
                float(row.critical_share if critical else row.share),
                note=(
                    f"{number(row.n_critical)} of {number(table.n_critical)}"
                    if critical
                    else f"{number(row.n_applications)} of {number(table.n_applications)}"
                ),
            )
            for row in rows
        ],
        unit=Unit(
            "share of critical applications" if critical else "share of applications", share_of
        ),
        limit=limit if critical else None,
        limit_name="tolerance",
        top=1,
    )


@require_safe
def concentration_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send every node of the layer, with the figures of the page."""
    user = signed_in_user(request)
    layer, basis = chosen_layer(request), chosen_basis(request)
    table = layer_table(layer=layer, user=user)
    layer_indices = measure_layer(layer, basis, team_ids=visible_team_ids(user))

    def cells(row: NodeRow) -> list[Any]:
        layer_row = row.counted
        return [
            layer.value,
            row.name,
            layer_row.slug if layer_row else "",
            layer_row.n_critical if layer_row else 0,
            layer_row.critical_share if layer_row else 0,
            table.tolerance,
            "yes" if layer_row and layer_row.over else "no",
            layer_row.n_applications if layer_row else 0,
            layer_row.share if layer_row else 0,
            basis.value,
            row.share,
            row.part,
            row.one_more,
            table.n_critical,
            table.n_applications,
            table.as_of,
            _describe_scope(table),
        ]

    heads = [
        "layer",
        "name",
        "slug",
        "critical",
        "share of critical",
        "tolerance",
        "over tolerance",
        "applications",
        "share of applications",
        "weight",
        "share of weight",
        "HHI contribution",
        "marginal HHI",
        "critical in scope",
        "applications in scope",
        "as of",
        "of",
    ]
    return csv_response(
        f"concentration-{layer}-{basis}", heads, _build_rows(table, layer_indices, []), cells
    )


def _describe_scope(table: LayerTable) -> str:
    return "the whole organisation" if table.whole_organisation else "your teams"


# --- portability ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GradeRow:
    grade: int
    words: str
    tested: int
    declared: int
    query: str
    holds: str


def grades_of(readiness: Portability) -> list[GradeRow]:
    """Return how many critical applications have their best alternative at each independence; none
    without critical applications."""
    if not readiness.n:
        return []
    page_url = reverse("exposure:exit-readiness")
    rows = []
    for grade in GRADES:
        note = (
            "independent of its developer"
            if grade >= readiness.outlasts_developer
            else "independent of its model"
            if grade >= readiness.leaves_model
            else ""
        )
        rows.append(
            GradeRow(
                grade,
                GRADE_WORDS[grade],
                readiness.tested[grade],
                readiness.declared[grade],
                f"{page_url}?grade={grade}",
                note,
            )
        )
    return rows


def _count_unresolved(team_ids: Collection[int] | None) -> int:
    applications = ScopedApplication.objects.filter(unresolved=True)
    return (applications if team_ids is None else applications.filter(team_id__in=team_ids)).count()


# --- trend ----------------------------------------------------------------------------------------


def _load_snapshots(layer: Layer, basis: Basis, *, on: date) -> list[ConcentrationSnapshot]:
    since = on - timedelta(TREND_DAYS)
    return list(
        ConcentrationSnapshot.objects.filter(layer=layer, basis=basis, day__gte=since).order_by(
            "day"
        )
    )


def _collect_daily_shares(
    snapshots: Sequence[ConcentrationSnapshot], node_ids: Collection[int]
) -> dict[int, list[float | None]]:
    """Return the daily shares of each node; None on days when it was not among the largest."""
    shares_by_node: dict[int, list[float | None]] = {pk: [] for pk in node_ids}
    step = max(1, len(snapshots) // 60)
    for snapshot in snapshots[::-1][::step][::-1]:
        shares_of_day = dict(snapshot.top)
        for pk, values in shares_by_node.items():
            values.append(shares_of_day.get(pk))
    return {
        pk: values
        for pk, values in shares_by_node.items()
        if any(value is not None for value in values)
    }


def _draw_cr1_trend(snapshots: Sequence[ConcentrationSnapshot], basis: Basis) -> Any:
    if len(snapshots) < 2:
        return None
    return responsive_picture(
        draw_trend,
        [(snapshot.day, snapshot.cr1) for snapshot in snapshots],
        unit=Unit(f"share of the largest, by {BASIS_WORDS[basis].lower()}", share_of),
        top=1,
        width=HALF,
    )


@dataclass(frozen=True, slots=True)
class Month:
    """Change of CR1 in percentage points, since the latest snapshot at least 30 days old."""

    points: int
    since: date
    was: float
    is_now: float


def _compare_with_month_ago(
    snapshots: Sequence[ConcentrationSnapshot], *, on: date
) -> Month | None:
    old_snapshots = [
        snapshot
        for snapshot in snapshots
        if snapshot.day <= on - timedelta(30) and snapshot.cr1 is not None
    ]
    latest = next((snapshot for snapshot in reversed(snapshots) if snapshot.cr1 is not None), None)
    if not old_snapshots or latest is None or latest.cr1 is None or old_snapshots[-1].cr1 is None:
        return None
    old_share = old_snapshots[-1].cr1
    return Month(
        round(100 * latest.cr1) - round(100 * old_share),
        old_snapshots[-1].day,
        old_share,
        latest.cr1,
    )


@require_safe
def trend_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the daily snapshots behind the trend; of the whole organisation, so for organisation
    roles."""
    user = signed_in_user(request)
    layer, basis = chosen_layer(request), chosen_basis(request)
    snapshots = _load_snapshots(layer, basis, on=day_of(now())) if user.can_read_all else []
    heads = [
        "day",
        "layer",
        "weight",
        "applications",
        "cr1",
        "cr3",
        "hhi",
        "hhi best",
        "hhi worst",
        "effective number",
        "unknown",
    ]
    return csv_response(
        f"trend-{layer}-{basis}",
        heads,
        snapshots,
        lambda row: [
            row.day,
            layer.value,
            basis.value,
            row.n_applications,
            row.cr1,
            row.cr3,
            row.hhi,
            row.hhi_best,
            row.hhi_worst,
            row.n2,
            row.unknown,
        ],
    )
