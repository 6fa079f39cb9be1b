"""Price differences between sources for one offering: a list for information, without decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from apps.catalog.claims.price_gaps import PriceGap, PriceGaps, PriceSide
from apps.catalog.filters import OfferingFilter
from apps.catalog.models import NodeKind, Offering, Provider, Source
from apps.web.lists.columns import (
    Column,
    FileColumn,
    format_amount,
    format_moment,
    format_number,
)
from apps.web.lists.computed_rows import PagedRows
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import changed_query
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.queries import NodeReach, reach_by_ref, used_refs


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Price of one source; `differing` are the units in which it differs from the accepted one. The
    offering is written in the first row of its gap only."""

    gap: PriceGap
    side: PriceSide
    differing: frozenset[str]
    reach: NodeReach
    is_first: bool

    @property
    def is_accepted(self) -> bool:
        return self.side is self.gap.accepted

    @property
    def source_note(self) -> str:
        is_built_in = self.side.claim.source.slug == "built-in"
        notes = (
            "accepted" if self.is_accepted else "",
            self.side.currency,
            "built-in catalogue" if is_built_in else "",
        )
        return ", ".join(filter(None, notes))


def _build_amount_column(unit: str, header: str) -> Column[PriceRow]:
    return Column[PriceRow](
        unit,
        header,
        lambda row: row.side.amounts.get(unit),
        format=format_amount,
        css=lambda row: "bad" if unit in row.differing else "",
        is_numeric=True,
    )


class PriceGapList(ListPage[Any, PriceRow]):
    """Offerings whose sources have different prices, the largest difference first; those in use,
    unless the URL says otherwise."""

    namespace = "price-gaps"
    title = "Source disagreements"
    nouns = ("offering", "offerings")
    counts = "Applications you can view that depend on the offering"
    filterset_class = OfferingFilter
    columns = (
        Column[PriceRow](
            "offering",
            "Model ID",
            attrgetter("gap.offering.api_id"),
            note=lambda row: (
                f"on {row.gap.offering.host.name}, up to {row.gap.factor:.2f} times"
                if row.is_first
                else ""
            ),
            url=lambda row: reverse("offerings:detail", args=[row.gap.offering.pk]),
            css=lambda row: "id" if row.is_first else "vh",
        ),
        Column[PriceRow](
            "source", "Source", attrgetter("side.name"), note=attrgetter("source_note")
        ),
        _build_amount_column("input", "Input price"),
        _build_amount_column("output", "Output price"),
        Column[PriceRow](
            "changed", "Last change", attrgetter("side.claim.changed_at"), format=format_moment
        ),
        Column[PriceRow](
            "applications",
            "Applications",
            attrgetter("reach.n"),
            format=format_number,
            css=lambda row: "" if row.is_first else "vh",
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[PriceRow]("Host", attrgetter("gap.offering.host.name")),
        FileColumn[PriceRow]("Row of the feed", attrgetter("side.claim.external_id")),
        FileColumn[PriceRow]("Currency", attrgetter("side.currency")),
        FileColumn[PriceRow]("Unit", lambda row: "million tokens"),
        FileColumn[PriceRow]("Accepted", attrgetter("is_accepted")),
        FileColumn[PriceRow]("Published at", attrgetter("side.claim.source_url")),
    )
    default_filters = {"in_use": "true"}
    page_size = 25

    @cached_property
    def only_used(self) -> bool:
        return self.request.GET.get("in_use", self.default_filters["in_use"]) == "true"

    @cached_property
    def is_filtered(self) -> bool:
        return self.listing.is_filtered

    def get_queryset(self) -> "QuerySet[Any]":
        return Offering.objects.model_ids().visible_to(self.user)

    def narrow(self, queryset: "QuerySet[Any]") -> Any:
        ids: set[int] | None = None
        if any(self.request.GET.getlist(name) for name in self.filterset.filters):
            ids = set(queryset.order_by().values_list("pk", flat=True))
        gaps = PriceGaps(self.today, ids, self.request.GET.get("source", ""))
        if self.only_used:
            # sources differ about few offerings, so dependents are queried for those only
            used_ids = used_refs(
                kind=NodeKind.OFFERING, user=self.user, on=self.today, among=gaps.ids()
            )
            gaps = replace(gaps, offering_ids=used_ids)
        return PagedRows(gaps)

    def build_rows(self, records: Sequence[PriceGap]) -> Sequence[PriceRow]:
        reach = reach_by_ref(
            kind=NodeKind.OFFERING,
            refs=[gap.offering.pk for gap in records],
            user=self.user,
            on=self.today,
        )
        return [
            PriceRow(gap, side, differing, reach.get(gap.offering.pk, NodeReach()), place == 0)
            for gap in records
            for place, (side, differing) in enumerate(gap.lines)
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        hosts = Provider.objects.visible_to(self.user).hosts().order_by("name")  # type: ignore[attr-defined]
        sources = (
            Source.objects.visible_to(self.user)
            .exclude(kind__in=Source.UNPOLLED)
            .order_by("trust_rank", "name")
        )
        return (
            FilterControl("q", "Model ID contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("source", "Source", choices=list(sources.values_list("slug", "name"))),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        scope = "in use" if self.only_used else "in the catalogue"
        if not self.listing.n_found:
            return Headline(f"Sources agree on the prices of all offerings {scope}.")
        return Headline(f"Sources have different prices for {self.count_records()} {scope}.")

    def get_basis(self) -> str:
        return (
            "Today's input and output list prices per million tokens that differ by more than 1%. "
            "Discounts, peak hours and outdated rows cause differences, so they raise no event."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.only_used:
            return ()
        return (PageAction("View all offerings", self._all_query()),)

    def _all_query(self) -> str:
        return changed_query(self.request, in_use="", page=None)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No prices differ.",
            "If two sources have different prices for one offering, both are listed here with the "
            "accepted one. That needs at least two polled feeds.",
            *(
                ("View all offerings", self._all_query())
                if self.only_used
                else ("View feeds", reverse("feeds:list"))
            ),
        )
