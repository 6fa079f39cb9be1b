"""Open weights: whether each primary model has open weights, or an open-weight model that fits what
its application uses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from apps.catalog.capabilities.phrases import describe_source, format_value
from apps.catalog.capabilities.values import UNKNOWN, SettledValue
from apps.catalog.models import Offering
from apps.exposure.models import Basis, Path
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.open_weights import (
    MAX_MEASURED_NOW,
    OpenWeightPosture,
    OpenWeightState,
    current_posture,
    fitting_alternatives,
    primaries_by_state,
    state_of,
)
from apps.inventory.models import Application, Criticality
from apps.web.lists.columns import Column, FileColumn, format_decimals
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.page import Headline
from apps.web.views.exposure.parameters import (
    BASIS_HELP,
    BASIS_WORDS,
    applications_by_id,
    chosen_basis,
    chosen_option,
    parameter_options,
)
from apps.web.wording import number, share

STATE_WORDS: Mapping[str, str] = {
    "": "All",
    OpenWeightState.OPEN: "Open weights",
    OpenWeightState.ALTERNATIVE: "Open-weight model fits",
    OpenWeightState.NONE: "None known to fit",
    OpenWeightState.UNKNOWN: "Unknown",
}
_WEIGHT_COLUMNS: Mapping[Basis, str] = {
    Basis.COUNT: "share",
    Basis.CRITICALITY: "points",
    Basis.SPEND: "spend",
    Basis.USERS: "users",
}


@dataclass(frozen=True, slots=True)
class OpenWeightRow:
    """Primary model of an application with its state, and an open-weight model that fits."""

    application: Application
    criticality: str
    offering: Offering
    state: OpenWeightState
    fact: SettledValue
    alternative: Offering | None
    weight: float

    @property
    def state_text(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def open_weights_text(self) -> str:
        return format_value("open_weights", self.fact.value)

    @property
    def source_text(self) -> str:
        return describe_source(self.fact)


@dataclass(frozen=True, slots=True)
class OpenWeightFigure:
    """One state in the section of a page: its share of the weight and number of primary models."""

    state: str
    label: str
    share: float | None
    n: int


def present_posture(posture: OpenWeightPosture) -> Sequence[OpenWeightFigure]:
    """Return the figures of all states in their order."""
    return [
        OpenWeightFigure(
            state.value, STATE_WORDS[state], posture.share(state), posture.counts[state]
        )
        for state in OpenWeightState
    ]


def describe_posture(posture: OpenWeightPosture) -> str:
    """Return the posture in a sentence."""
    if not posture.n:
        return "No application has an active primary model."
    if posture.covered is None:
        return "No primary model has this weight recorded."
    unknown = posture.share(OpenWeightState.UNKNOWN) or 0
    sentence = (
        f"{share(posture.covered)} of the weight is on open weights, or has an open-weight model "
        "that fits"
    )
    return f"{sentence}; {share(unknown)} is unknown." if unknown else f"{sentence}."


class OpenWeightList(ListPage[Path, OpenWeightRow]):
    """Primary models of the visible applications by state, most critical first."""

    namespace = "exposure"
    route = "open-weights"
    title = "Open weights"
    nouns = ("primary model", "primary models")
    columns = (
        Column[OpenWeightRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[OpenWeightRow](
            "criticality",
            "Criticality",
            attrgetter("criticality"),
            css=lambda row: f"crit crit-{row.criticality.lower()}",
            order=("criticality", "application_id", "dependency_id"),
        ),
        Column[OpenWeightRow](
            "model",
            "Primary model",
            attrgetter("offering.api_id"),
            note=attrgetter("offering.host.name"),
            url=lambda row: (
                f"{reverse('offerings:detail', args=[row.offering.pk])}?tab=capabilities"
            ),
            css=lambda row: "id",
        ),
        Column[OpenWeightRow](
            "open_weights",
            "Open weights",
            attrgetter("open_weights_text"),
            note=attrgetter("source_text"),
            css=lambda row: "dim" if row.fact.value is None else "",
        ),
        Column[OpenWeightRow](
            "alternative",
            "Open-weight model that fits",
            lambda row: row.alternative.api_id if row.alternative else "",
            note=lambda row: (
                f"{row.alternative.host.name}, one of those that fit" if row.alternative else ""
            ),
            url=lambda row: (
                reverse("offerings:detail", args=[row.alternative.pk]) if row.alternative else ""
            ),
            css=lambda row: "id" if row.alternative else "",
        ),
        Column[OpenWeightRow](
            "weight",
            "Weight",
            attrgetter("weight"),
            format=lambda value: format_decimals(value, 2),
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[OpenWeightRow]("State", attrgetter("state_text")),
        FileColumn[OpenWeightRow]("Team", attrgetter("application.team.name")),
        FileColumn[OpenWeightRow]("Host", attrgetter("offering.host.name")),
        FileColumn[OpenWeightRow]("Source", attrgetter("source_text")),
        FileColumn[OpenWeightRow](
            "Host of the alternative",
            lambda row: row.alternative.host.name if row.alternative else "",
        ),
    )
    default_order = ("criticality", ())
    template = "exposure/open-weights.html"

    @cached_property
    def state(self) -> str:
        return chosen_option(self.request, "state", STATE_WORDS, "")

    @cached_property
    def basis(self) -> Basis:
        return chosen_basis(self.request)

    @cached_property
    def is_filtered(self) -> bool:
        return bool(self.state)

    @cached_property
    def team_ids(self) -> Collection[int] | None:
        return visible_team_ids(self.user)

    def get_queryset(self) -> "QuerySet[Path]":
        return primaries_by_state(team_ids=self.team_ids, state=self.state)

    def build_rows(self, records: Sequence[Path]) -> Sequence[OpenWeightRow]:
        """Build a row for each primary model whose application the user may see: four
        statements."""
        applications = applications_by_id([path.application_id for path in records], self.user)
        fits = fitting_alternatives([path.pk for path in records])
        offering_ids = {path.effective_id for path in records} | set(fits.offerings.values())
        offerings = Offering.objects.select_related("host").in_bulk(list(offering_ids))
        rows = []
        for path in records:
            application = applications.get(path.application_id)
            offering = offerings.get(path.effective_id)
            if application is None or offering is None:
                continue
            state = state_of(path, fits)
            fact = path.open_weights_fact  # type: ignore[attr-defined]
            rows.append(
                OpenWeightRow(
                    application=application,
                    criticality=Criticality(application.criticality).label,
                    offering=offering,
                    state=state,
                    fact=SettledValue(**fact) if fact else UNKNOWN,
                    alternative=offerings.get(fits.offerings.get(path.pk, 0))
                    if state == OpenWeightState.ALTERNATIVE
                    else None,
                    weight=getattr(path, _WEIGHT_COLUMNS[self.basis]),
                )
            )
        return rows

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        return (("Exposure", f"{reverse('exposure:concentration')}?weight={self.basis}"),)

    def get_lead(self) -> Headline:
        return Headline(describe_posture(current_posture(self.basis, team_ids=self.team_ids)))

    def get_basis(self) -> str:
        return (
            "Active primary models. A model has open weights if its settled value is yes. An "
            "open-weight model fits if it keeps all that the dependency is known to use. Without "
            "a known use, or a known value, it is unknown. With more than "
            f"{number(MAX_MEASURED_NOW)} applications, a job measures all states every hour."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No application has an active primary model.",
            "Declare the dependencies of an application on its page, and what they use.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        return {
            "counts": f"{BASIS_WORDS[self.basis]}: {BASIS_HELP[self.basis]}",
            "states": parameter_options(self.request, "state", STATE_WORDS, self.state),
            "bases": parameter_options(self.request, "weight", BASIS_WORDS, self.basis),
        }
