"""HHI contributions: what each application adds to the concentration of a layer
(Herfindahl-Hirschman index), and the index without it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from apps.exposure.engine.concentration import (
    Contribution,
    LayerIndices,
    contributions_of,
    measure_layer,
)
from apps.exposure.models import Basis, Layer, ScopedApplication
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, Criticality
from apps.web.lists.columns import NO_VALUE, Column, FileColumn, format_decimals
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.page import Headline
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


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """Application with its contribution, None if it has no weight in the layer; `part` is its
    share of the HHI."""

    application: Application
    criticality: str
    found: Contribution | None
    part: float | None
    layer: Layer
    basis: Basis

    @property
    def weight(self) -> float | None:
        return self.found.weight if self.found else None

    @property
    def contribution(self) -> float | None:
        return self.found.contribution if self.found else None

    @property
    def marginal(self) -> float | None:
        return self.found.marginal if self.found else None


def _format_weight(value: float | None) -> str:
    """Format a weight without decimals if it needs none: `12`, `0.25`."""
    if value is None:
        return NO_VALUE
    return number(round(value)) if round(value, 2) == round(value) else f"{value:,.2f}"


def _build_decimal_column(name: str, header: str, places: int) -> Column[ContributionRow]:
    return Column[ContributionRow](
        name,
        header,
        attrgetter(name),
        format=lambda value: format_decimals(value, places),
        is_numeric=True,
    )


class ContributionList(ListPage[ScopedApplication, ContributionRow]):
    """Contribution of each visible application to the HHI of a layer, most critical first."""

    namespace = "exposure"
    route = "contributions"
    title = "Contributions by application"
    nouns = ("application", "applications")
    columns = (
        Column[ContributionRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[ContributionRow](
            "criticality",
            "Criticality",
            attrgetter("criticality"),
            css=lambda row: f"crit crit-{row.criticality.lower()}",
            order=("criticality", "application_id"),
        ),
        Column[ContributionRow](
            "weight", "Weight", attrgetter("weight"), format=_format_weight, is_numeric=True
        ),
        _build_decimal_column("contribution", "Contribution", 6),
        _build_decimal_column("part", "HHI contribution", 4),
        _build_decimal_column("marginal", "Marginal HHI", 6),
    )
    file_columns = (
        FileColumn[ContributionRow]("Team", attrgetter("application.team.name")),
        FileColumn[ContributionRow]("Layer", attrgetter("layer.value")),
        FileColumn[ContributionRow]("Weight by", attrgetter("basis.value")),
    )
    default_order = ("criticality", ())
    template = "exposure/contributions.html"

    @cached_property
    def layer(self) -> Layer:
        return chosen_layer(self.request)

    @cached_property
    def basis(self) -> Basis:
        return chosen_basis(self.request)

    @cached_property
    def team_ids(self) -> Collection[int] | None:
        return visible_team_ids(self.user)

    @cached_property
    def layer_indices(self) -> LayerIndices:
        return measure_layer(self.layer, self.basis, team_ids=self.team_ids)

    @cached_property
    def is_filtered(self) -> bool:
        # layer and weight select what is measured; every layer lists the same applications
        return False

    def get_queryset(self) -> "QuerySet[ScopedApplication]":
        applications = ScopedApplication.objects.filter(n_paths__gt=0)
        if self.team_ids is None:
            return applications
        return applications.filter(team_id__in=self.team_ids)

    def build_rows(self, records: Sequence[ScopedApplication]) -> Sequence[ContributionRow]:
        """Build a row for each application that the user may see: two statements."""
        ids = [record.application_id for record in records]
        indices = self.layer_indices.indices
        contributions = contributions_of(self.layer, self.basis, indices, application_ids=ids)
        applications = applications_by_id(ids, self.user)
        rows = []
        for pk in ids:
            if (application := applications.get(pk)) is None:
                continue
            contribution = contributions.get(pk)
            part = contribution.contribution / indices.hhi if contribution and indices.hhi else None
            criticality = Criticality(application.criticality).label
            rows.append(
                ContributionRow(
                    application, criticality, contribution, part, self.layer, self.basis
                )
            )
        return rows

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        url = f"{reverse('exposure:concentration')}?layer={self.layer}&weight={self.basis}"
        return (("Exposure", url),)

    def get_lead(self) -> Headline:
        """Return the HHI of the layer, and of how many applications it is the sum."""
        hhi = self.layer_indices.indices.hhi
        if hhi is None:
            return Headline("No application has a weight on this layer.")
        return Headline(
            f"The HHI by {KIND_WORDS[self.layer.node_kind]} is {hhi:.3f}; it is the sum of the "
            f"contributions of {number(self.layer_indices.n_applications)} applications."
        )

    def get_basis(self) -> str:
        return (
            "Marginal HHI: the HHI with the application minus the HHI without it. A negative value "
            "makes the portfolio less concentrated."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No application has an active primary model.",
            "Declare the dependencies of an application on its page.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        layers = {option.value: option.label for option in Layer}
        return {
            "counts": f"{BASIS_WORDS[self.basis]}: {BASIS_HELP[self.basis]}",
            "layers": parameter_options(self.request, "layer", layers, self.layer),
            "bases": parameter_options(self.request, "weight", BASIS_WORDS, self.basis),
        }
