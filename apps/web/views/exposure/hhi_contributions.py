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

_BATCH_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class ContributionRow:
    application: Application
    criticality: str
    found: Contribution | None
    part: float | None


@require_safe
def contribution_list(request: HttpRequest) -> HttpResponse:
    """Show what each application contributes to the HHI of a layer."""
    user = signed_in_user(request)
    layer, basis, team_ids = chosen_layer(request), chosen_basis(request), visible_team_ids(user)
    layer_indices = measure_layer(layer, basis, team_ids=team_ids)
    listing = PaginatedList(request, _select_applications(team_ids))
    hhi = layer_indices.indices.hhi
    return render_page(
        request,
        "exposure/contributions.html",
        fragment="listing",
        title=f"Contributions by {KIND_WORDS[layer.node_kind]}",
        crumbs=(("Exposure", f"{reverse('exposure:concentration')}?layer={layer}&weight={basis}"),),
        counts=f"{BASIS_WORDS[basis]}: {BASIS_HELP[basis]}",
        sentence=Headline(
            (
                f"The HHI by {KIND_WORDS[layer.node_kind]} is {hhi:.3f}; "
                f"it is the sum of the contributions of "
                f"{number(layer_indices.n_applications)} applications."
            )
            if hhi is not None
            else "No application has a weight on this layer."
        ),
        listing=listing,
        rows=_build_rows(
            [row.application_id for row in listing.rows], layer, basis, layer_indices, user
        ),
        layer=layer,
        layers=parameter_options(
            request, "layer", {option.value: option.label for option in Layer}, layer
        ),
        bases=parameter_options(request, "weight", BASIS_WORDS, basis),
    )


@require_safe
def contributions_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export the contributions of all visible applications."""
    user = signed_in_user(request)
    layer, basis, team_ids = chosen_layer(request), chosen_basis(request), visible_team_ids(user)
    layer_indices = measure_layer(layer, basis, team_ids=team_ids)

    def rows() -> Iterator[ContributionRow]:
        ids = list(_select_applications(team_ids).values_list("application_id", flat=True))
        for start in range(0, len(ids), _BATCH_SIZE):
            yield from _build_rows(
                ids[start : start + _BATCH_SIZE], layer, basis, layer_indices, user
            )

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
            "HHI contribution",
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


def _select_applications(team_ids: Collection[int] | None) -> Any:
    applications = ScopedApplication.objects.filter(n_paths__gt=0).order_by(
        "criticality", "application_id"
    )
    return applications if team_ids is None else applications.filter(team_id__in=team_ids)


def _build_rows(
    ids: list[int], layer: Layer, basis: Basis, layer_indices: LayerIndices, user: User
) -> list[ContributionRow]:
    """Build a row for each application that `user` may see: two statements."""
    contributions = contributions_of(layer, basis, layer_indices.indices, application_ids=ids)
    applications = applications_by_id(ids, user)
    hhi = layer_indices.indices.hhi
    rows = []
    for pk in ids:
        if (application := applications.get(pk)) is None:
            continue
        contribution = contributions.get(pk)
        rows.append(
            ContributionRow(
                application,
                Criticality(application.criticality).label,
                contribution,
                contribution.contribution / hhi if contribution and hhi else None,
            )
        )
    return rows
