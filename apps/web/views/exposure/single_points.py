"""Single points of failure, and the minimal cut sets that stop a given part of the critical
applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import (
    SinglePoint,
    count_single_points,
    single_points,
    team_points,
)
from apps.exposure.models import MinimalCutSet, ScopedApplication
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.threats import DEFAULT_THREAT
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, number
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import changed_query, csv_response
from apps.web.pages.page import render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.parameters import (
    KIND_WORDS,
    KINDS,
    THREAT_WORDS,
    name_url,
    parameter_options,
)
from apps.web.views.scenarios.links import scenario_url

PAGE_SIZE = 50
MAX_CUT_SETS = 200


@dataclass(frozen=True, slots=True)
class SinglePointRow:
    name: str
    kind: Any
    threat: Any
    url: str
    what_if: str
    point: SinglePoint

    @property
    def n(self) -> int:
        return self.point.exposed + self.point.cushioned


@dataclass(frozen=True, slots=True)
class CutSetRow:
    names: list[tuple[str, str]]
    share: float
    what_if: str

    @property
    def together(self) -> str:
        return " with ".join(name for name, _url in self.names)


@require_safe
def single_point_list(request: HttpRequest) -> HttpResponse:
    """Show the nodes that alone can stop an application, and the minimal cut sets."""
    user = signed_in_user(request)
    team_ids, settings = visible_team_ids(user), engine_settings()
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    page_number = number_of_page(request)
    points = visible_single_points(team_ids, settings, kind, limit=PAGE_SIZE * page_number + 1)
    page_points = points[PAGE_SIZE * (page_number - 1) : PAGE_SIZE * page_number]
    rows = single_point_rows(page_points)
    critical_applications = ScopedApplication.objects.filter(criticality=0)
    n_critical = (
        critical_applications
        if team_ids is None
        else critical_applications.filter(team_id__in=team_ids)
    ).count()
    top_rows = single_point_rows(points[:1])
    n = (count_single_points() if team_ids is None and not kind else len(points)) if points else 0
    return render_page(
        request,
        "exposure/points.html",
        title="Single points of failure",
        fragment="listing",
        counts="Applications left exposed or cushioned if one provider or model fails alone",
        sentence=headlines.single_points_headline(
            n,
            top_rows[0].name if top_rows else "",
            top_rows[0].point.n_critical if top_rows else 0,
            n_critical,
            bounded=len(points) > PAGE_SIZE * page_number and n == len(points),
        ),
        rows=rows,
        kind=kind,
        kinds=parameter_options(
            request,
            "kind",
            {"": "All", **{label: KIND_WORDS[node_kind] for label, node_kind in KINDS.items()}},
            kind,
        ),
        n_critical=n_critical,
        bars=_draw_point_bars(single_point_rows(points[:12]), n_critical)
        if page_number == 1
        else None,
        previous=changed_query(request, page=page_number - 1) if page_number > 1 else "",
        next=changed_query(request, page=page_number + 1)
        if len(points) > PAGE_SIZE * page_number
        else "",
        sets=minimal_cut_set_rows() if team_ids is None else [],
        threshold=float(settings.cut_threshold),
        whole=team_ids is None,
    )


@require_safe
def single_point_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all nodes that alone can stop an application."""
    user = signed_in_user(request)
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    rows = single_point_rows(
        visible_single_points(visible_team_ids(user), engine_settings(), kind, limit=None)
    )
    return csv_response(
        "single-points",
        [
            "node",
            "layer",
            "threat",
            "stops",
            "exposed",
            "cushioned",
            "critical",
            "criticality points",
        ],
        rows,
        lambda row: [
            row.name,
            row.kind,
            row.threat,
            row.n,
            row.point.exposed,
            row.point.cushioned,
            row.point.n_critical,
            row.point.points,
        ],
    )


@require_safe
def cut_set_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in_user(request)
    rows = minimal_cut_set_rows() if user.can_read_all else []
    return csv_response(
        "smallest-sets",
        ["joint failure of", "share of critical applications stopped"],
        rows,
        lambda row: [" + ".join(name for name, _url in row.names), row.share],
    )


def single_point_rows(points: Sequence[SinglePoint]) -> list[SinglePointRow]:
    """Return single points of failure with names and URLs: one statement."""
    names = node_names([point.node_id for point in points]) if points else {}
    return [_build_row(point, names[point.node_id]) for point in points if point.node_id in names]


def _build_row(point: SinglePoint, name: NodeName) -> SinglePointRow:
    return SinglePointRow(
        name.label,
        KIND_WORDS[name.kind],
        THREAT_WORDS[DEFAULT_THREAT[name.kind]],
        name_url(name),
        scenario_url(remove=[name.name]),
        point,
    )


def minimal_cut_set_rows(*, limit: int = MAX_CUT_SETS) -> list[CutSetRow]:
    """Return single nodes first, then pairs, the largest share first: two statements."""
    cut_sets = sorted(
        MinimalCutSet.objects.all()[:MAX_CUT_SETS], key=lambda cut: (len(cut.node_ids), -cut.share)
    )[:limit]
    names = node_names({pk for cut in cut_sets for pk in cut.node_ids})
    return [
        CutSetRow(
            [(names[pk].label, name_url(names[pk])) for pk in cut.node_ids if pk in names],
            cut.share,
            scenario_url(remove=[names[pk].name for pk in cut.node_ids if pk in names]),
        )
        for cut in cut_sets
    ]


def visible_single_points(
    team_ids: Any, settings: EngineSettings, kind: str, *, limit: int | None
) -> list[SinglePoint]:
    kinds = [KINDS[kind]] if kind else None
    if team_ids is None:
        return single_points(kinds=kinds, limit=limit)
    return team_points(team_ids=team_ids, settings=settings, kinds=kinds, limit=limit)


def number_of_page(request: HttpRequest) -> int:
    raw_number = request.GET.get("page", "1")
    return (
        min(max(int(raw_number), 1), 200) if raw_number.isdecimal() and len(raw_number) < 5 else 1
    )


def _draw_point_bars(rows: Sequence[SinglePointRow], n_critical: int) -> Any:
    """Return the drawing of the points by critical applications, or by all if none is critical."""
    critical = any(row.point.n_critical for row in rows)
    return responsive_picture(
        draw_bars,
        [
            Bar(
                f"{row.name}, {row.kind}",
                row.point.n_critical if critical else row.n,
                tip=f"{number(row.point.exposed)} exposed, {number(row.point.cushioned)} cushioned",
            )
            for row in rows
        ],
        unit=Unit(
            "critical applications stopped by its failure alone",
            lambda n: f"{number(int(n))} of {number(n_critical)}",
            number,
        )
        if critical
        else Unit("applications stopped by its failure alone", number),
        integers_only=True,
    )
