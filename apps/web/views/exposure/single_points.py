"""Single points of failure, and the minimal cut sets that stop a given part of the critical
applications."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import SinglePoint, single_points, team_points
from apps.exposure.models import MinimalCutSet, ScopedApplication
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.threats import DEFAULT_THREAT
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, number
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline
from apps.web.views.exposure import headlines
from apps.web.views.exposure.parameters import (
    KIND_WORDS,
    KINDS,
    THREAT_WORDS,
    chosen_option,
    name_url,
    parameter_options,
)
from apps.web.views.scenarios.links import scenario_url
from apps.web.wording import quantity_of

MAX_BARS = 12
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


def _link_scenario(row: SinglePointRow) -> str:
    return format_html(
        '<a href="{}">Scenario<span class="vh">: {} fails</span></a>', row.what_if, row.name
    )


class SinglePointList(ListPage[Any, SinglePointRow]):
    """Nodes that alone can stop an application, of one layer or all, and the minimal cut sets."""

    namespace = "exposure"
    route = "single-points"
    title = "Single points of failure"
    nouns = ("single point of failure", "single points of failure")
    counts = "Applications left exposed or cushioned if one provider or model fails alone"
    columns = (
        Column[SinglePointRow](
            "name", "Name", attrgetter("name"), note=attrgetter("kind"), url=attrgetter("url")
        ),
        Column[SinglePointRow](
            "failure_mode", "Failure mode", attrgetter("threat"), note=_link_scenario
        ),
        Column[SinglePointRow](
            "applications", "Applications", attrgetter("n"), format=format_number, is_numeric=True
        ),
        Column[SinglePointRow](
            "exposed",
            "Exposed",
            attrgetter("point.exposed"),
            format=format_number,
            url=lambda row: f"{row.url}?state=exposed",
            order=("-exposed",),
            is_numeric=True,
        ),
        Column[SinglePointRow](
            "cushioned",
            "Cushioned",
            attrgetter("point.cushioned"),
            format=format_number,
            url=lambda row: f"{row.url}?state=cushioned",
            order=("-cushioned",),
            is_numeric=True,
        ),
        Column[SinglePointRow](
            "critical",
            "Critical",
            attrgetter("point.n_critical"),
            format=format_number,
            note=lambda row: quantity_of(row.point.points, "point"),
            order=("-n_critical",),
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[SinglePointRow]("Layer", attrgetter("kind")),
        FileColumn[SinglePointRow]("Criticality points", attrgetter("point.points")),
    )
    default_order = ("critical", ())
    template = "exposure/points.html"

    @cached_property
    def kind(self) -> str:
        return chosen_option(self.request, "kind", KINDS, "")

    @cached_property
    def is_filtered(self) -> bool:
        return bool(self.kind)

    @cached_property
    def team_ids(self) -> Collection[int] | None:
        return visible_team_ids(self.user)

    @cached_property
    def settings(self) -> EngineSettings:
        return engine_settings()

    @cached_property
    def points(self) -> Sequence[SinglePoint]:
        """All points of the layer, most critical applications first: a few thousand at most, since
        each is a row of the catalogue."""
        return visible_single_points(self.team_ids, self.settings, self.kind, limit=None)

    @cached_property
    def n_critical(self) -> int:
        applications = ScopedApplication.objects.filter(criticality=0)
        if self.team_ids is not None:
            applications = applications.filter(team_id__in=self.team_ids)
        return applications.count()

    def get_queryset(self) -> Any:
        return ComputedRows(self.points)

    def build_rows(self, records: Sequence[SinglePoint]) -> Sequence[SinglePointRow]:
        return single_point_rows(list(records))

    @cached_property
    def largest(self) -> Sequence[SinglePointRow]:
        return single_point_rows(self.points[:MAX_BARS])

    def get_lead(self) -> Headline:
        top = self.largest[0] if self.largest else None
        return headlines.single_points_headline(
            len(self.points),
            top.name if top else "",
            top.point.n_critical if top else 0,
            self.n_critical,
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No single points of failure.",
            "A provider or model is a single point of failure if an application on it has no "
            "tested exit. Either every alternative is tested, or no application has an active "
            "primary model yet.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        layers = {label: KIND_WORDS[node_kind] for label, node_kind in KINDS.items()}
        is_first = self.listing.number == 1  # type: ignore[union-attr]
        return {
            "kinds": parameter_options(self.request, "kind", {"": "All", **layers}, self.kind),
            "n_critical": self.n_critical,
            "bars": _draw_point_bars(self.largest, self.n_critical)
            if is_first and self.largest
            else None,
            "sets": minimal_cut_set_rows() if self.team_ids is None else [],
            "threshold": float(self.settings.cut_threshold),
            "whole": self.team_ids is None,
        }


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
