"""Price differences between sources for one offering: a list for information, without decisions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.catalog.claims.price_gaps import UNITS, PriceGap, PriceGaps, PriceSide
from apps.catalog.filters import OfferingFilter
from apps.catalog.models import NodeKind, Offering, Provider, Source
from apps.common.time import day_of, now
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, PaginatedList, changed_query, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.queries import NodeReach, reach_by_ref, used_refs

PAGE_SIZE = 25
# filters that apply unless the URL sets them
DEFAULT_FILTERS = {"in_use": "true"}


@dataclass
class GapListing(PaginatedList[Offering]):
    """Pages of offerings whose sources state different prices."""

    gaps: PriceGaps = field(kw_only=True)

    @cached_property
    def n_found(self) -> int:
        return self.gaps.count(limit=MAX_COUNTED_ROWS + 1)

    @cached_property
    def gaps_on_page(self) -> list[PriceGap]:
        return self.gaps.page(limit=self.size, offset=(self.number - 1) * self.size)

    @cached_property
    def rows(self) -> list[Offering]:
        return [gap.offering for gap in self.gaps_on_page]


def _filter_price_gaps(
    request: HttpRequest, at: datetime
) -> tuple[OfferingFilter, PriceGaps, bool]:
    """Return (filter, price gaps that match it, whether only offerings in use are listed)."""
    offerings = Offering.objects.visible_to(request.user)
    filterset = OfferingFilter(request.GET, offerings, request=request)
    ids: set[int] | None = None
    if any(request.GET.getlist(name) for name in filterset.filters):
        ids = set(filterset.qs.order_by().values_list("pk", flat=True))
    gaps = PriceGaps(day_of(at), ids, request.GET.get("source", ""))
    only_used = request.GET.get("in_use", DEFAULT_FILTERS["in_use"]) == "true"
    if only_used:
        # sources differ about few offerings, so dependents are queried for those only and the gaps
        # are limited to the offerings in use
        used_ids = used_refs(
            kind=NodeKind.OFFERING, user=signed_in_user(request), on=day_of(at), among=gaps.ids()
        )
        gaps = replace(gaps, offering_ids=used_ids)
    return filterset, gaps, only_used


@require_safe
def price_gap_list(request: HttpRequest) -> HttpResponse:
    """Show the offerings whose sources state different prices, by the filters of the URL."""
    at = now()
    filterset, gaps, only_used = _filter_price_gaps(request, at)
    listing = GapListing(request, Offering.objects.none(), size=PAGE_SIZE, gaps=gaps)
    reach = reach_by_ref(
        kind=NodeKind.OFFERING,
        refs=[row.pk for row in listing.rows],
        user=request.user,
        on=day_of(at),
    )
    hosts = Provider.objects.visible_to(request.user).hosts().order_by("name")  # type: ignore[attr-defined]
    sources = (
        Source.objects.visible_to(request.user)
        .exclude(kind__in=Source.UNPOLLED)
        .order_by("trust_rank", "name")
    )
    return render_page(
        request,
        "feeds/price-gaps.html",
        fragment="listing",
        title="Source disagreements",
        counts="Live applications of yours standing on the offering",
        as_of=at,
        sentence=_build_headline(listing, only_used=only_used),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "API id contains", "search"),
                FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
                FilterControl(
                    "source", "Source", choices=list(sources.values_list("slug", "name"))
                ),
                FilterControl("in_use", "Stood on here", choices=BOOLEANS[:1]),
            ],
            default_values=DEFAULT_FILTERS,
        ),
        listing=listing,
        rows=[(gap, reach.get(gap.offering.pk, NodeReach())) for gap in listing.gaps_on_page],
        units=UNITS,
        all_query=changed_query(request, in_use="", page=None),
        only_used=only_used,
    )


def _build_headline(listing: GapListing, *, only_used: bool) -> Headline:
    n = f"{listing.count} {'offering' if listing.n_found == 1 else 'offerings'}"
    scope_text = "your applications stand on" if only_used else "in the catalogue"
    if listing.is_filtered:
        return Headline(f"Sources name different prices for {n} among those the filters leave.")
    if not listing.n_found:
        return Headline(
            "Sources agree on the prices of what is "
            f"{'stood on here' if only_used else 'in the catalogue'}."
        )
    return Headline(f"Sources name different prices for {n} {scope_text}.")


@require_safe
def price_gap_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send a row for each source's price of each offering that the page would show."""
    at = now()
    _, gaps, _ = _filter_price_gaps(request, at)

    def lines() -> Iterator[tuple[PriceGap, PriceSide]]:
        for gap in gaps.page(limit=MAX_COUNTED_ROWS):
            for side in gap.sides:
                yield gap, side

    def cells(line: tuple[PriceGap, PriceSide]) -> list[Any]:
        gap, side = line
        return [
            gap.offering.host.name,
            gap.offering.api_id,
            side.name,
            side.claim.external_id,
            *(side.amounts.get(unit) for unit in UNITS),
            side.currency,
            "yes" if side is gap.accepted else "",
            side.claim.changed_at,
            side.claim.source_url,
        ]

    heads = [
        "host",
        "api id",
        "source",
        "row",
        *(f"{unit} per million tokens" for unit in UNITS),
        "currency",
        "counts",
        "last change",
        "published at",
    ]
    return csv_response("price-differences", heads, lines(), cells)
