"""Versions: the list of releases, and the page of one with its dependent applications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.filters import VersionFilter
from apps.catalog.models import NodeKind, Offering, Version
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.governance.approvals import decisions_by_target
from apps.web.drawings.base.picture import HALF
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters import headlines, lineage
from apps.web.presenters.retirement_dates import OfferingSummary, retirements_headline
from apps.web.views.catalog.foundation_detail import MAX_OFFERINGS, offering_section, price_csv
from apps.web.views.catalog.sections import (
    CLAIM_HEADS,
    DEPENDENTS_COUNTED,
    attached_risks,
    claim_lines,
    count_dependents,
    dependent_applications,
    lifecycle_picture,
    lifecycle_tracks,
    load_offerings,
    offering_summaries,
)

MAX_OTHER_VERSIONS = 30
# aliases and derivations on the page of a version
MAX_RELATED = 50
ORDERS = Sorting(
    {
        "identifier": ("Version", ("identifier",)),
        "released": ("Released", ("-released_on", "identifier")),
        "foundation": ("Foundation", ("foundation__name", "identifier")),
    }
)


def _filter_versions(request: HttpRequest) -> tuple[VersionFilter, "QuerySet[Version]"]:
    filterset = VersionFilter(
        request.GET, Version.objects.visible_to(request.user), request=request
    )
    queryset = filterset.qs
    if ORDERS.chosen(request)[0] == "released":
        queryset = queryset.filter(released_on__isnull=False)
    return filterset, ORDERS.apply(request, queryset.select_related("foundation__developer"))


def _build_rows(
    request: HttpRequest, versions: list[Version]
) -> list[tuple[Version, int, DependentCount]]:
    pks = [row.pk for row in versions]
    counts = dependent_counts(kind=NodeKind.VERSION, refs=pks, user=signed_in_user(request))
    n_offerings_by_version = dict(
        Offering.objects.filter(version__in=pks)
        .order_by()
        .values_list("version")
        .annotate(n=Count("pk"))
    )
    return [
        (row, n_offerings_by_version.get(row.pk, 0), counts.get(row.pk, DependentCount()))
        for row in versions
    ]


@require_safe
def version_list(request: HttpRequest) -> HttpResponse:
    """Show the versions, by the filters and the order of the URL."""
    filterset, queryset = _filter_versions(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "versions/list.html",
        fragment="listing",
        title="Versions",
        counts=DEPENDENTS_COUNTED,
        sentence=headlines.list_headline(
            listing.count,
            "version",
            "versions",
            is_filtered=listing.is_filtered,
            suffix=""
            if listing.is_filtered
            else " in the catalogue, each with its own retirement date",
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("access", "Access", choices=Version.Access.choices),
                FilterControl("moving", "Alias only", choices=BOOLEANS),
                FilterControl("released_from", "Released from", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_build_rows(request, listing.rows),
    )


@require_safe
def version_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all versions that match the filters."""
    _found, queryset = _filter_versions(request)
    heads = [
        "version",
        "name",
        "foundation",
        "developer",
        "released",
        "knowledge cut-off",
        "context window",
        "access",
        "alias only",
        "offerings",
        "applications",
        "critical",
    ]

    def cells(line: tuple[Version, int, DependentCount]) -> list[Any]:
        row, n, count = line
        return [
            row.identifier,
            row.name,
            row.foundation.name,
            row.foundation.developer.name,
            row.released_on,
            row.knowledge_cutoff,
            row.context_window,
            row.access,
            "yes" if row.moving else "no",
            n,
            count.n,
            count.n_critical,
        ]

    return csv_response("versions", heads, _build_rows(request, list(queryset[:10_000])), cells)


def _get_version_or_404(request: HttpRequest, pk: int) -> Version:
    rows = Version.objects.visible_to(request.user).select_related(
        "foundation__developer", "predecessor"
    )
    return get_object_or_404(rows, pk=pk)


@dataclass(frozen=True, slots=True)
class VersionData:
    """What the header of the page has loaded, for every tab."""

    request: HttpRequest
    user: User
    version: Version
    at: datetime
    summaries: Sequence[OfferingSummary]
    counts: Mapping[int, DependentCount]
    count: DependentCount

    @property
    def today(self) -> date:
        return day_of(self.at)


@require_safe
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a version: its retirements and dependents, or the tab that the URL selects."""
    user = signed_in_user(request)
    version = _get_version_or_404(request, pk)
    foundation = version.foundation
    at = now()
    summaries, counts = offering_summaries(version.offerings.all(), user=user)
    count = count_dependents(NodeKind.VERSION, version.pk, user=user)
    data = VersionData(request, user, version, at, summaries, counts, count)
    decisions = decisions_by_target(targets=[version, foundation], on=data.today)
    return render_page(
        request,
        "versions/detail.html",
        title=version.name,
        crumbs=(
            ("Foundations", reverse("foundations:list")),
            (
                foundation.developer.name,
                reverse("providers:detail", args=[foundation.developer.slug]),
            ),
            (foundation.name, reverse("foundations:detail", args=[foundation.slug])),
        ),
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        version=version,
        foundation=foundation,
        sentence=retirements_headline(summaries, counts, count, data.today),
        decision=decisions.get(("version", version.pk))
        or decisions.get(("foundation", foundation.pk)),
        **load_tabs(request, TABS, data, counts={"offerings": len(summaries)}),
    )


def _load_overview(data: VersionData) -> dict[str, Any]:
    version = data.version
    offerings = load_offerings(data.summaries[:MAX_OFFERINGS])
    others = version.foundation.versions.exclude(pk=version.pk)
    return {
        "standings": dependent_applications(
            NodeKind.VERSION, version.pk, user=data.user, today=data.today, count=data.count
        ),
        "lifecycle": lifecycle_picture(offerings, data.counts),
        "disagreements": disagreements([row.pk for row in offerings], at=data.at)[:6],
        "others": others.order_by("released_on", "identifier")[:MAX_OTHER_VERSIONS],
        "alias_records": list(version.alias_records.order_by("identifier")[:MAX_RELATED]),
        "derivations": list(
            version.derived_from.select_related("parent").order_by("parent__identifier")[
                :MAX_RELATED
            ]
        ),
    }


def _load_offerings_tab(data: VersionData) -> dict[str, Any]:
    return {
        "history_csv": reverse("versions:prices-csv", args=[data.version.pk]),
        **offering_section(data.request, data.summaries, data.counts, at=data.at, today=data.today),
    }


def _load_risks(data: VersionData) -> dict[str, Any]:
    version = data.version
    edges = lineage.lineage_edges([version.pk])
    risks, n_risks = attached_risks(
        [(NodeKind.VERSION, version.pk), (NodeKind.FOUNDATION, version.foundation_id)],
        user=data.user,
    )
    return {
        "risks": risks,
        "n_risks": n_risks,
        "lineage": lineage.version_picture(version, edges, width=HALF),
        "edges": edges[:40],
        "lineage_csv": reverse("versions:lineage-csv", args=[version.pk]),
    }


def _tab(
    name: str, label: str, load: Callable[[VersionData], Any], *anchors: str
) -> Tab[VersionData]:
    return Tab(name, label, f"versions/tabs/{name}.html", load, anchors)


TABS = (
    _tab("overview", "Overview", _load_overview, "h-stands", "h-facts"),
    _tab(
        "offerings",
        "Model IDs and prices",
        _load_offerings_tab,
        *("h-offerings", "prices", "price-table"),
    ),
    _tab("risks", "Risks and lineage", _load_risks, *("h-risks", "lineage", "lineage-table")),
)


@require_safe
def version_prices_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    version = _get_version_or_404(request, pk)
    summaries, _counts = offering_summaries(version.offerings.all(), user=signed_in_user(request))
    return price_csv(request, f"version-{pk}", load_offerings(summaries[:MAX_OFFERINGS]))


@require_safe
def version_lineage_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    version = _get_version_or_404(request, pk)
    edges = lineage.lineage_edges([version.pk])
    return csv_response(
        f"version-{pk}-lineage", lineage.HEADS, lineage.csv_lines(edges), lambda line: line
    )


@require_safe
def version_claims_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the lifecycle timeline as rows."""
    version = _get_version_or_404(request, pk)
    summaries, counts = offering_summaries(version.offerings.all(), user=signed_in_user(request))
    lines = claim_lines(lifecycle_tracks(load_offerings(summaries[:MAX_OFFERINGS]), counts))
    return csv_response(f"version-{pk}-lifecycle", CLAIM_HEADS, lines, lambda line: line)
