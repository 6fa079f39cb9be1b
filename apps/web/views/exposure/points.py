"""What alone can stop an application, and the smallest sets that stop a given part of the critical
ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import (
    SinglePoint,
    count_single_points,
    single_points,
    team_points,
)
from apps.exposure.models import Cut, ScopedApplication
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.threats import DEFAULT_THREAT
from apps.web.drawings.bars import Bar, bars
from apps.web.drawings.picture import both
from apps.web.drawings.scales import Unit, number
from apps.web.forms import signed_in
from apps.web.listing import csv_answer, query_with
from apps.web.page import page
from apps.web.views.exposure import findings
from apps.web.views.exposure.shared import KIND_WORDS, KINDS, THREAT_WORDS, name_url, options
from apps.web.views.what_ifs.links import what_if_url

SIZE = 50
MOST_SETS = 200


@dataclass(frozen=True, slots=True)
class PointRow:
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
class SetRow:
    names: list[tuple[str, str]]
    share: float
    what_if: str

    @property
    def together(self) -> str:
        return " with ".join(name for name, _url in self.names)


@require_safe
def points(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    teams, settings = visible_team_ids(user), engine_settings()
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    number_ = number_of_page(request)
    found = points_of(teams, settings, kind, limit=SIZE * number_ + 1)
    here = found[SIZE * (number_ - 1) : SIZE * number_]
    rows = rows_of(here)
    scoped = ScopedApplication.objects.filter(criticality=0)
    n_critical = (scoped if teams is None else scoped.filter(team_id__in=teams)).count()
    first = rows_of(found[:1])
    n = (count_single_points() if teams is None and not kind else len(found)) if found else 0
    return page(
        request,
        "exposure/points.html",
        title="Single points of failure",
        fragment="listing",
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Applications that a node alone leaves exposed or cushioned, under its usual threat",
        sentence=findings.of_single_points(
            n,
            first[0].name if first else "",
            first[0].point.n_critical if first else 0,
            n_critical,
            bounded=len(found) > SIZE * number_ and n == len(found),
        ),
        rows=rows,
        kind=kind,
        kinds=options(
            request,
            "kind",
            {"": "All", **{label: KIND_WORDS[each] for label, each in KINDS.items()}},
            kind,
        ),
        n_critical=n_critical,
        bars=_bars(rows_of(found[:12]), n_critical) if number_ == 1 else None,
        previous=query_with(request, page=number_ - 1) if number_ > 1 else "",
        next=query_with(request, page=number_ + 1) if len(found) > SIZE * number_ else "",
        sets=smallest_sets() if teams is None else [],
        threshold=float(settings.cut_threshold),
        whole=teams is None,
    )


@require_safe
def points_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in(request)
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    rows = rows_of(points_of(visible_team_ids(user), engine_settings(), kind, limit=None))
    return csv_answer(
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
def sets_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in(request)
    rows = smallest_sets() if user.can_read_all else []
    return csv_answer(
        "smallest-sets",
        ["fail together", "share of critical applications stopped"],
        rows,
        lambda row: [" + ".join(name for name, _url in row.names), row.share],
    )


def rows_of(found: Sequence[SinglePoint]) -> list[PointRow]:
    """With names and addresses: one statement."""
    names = node_names([point.node_id for point in found]) if found else {}
    return [_row(point, names[point.node_id]) for point in found if point.node_id in names]


def _row(point: SinglePoint, name: NodeName) -> PointRow:
    return PointRow(
        name.label,
        KIND_WORDS[name.kind],
        THREAT_WORDS[DEFAULT_THREAT[name.kind]],
        name_url(name),
        what_if_url(remove=[name.name]),
        point,
    )


def smallest_sets(*, most: int = MOST_SETS) -> list[SetRow]:
    """Single nodes first, then pairs, the largest share first: two statements."""
    kept = sorted(Cut.objects.all()[:MOST_SETS], key=lambda cut: (len(cut.node_ids), -cut.share))[
        :most
    ]
    names = node_names({pk for cut in kept for pk in cut.node_ids})
    return [
        SetRow(
            [(names[pk].label, name_url(names[pk])) for pk in cut.node_ids if pk in names],
            cut.share,
            what_if_url(remove=[names[pk].name for pk in cut.node_ids if pk in names]),
        )
        for cut in kept
    ]


def points_of(
    teams: Any, settings: EngineSettings, kind: str, *, limit: int | None
) -> list[SinglePoint]:
    kinds = [KINDS[kind]] if kind else None
    if teams is None:
        return single_points(kinds=kinds, limit=limit)
    return team_points(team_ids=teams, settings=settings, kinds=kinds, limit=limit)


def number_of_page(request: HttpRequest) -> int:
    said = request.GET.get("page", "1")
    return min(max(int(said), 1), 200) if said.isdecimal() and len(said) < 5 else 1


def _bars(rows: Sequence[PointRow], n_critical: int) -> Any:
    critical = any(row.point.n_critical for row in rows)
    return both(
        bars,
        [
            Bar(
                f"{row.name}, {row.kind}",
                row.point.n_critical if critical else row.n,
                tip=f"{number(row.point.exposed)} exposed, {number(row.point.cushioned)} cushioned",
            )
            for row in rows
        ],
        unit=Unit(
            "critical applications it alone stops",
            lambda n: f"{number(int(n))} of {number(n_critical)}",
            number,
        )
        if critical
        else Unit("applications it alone stops", number),
        whole=True,
    )
