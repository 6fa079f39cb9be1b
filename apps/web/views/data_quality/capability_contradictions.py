"""Offerings about whose capabilities sources contradict each other: a list, from which governance
enters what an own test shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.functional import cached_property

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.phrases import format_value
from apps.catalog.capabilities.side_by_side import FieldComparison, compare_sources
from apps.catalog.filters import OfferingFilter
from apps.catalog.models import NodeKind, Offering, Provider, SettledClaims
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import changed_query
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.queries import NodeReach, reach_by_ref
from apps.web.views.catalog.sections import used_offerings

_IS_CONTRADICTED = "values @? '$.*.contradicted ? (@ == true)'"


@dataclass(frozen=True, slots=True)
class ContradictionRow:
    """Offering with the capabilities that are unknown because sources contradict each other."""

    offering: Offering
    fields: Sequence[FieldComparison]
    reach: NodeReach

    @property
    def labels(self) -> str:
        return ", ".join(comparison.field.label for comparison in self.fields)

    @property
    def statements(self) -> str:
        """What each source states: `Image input: LiteLLM yes, OpenRouter no`."""
        return "; ".join(
            f"{comparison.field.label}: {_describe_statements(comparison)}"
            for comparison in self.fields
        )


def _describe_statements(comparison: FieldComparison) -> str:
    """Return what each source states of one field. Facts of the version can come from other
    hosts alone."""
    statements = [
        f"{entry.source_name} {format_value(comparison.field.key, entry.value)}"
        f"{' (silent now)' if entry.is_silent else ''}"
        for entry in comparison.stated
        if entry.value is not None
    ]
    return ", ".join(dict.fromkeys(statements)) or "stated for other model IDs of the version"


class CapabilityContradictionList(ListPage[Offering, ContradictionRow]):
    """Offerings in use, unless the URL says otherwise, with contradicted capabilities."""

    namespace = "capability-contradictions"
    title = "Source disagreements"
    nouns = ("offering", "offerings")
    counts = "Applications you can view that depend on the offering"
    filterset_class = OfferingFilter
    columns = (
        Column[ContradictionRow](
            "offering",
            "Model ID",
            attrgetter("offering.api_id"),
            note=lambda row: f"on {row.offering.host.name}",
            url=lambda row: (
                f"{reverse('offerings:detail', args=[row.offering.pk])}?tab=capabilities"
            ),
            css=lambda row: "id",
            order=("api_id", "host__name", "pk"),
        ),
        Column[ContradictionRow]("capabilities", "Capabilities", attrgetter("labels")),
        Column[ContradictionRow]("sources", "Sources state", attrgetter("statements")),
        Column[ContradictionRow](
            "applications",
            "Applications",
            attrgetter("reach.n"),
            format=format_number,
            is_numeric=True,
        ),
    )
    file_columns = (FileColumn[ContradictionRow]("Host", attrgetter("offering.host.name")),)
    default_filters = {"in_use": "true"}
    default_order = ("offering", ())

    @cached_property
    def only_used(self) -> bool:
        return self.request.GET.get("in_use", self.default_filters["in_use"]) == "true"

    def get_queryset(self) -> "QuerySet[Offering]":
        contradicted = SettledClaims.objects.annotate(
            is_contradicted=RawSQL(_IS_CONTRADICTED, [])  # noqa: S611
        ).filter(topic=CAPABILITY, is_contradicted=True)
        return (
            Offering.objects.model_ids()
            .visible_to(self.user)
            .filter(pk__in=contradicted.values("offering"))
            .select_related("host")
        )

    def narrow(self, queryset: "QuerySet[Offering]") -> "QuerySet[Offering]":
        return queryset.filter(used_offerings(self.user)) if self.only_used else queryset

    def build_rows(self, records: Sequence[Offering]) -> Sequence[ContradictionRow]:
        """Build the rows: four statements."""
        ids = [offering.pk for offering in records]
        comparisons = compare_sources(ids)
        reach = reach_by_ref(kind=NodeKind.OFFERING, refs=ids, user=self.user, on=self.today)
        return [
            ContradictionRow(
                offering,
                [field for field in comparisons[offering.pk] if field.settled.contradicted],
                reach.get(offering.pk, NodeReach()),
            )
            for offering in records
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        hosts = Provider.objects.visible_to(self.user).hosts().order_by("name")  # type: ignore[attr-defined]
        return (
            FilterControl("q", "Model ID contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def get_lead(self) -> Headline:
        scope = "in use" if self.only_used else "in the catalogue"
        if not self.listing.n_found:
            return Headline(f"Sources agree on the capabilities of all offerings {scope}.")
        return Headline(
            f"Sources contradict each other on the capabilities of {self.count_records()} {scope}."
        )

    def get_basis(self) -> str:
        return (
            "A contradicted capability is unknown, which is never taken for yes or no. Enter what "
            "an own test shows on the page of the offering."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.only_used:
            return ()
        return (PageAction("View all offerings", self._all_query()),)

    def _all_query(self) -> str:
        return changed_query(self.request, in_use="", page=None)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No capabilities are contradicted.",
            "If as many sources say yes as say no, the capability is unknown and listed here. That "
            "needs at least two sources of the same rank.",
            *(
                ("View all offerings", self._all_query())
                if self.only_used
                else ("View feeds", reverse("feeds:list"))
            ),
        )
