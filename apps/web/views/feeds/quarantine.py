"""Quarantined rows of feeds: not in the catalogue, listed with the reason and the raw row."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.feeds.filters import QuarantinedRowFilter
from apps.feeds.models import QuarantinedRow
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.views.feeds.queries import polled_sources


def _filter_quarantined_rows(
    request: HttpRequest,
) -> tuple[QuarantinedRowFilter, "QuerySet[QuarantinedRow]"]:
    """Return the filter and its rows, latest first; only rows still quarantined unless the URL says
    otherwise."""
    query = request.GET.copy()
    query.setdefault("open", "true")
    filterset = QuarantinedRowFilter(
        query, QuarantinedRow.objects.visible_to(request.user), request=request
    )
    return filterset, filterset.qs.select_related("source").order_by(
        "-first_seen", "external_id", "pk"
    )


@require_safe
def quarantine_list(request: HttpRequest) -> HttpResponse:
    """Show the rejected rows of all feeds, by the filters of the URL."""
    filterset, queryset = _filter_quarantined_rows(request)
    listing = PaginatedList(request, queryset)
    predicate = (
        "" if listing.is_filtered else " is set aside" if listing.count == "1" else " are set aside"
    )
    return render_page(
        request,
        "feeds/quarantined.html",
        fragment="listing",
        title="Quarantined rows",
        crumbs=(("Feeds", reverse("feeds:list")),),
        counts="Rows of feeds, each once per reason",
        sentence=headlines.list_headline(
            listing.count, "row", "rows", is_filtered=listing.is_filtered, suffix=predicate
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Row contains", "search"),
                FilterControl(
                    "source",
                    "Source",
                    choices=list(polled_sources(request.user).values_list("slug", "name")),
                ),
                FilterControl("open", "Still set aside", choices=BOOLEANS),
            ],
            default_values={"open": "true"},
        ),
        listing=listing,
    )


@require_safe
def quarantine_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all rejected rows that match the filters."""

    def cells(row: QuarantinedRow) -> list[Any]:
        return [
            row.source.name,
            row.external_id,
            row.reason,
            row.first_seen,
            row.resolved_at,
            row.excerpt,
        ]

    return csv_response(
        "quarantine",
        ["source", "row", "reason", "since", "gone", "raw"],
        _filter_quarantined_rows(request)[1].iterator(chunk_size=2000),
        cells,
    )
