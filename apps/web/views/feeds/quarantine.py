"""Quarantined rows of feeds: not in the catalogue, listed with the reason and the raw row."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import ClassVar

from django.db.models import QuerySet
from django.urls import reverse

from apps.common.text import pluralize
from apps.feeds.filters import QuarantinedRowFilter
from apps.feeds.models import QuarantinedRow
from apps.web.lists.columns import Column, FileColumn, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.views.feeds.queries import polled_sources
from apps.web.wording import day


class QuarantineList(ListPage[QuarantinedRow, QuarantinedRow]):
    """Quarantined rows by the filters of the URL, latest first; only those still quarantined unless
    the URL says otherwise."""

    namespace = "feeds"
    route = "quarantine"
    title = "Quarantined rows"
    nouns = ("quarantined row", "quarantined rows")
    crumbs = (("Feeds", "feeds:list"),)
    counts = "Rows of feeds, each once per reason"
    filterset_class = QuarantinedRowFilter
    columns = (
        Column[QuarantinedRow]("row", "Row", attrgetter("external_id"), css=lambda row: "id"),
        Column[QuarantinedRow](
            "feed",
            "Feed",
            attrgetter("source.name"),
            url=lambda row: reverse("feeds:detail", args=[row.source.slug]),
        ),
        Column[QuarantinedRow](
            "reason", "Reason", attrgetter("reason"), template="feeds/quarantine-reason.html"
        ),
        Column[QuarantinedRow](
            "since",
            "Quarantined",
            attrgetter("first_seen"),
            format=format_moment,
            note=lambda row: f"until {day(row.resolved_at)}" if row.resolved_at else "",
        ),
    )
    file_columns = (
        FileColumn[QuarantinedRow]("No longer sent", attrgetter("resolved_at")),
        FileColumn[QuarantinedRow]("Raw row", attrgetter("excerpt")),
    )
    default_filters: ClassVar[Mapping[str, str]] = {"open": "true"}
    default_order = ("", ("-first_seen", "external_id", "pk"))

    def get_queryset(self) -> "QuerySet[QuarantinedRow]":
        return QuarantinedRow.objects.visible_to(self.user).select_related("source")

    def get_controls(self) -> Sequence[FilterControl]:
        sources = list(polled_sources(self.user).values_list("slug", "name"))
        return (
            FilterControl("q", "Row contains", "search"),
            FilterControl("source", "Feed", choices=sources),
            FilterControl("open", "Still quarantined", choices=BOOLEANS),
        )

    def describe_all(self) -> Headline:
        is_single = self.listing.n_found == 1
        verb = pluralize(self.listing.n_found, "is", "are")
        row = "row" if is_single else "rows"
        return Headline(f"{self.listing.count} {row} {verb} quarantined.")

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No rows are quarantined.",
            "A row that cannot be read, or has an impossible date or price, does not reach the "
            "catalogue. The row is listed here with its reason; the other rows of its feed are "
            "used.",
            "View all quarantined rows of the past",
            "?open=",
        )
