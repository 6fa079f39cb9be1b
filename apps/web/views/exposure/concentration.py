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
    ExposureFlag,
    Layer,
    ScopedApplication,
    StandingState,
)
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import LayerRow, LayerTable, layer_table, visible_team_ids
from apps.exposure.queries.node_states import node_states
from apps.exposure.queries.portability import GRADES, Portability, portability
from apps.exposure.threats import DEFAULT_THREAT, THREATS
from apps.web.drawings.base.picture import HALF, responsive_picture
from apps.web.drawings.base.scales import Unit
from apps.web.drawings.base.scales import share as share_of
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.trend import draw_sparkline, draw_trend
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import render_page
from apps.web.views.exposure import headlines, single_points
from apps.web.views.exposure.node_failure import failure_picture, failure_state_rows
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
# rows that are read to choose those from, and that the page shows on demand
MAX_ROWS = 200
TREND_DAYS = 400
# beyond this many applications, what takes its time is fetched after the page
MAX_IMMEDIATE_APPLICATIONS = 5_000
_UNRESOLVED_MAY_BE = frozenset({Layer.VERSION, Layer.FOUNDATION, Layer.DEVELOPER})


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
    user, at = signed_in_user(request), now()
    layer, basis = chosen_layer(request), chosen_basis(request)
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[layer.node_kind])
    teams, settings = visible_team_ids(user), engine_settings()
    table = layer_table(layer=layer, user=user, limit=MAX_ROWS)
    measured = measure_layer(layer, basis, team_ids=teams)
    leaving = portability(settings=settings, team_ids=teams, on=day_of(at))
    past = _past(layer, basis, on=day_of(at)) if teams is None else []
    rows = _rows(table, measured, past)
    shown = rows if request.GET.get("rows") == "all" else rows[:DEFAULT_ROWS]
    heavy = table.n_applications > MAX_IMMEDIATE_APPLICATIONS
    found = node_states(kind=layer.node_kind, threat=threat, settings=settings, team_ids=teams)
    return render_page(
        request,
        "exposure/concentration.html",
        title=f"Exposure by {KIND_WORDS[layer.node_kind]}",
        counts=f"{BASIS_WORDS[basis]}: {BASIS_HELP[basis]}",
        as_of=at,
        sentence=headlines.concentration_headline(table, leaving),
        table=table,
        measured=measured,
        indices=measured.indices,
        layer=layer,
        layer_name=KIND_WORDS[layer.node_kind],
        layers=parameter_options(
            request,
            "layer",
            {each.value: each.label for each in Layer},
            layer,
            drop=("threat", "rows"),
        ),
        bases=parameter_options(request, "weight", BASIS_WORDS, basis),
        basis_help=BASIS_HELP[basis],
        threats=threat_options(request, threat),
        threat=threat,
        if_words=THREAT_CONDITIONS[threat],
        leaving=leaving,
        grades=grades_of(leaving),
        rows=shown,
        n_rows=len(rows),
        largest=[row.name for row in sorted(rows, key=lambda row: -row.share)[:3] if row.share],
        n_nodes=len(measured.indices.shares),
        top=next(iter(table.rows), None),
        top_what_if=_what_if(layer, table.rows[0]) if table.rows else "",
        bars=_bars(layer, table),
        states=failure_picture(found, threat),
        state_rows=failure_state_rows(found, threat),
        state_words=[(STATE_WORDS[state], STATE_HELP[state]) for state in StandingState],
        n_may_stand=_n_may_stand(teams) if layer in _UNRESOLVED_MAY_BE else 0,
        trend=_trend(past, basis),
        month=_month(past, on=day_of(at)),
        past=past,
        heavy=heavy,
        points=[]
        if heavy
        else single_points.single_point_rows(
            single_points.visible_single_points(teams, settings, "", limit=6)
        ),
        smallest=next(iter(single_points.minimal_cut_set_rows(most=1)), None)
        if teams is None and not heavy
        else None,
        n_open=ExposureFlag.objects.visible_to(user)
        .filter(state=ExposureFlag.State.OPEN)
        .order_by()
        .count(),
        flow_url=f"{reverse('exposure:flow')}?layer={layer}&weight={basis}",
    )


# --- the table ------------------------------------------------------------------------------------


def _rows(
    table: LayerTable, measured: LayerIndices, past: Sequence[ConcentrationSnapshot]
) -> list[NodeRow]:
    """By critical applications standing there, then by share; the nodes of the table and those that
    weigh most."""
    indices = measured.indices
    counted = {row.node_id: row for row in table.rows}
    missing = [pk for pk in list(indices.shares)[:DEFAULT_ROWS] if pk not in counted]
    names = node_names(missing) if missing else {}
    n_standing = max(measured.n_applications - measured.n_undeclared, 1)
    sparks = _sparks(past, [*counted, *names])
    return [
        *(
            _row(table.layer, row.node_id, row.name, row.ref, row, indices, n_standing, sparks)
            for row in table.rows
        ),
        *(
            _row(table.layer, pk, found.label, found.ref, None, indices, n_standing, sparks)
            for pk, found in names.items()
        ),
    ]


def _row(
    layer: Layer,
    node_id: int,
    name: str,
    ref: int,
    counted: LayerRow | None,
    indices: Indices,
    n_standing: int,
    sparks: Mapping[int, list[float | None]],
) -> NodeRow:
    share = indices.shares.get(node_id, 0.0)
    values = sparks.get(node_id, [])
    return NodeRow(
        url=node_url(layer.node_kind, ref),
        name=name,
        counted=counted,
        share=share,
        part=share * share / indices.hhi if indices.hhi else None,
        one_more=_one_more(indices, share, n_standing),
        spark=draw_sparkline(values, unit=Unit("share", share_of), top=1, name=name)
        if len(values) > 1
        else None,
        what_if=_what_if(layer, counted) if counted else "",
    )


def _one_more(indices: Indices, share: float, n_standing: int) -> float | None:
    """(Q + 2 M w + w^2) / (W + w)^2 - Q / W^2 for w = W / n, in shares."""
    if indices.hhi is None:
        return None
    part = 1 / n_standing
    return (indices.hhi + 2 * share * part + part * part) / (1 + part) ** 2 - indices.hhi


def _what_if(layer: Layer, row: LayerRow) -> str:
    return scenario_url(remove=[f"{layer.value}:{row.slug}"])


def _bars(layer: Layer, table: LayerTable) -> Any:
    """Shares of critical applications, or of all where nothing is critical."""
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
    measured = measure_layer(layer, basis, team_ids=visible_team_ids(user))

    def cells(row: NodeRow) -> list[Any]:
        counted = row.counted
        return [
            layer.value,
            row.name,
            counted.slug if counted else "",
            counted.n_critical if counted else 0,
            counted.critical_share if counted else 0,
            table.tolerance,
            "yes" if counted and counted.over else "no",
            counted.n_applications if counted else 0,
            counted.share if counted else 0,
            basis.value,
            row.share,
            row.part,
            row.one_more,
            table.n_critical,
            table.n_applications,
            table.as_of,
            _whose(table),
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
        "part of HHI",
        "one more there adds to HHI",
        "critical in scope",
        "applications in scope",
        "as of",
        "of",
    ]
    return csv_response(f"concentration-{layer}-{basis}", heads, _rows(table, measured, []), cells)


def _whose(table: LayerTable) -> str:
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


def grades_of(found: Portability) -> list[GradeRow]:
    if not found.n:
        return []
    address = reverse("exposure:exit-readiness")
    rows = []
    for grade in GRADES:
        holds = (
            "outlasts its developer"
            if grade >= found.outlasts_developer
            else "outlasts its model"
            if grade >= found.leaves_model
            else ""
        )
        rows.append(
            GradeRow(
                grade,
                GRADE_WORDS[grade],
                found.tested[grade],
                found.declared[grade],
                f"{address}?grade={grade}",
                holds,
            )
        )
    return rows


def _n_may_stand(teams: Collection[int] | None) -> int:
    unresolved = ScopedApplication.objects.filter(unresolved=True)
    return (unresolved if teams is None else unresolved.filter(team_id__in=teams)).count()


# --- trend ----------------------------------------------------------------------------------------


def _past(layer: Layer, basis: Basis, *, on: date) -> list[ConcentrationSnapshot]:
    since = on - timedelta(TREND_DAYS)
    return list(
        ConcentrationSnapshot.objects.filter(layer=layer, basis=basis, day__gte=since).order_by(
            "day"
        )
    )


def _sparks(
    past: Sequence[ConcentrationSnapshot], nodes: Collection[int]
) -> dict[int, list[float | None]]:
    """Shares day by day; 0 is not said of a day on which the node was not among the largest."""
    found: dict[int, list[float | None]] = {pk: [] for pk in nodes}
    step = max(1, len(past) // 60)
    for row in past[::-1][::step][::-1]:
        of_day = dict(row.top)
        for pk, values in found.items():
            values.append(of_day.get(pk))
    return {
        pk: values for pk, values in found.items() if any(value is not None for value in values)
    }


def _trend(past: Sequence[ConcentrationSnapshot], basis: Basis) -> Any:
    if len(past) < 2:
        return None
    return responsive_picture(
        draw_trend,
        [(row.day, row.cr1) for row in past],
        unit=Unit(f"share of the largest, by {BASIS_WORDS[basis].lower()}", share_of),
        top=1,
        width=HALF,
    )


@dataclass(frozen=True, slots=True)
class Month:
    """Change of CR1 since the last snapshot of 30 days ago or before, in points."""

    points: int
    since: date
    was: float
    is_now: float


def _month(past: Sequence[ConcentrationSnapshot], *, on: date) -> Month | None:
    before = [row for row in past if row.day <= on - timedelta(30) and row.cr1 is not None]
    last = next((row for row in reversed(past) if row.cr1 is not None), None)
    if not before or last is None or last.cr1 is None or before[-1].cr1 is None:
        return None
    was = before[-1].cr1
    return Month(round(100 * last.cr1) - round(100 * was), before[-1].day, was, last.cr1)


@require_safe
def trend_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the daily snapshots behind the trend; of the whole organisation, so for organisation
    roles."""
    user = signed_in_user(request)
    layer, basis = chosen_layer(request), chosen_basis(request)
    rows = _past(layer, basis, on=day_of(now())) if user.can_read_all else []
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
        rows,
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
