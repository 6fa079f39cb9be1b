"""HHI contributions: what each application adds to the concentration of a layer
(Herfindahl-Hirschman index), and the index without it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.exposure.engine.concentration import (
    Contribution,
    LayerIndices,
    contributions_of,
    measure_layer,
)
from apps.exposure.models import Basis, Layer, ScopedApplication
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, Criticality
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure.parameters import (
    BASIS_HELP,
    BASIS_WORDS,
    KIND_WORDS,
    applications_by_id,
    chosen_basis,
    chosen_layer,
    parameter_options,
)
from apps.web.wording import number

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class ContributionRow:
    application: Application
    criticality: str
    found: Contribution | None
    part: float | None


@require_safe
def contribution_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    layer, basis, teams = chosen_layer(request), chosen_basis(request), visible_team_ids(user)
    measured = measure_layer(layer, basis, team_ids=teams)
    listing = PaginatedList(request, _scoped(teams))
    hhi = measured.indices.hhi
    return render_page(
        request,
        "exposure/contributions.html",
        fragment="listing",
        title=f"Contributions by {KIND_WORDS[layer.node_kind]}",
        crumbs=(("Exposure", f"{reverse('exposure:concentration')}?layer={layer}&weight={basis}"),),
        counts=f"{BASIS_WORDS[basis]}: {BASIS_HELP[basis]}",
        sentence=Headline(
            (
                f"The HHI by {KIND_WORDS[layer.node_kind]} is {hhi:.3f}; the contributions of"
                f" {number(measured.n_applications)} applications add up to it."
            )
            if hhi is not None
            else "Nothing weighs anything in this layer, so nothing contributes."
        ),
        listing=listing,
        rows=_rows([row.application_id for row in listing.rows], layer, basis, measured, user),
        layer=layer,
        layers=parameter_options(
            request, "layer", {each.value: each.label for each in Layer}, layer
        ),
        bases=parameter_options(request, "weight", BASIS_WORDS, basis),
    )


@require_safe
def contributions_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in_user(request)
    layer, basis, teams = chosen_layer(request), chosen_basis(request), visible_team_ids(user)
    measured = measure_layer(layer, basis, team_ids=teams)

    def rows() -> Iterator[ContributionRow]:
        ids = list(_scoped(teams).values_list("application_id", flat=True))
        for start in range(0, len(ids), _BATCH):
            yield from _rows(ids[start : start + _BATCH], layer, basis, measured, user)

    return csv_response(
        f"contributions-{layer}-{basis}",
        [
            "application",
            "team",
            "criticality",
            "layer",
            "weight",
            "weighs",
            "contribution",
            "part of HHI",
            "marginal",
        ],
        rows(),
        lambda row: [
            row.application.name,
            row.application.team.name,
            row.criticality,
            layer.value,
            basis.value,
            row.found.weight if row.found else 0,
            row.found.contribution if row.found else 0,
            row.part,
            row.found.marginal if row.found else 0,
        ],
    )


def _scoped(teams: Collection[int] | None) -> Any:
    scoped = ScopedApplication.objects.filter(n_paths__gt=0).order_by(
        "criticality", "application_id"
    )
    return scoped if teams is None else scoped.filter(team_id__in=teams)


def _rows(
    ids: list[int], layer: Layer, basis: Basis, measured: LayerIndices, user: User
) -> list[ContributionRow]:
    """Two statements."""
    found = contributions_of(layer, basis, measured.indices, application_ids=ids)
    applications = applications_by_id(ids, user)
    hhi = measured.indices.hhi
    rows = []
    for pk in ids:
        if (application := applications.get(pk)) is None:
            continue
        of = found.get(pk)
        rows.append(
            ContributionRow(
                application,
                Criticality(application.criticality).label,
                of,
                of.contribution / hhi if of and hhi else None,
            )
        )
    return rows
