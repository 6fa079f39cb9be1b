"""Versions: the list of releases, and the page of one with what depends on it."""

from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.claims.disagreements import disagreements
from apps.catalog.filters import VersionFilter
from apps.catalog.models import NodeKind, Offering, Version
from apps.catalog.providers.track_record_queries import earliest_retirements
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.governance.approvals import decisions_by_target
from apps.web.drawings.base.picture import HALF
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import render_page
from apps.web.presenters import headlines, lineage
from apps.web.queries import prices_at
from apps.web.views.catalog.foundation_detail import MAX_OFFERINGS, price_csv, price_section
from apps.web.views.catalog.sections import (
    CLAIM_HEADS,
    attached_risks,
    claim_lines,
    dependent_applications,
    lifecycle_picture,
    lifecycle_tracks,
    load_offerings,
    offering_summaries,
    retirement_dates,
)

ORDERS = Sorting(
    {
        "identifier": ("Version", ("identifier",)),
        "released": ("Released", ("-released_on", "identifier")),
        "foundation": ("Foundation", ("foundation__name", "identifier")),
    }
)


def _filtered(request: HttpRequest) -> tuple[VersionFilter, "QuerySet[Version]"]:
    found = VersionFilter(request.GET, Version.objects.visible_to(request.user), request=request)
    queryset = found.qs
    if ORDERS.chosen(request)[0] == "released":
        queryset = queryset.filter(released_on__isnull=False)
    return found, ORDERS.apply(request, queryset.select_related("foundation__developer"))


def _rows(
    request: HttpRequest, versions: list[Version]
) -> list[tuple[Version, int, DependentCount]]:
    pks = [row.pk for row in versions]
    counts = dependent_counts(kind=NodeKind.VERSION, refs=pks, user=signed_in_user(request))
    offered = dict(
        Offering.objects.filter(version__in=pks)
        .order_by()
        .values_list("version")
        .annotate(n=Count("pk"))
    )
    return [(row, offered.get(row.pk, 0), counts.get(row.pk, DependentCount())) for row in versions]


@require_safe
def version_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "versions/list.html",
        fragment="listing",
        title="Versions",
        counts="Live applications of yours, in any role",
        sentence=headlines.list_headline(
            listing.count,
            "version",
            "versions",
            is_filtered=listing.is_filtered,
            suffix=""
            if listing.is_filtered
            else " of foundations are known, each a release that can end by itself",
        ),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("access", "Access", choices=Version.Access.choices),
                FilterControl("moving", "Only under a moving name", choices=BOOLEANS),
                FilterControl("released_from", "Released from", "date"),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_rows(request, listing.rows),
    )


@require_safe
def version_csv(request: HttpRequest) -> StreamingHttpResponse:
    _found, queryset = _filtered(request)
    heads = [
        "version",
        "name",
        "foundation",
        "developer",
        "released",
        "knowledge until",
        "context window",
        "access",
        "moving",
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

    return csv_response("versions", heads, _rows(request, list(queryset[:10_000])), cells)


def _one(request: HttpRequest, pk: int) -> Version:
    rows = Version.objects.visible_to(request.user).select_related(
        "foundation__developer", "predecessor"
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in_user(request)
    this = _one(request, pk)
    at = now()
    today = day_of(at)
    every, counts = offering_summaries(this.offerings.all(), user=user)
    listed = load_offerings(every if "all" in request.GET else every[:MAX_OFFERINGS])
    standings = dependent_applications(NodeKind.VERSION, this.pk, user=user, today=today)
    edges = lineage.lineage_edges([this.pk])
    risks, n_risks = attached_risks(
        [(NodeKind.VERSION, this.pk), (NodeKind.FOUNDATION, this.foundation_id)], user=user
    )
    foundation = this.foundation
    decisions = decisions_by_target(targets=[this, foundation], on=today)
    return render_page(
        request,
        "versions/detail.html",
        title=this.name,
        crumbs=(
            ("Foundations", reverse("foundations:list")),
            (
                foundation.developer.name,
                reverse("providers:detail", args=[foundation.developer.slug]),
            ),
            (foundation.name, reverse("foundations:detail", args=[foundation.slug])),
        ),
        counts="Live applications of yours, in any role",
        as_of=at,
        version=this,
        foundation=foundation,
        sentence=headlines.retirements_headline(
            this.name,
            retirement_dates(every, counts),
            today,
            standings.count.n,
            standings.count.n_critical,
        ),
        standings=standings,
        others=foundation.versions.exclude(pk=this.pk).order_by("released_on", "identifier")[:30],
        offerings=[(row, counts.get(row.pk, DependentCount())) for row in listed],
        n_hidden=len(every) - len(listed),
        earliest=earliest_retirements(listed, today=today),
        prices=prices_at(offerings=[row.pk for row in listed], at=at),
        lifecycle=lifecycle_picture(listed, counts),
        history=price_section(request, listed[:MAX_OFFERINGS], today),
        history_csv=reverse("versions:prices-csv", args=[pk]),
        lineage=lineage.version_picture(this, edges, width=HALF),
        edges=edges[:40],
        lineage_csv=reverse("versions:lineage-csv", args=[pk]),
        risks=risks,
        n_risks=n_risks,
        disagreements=disagreements([row.pk for row in listed], at=at)[:6],
        decision=decisions.get(("version", this.pk))
        or decisions.get(("foundation", foundation.pk)),
    )


@require_safe
def version_prices_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    this = _one(request, pk)
    every, _counts = offering_summaries(this.offerings.all(), user=signed_in_user(request))
    return price_csv(request, f"version-{pk}", load_offerings(every[:MAX_OFFERINGS]))


@require_safe
def version_lineage_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    this = _one(request, pk)
    edges = lineage.lineage_edges([this.pk])
    return csv_response(
        f"version-{pk}-lineage", lineage.HEADS, lineage.csv_lines(edges), lambda line: line
    )


@require_safe
def version_claims_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the lifecycle timeline as rows."""
    this = _one(request, pk)
    every, counts = offering_summaries(this.offerings.all(), user=signed_in_user(request))
    lines = claim_lines(lifecycle_tracks(load_offerings(every[:MAX_OFFERINGS]), counts))
    return csv_response(f"version-{pk}-lifecycle", CLAIM_HEADS, lines, lambda line: line)
