"""Versions: the list of releases, and one of them with what stands on it."""

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
from apps.web import lineage, sentences
from apps.web.drawings.picture import HALF
from apps.web.filtering import BOOLEANS, Control, filters
from apps.web.forms import signed_in
from apps.web.listing import Listing, Sorting, csv_answer
from apps.web.page import page
from apps.web.queries import prices_at
from apps.web.views.catalogue_parts import (
    CLAIM_HEADS,
    briefs_of,
    claim_lines,
    ends_of,
    lifecycle_of,
    loaded,
    risks_on,
    standings_on,
    tracked,
)
from apps.web.views.foundation import LISTED, price_csv, prices_of

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
    counts = dependent_counts(kind=NodeKind.VERSION, refs=pks, user=signed_in(request))
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
    listing = Listing(request, queryset)
    return page(
        request,
        "versions/list.html",
        fragment="listing",
        title="Versions",
        counts="Live applications of yours, in any role",
        sentence=sentences.of_list(
            listing.count,
            "version",
            "versions",
            filtered=listing.is_filtered,
            rest=""
            if listing.is_filtered
            else " of foundations are known, each a release that can end by itself",
        ),
        filters=filters(
            request,
            found,
            [
                Control("q", "Search", "search"),
                Control("access", "Access", choices=Version.Access.choices),
                Control("moving", "Only under a moving name", choices=BOOLEANS),
                Control("released_from", "Released from", "date"),
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

    return csv_answer("versions", heads, _rows(request, list(queryset[:10_000])), cells)


def _one(request: HttpRequest, pk: int) -> Version:
    rows = Version.objects.visible_to(request.user).select_related(
        "foundation__developer", "predecessor"
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
def version(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    this = _one(request, pk)
    at = now()
    today = day_of(at)
    every, counts = briefs_of(this.offerings.all(), user=user)
    listed = loaded(every if "all" in request.GET else every[:LISTED])
    standings = standings_on(NodeKind.VERSION, this.pk, user=user, today=today)
    edges = lineage.edges_of([this.pk])
    risks, n_risks = risks_on(
        [(NodeKind.VERSION, this.pk), (NodeKind.FOUNDATION, this.foundation_id)], user=user
    )
    foundation = this.foundation
    decisions = decisions_by_target(targets=[this, foundation], on=today)
    return page(
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
        sentence=sentences.of_ends(
            this.name, ends_of(every, counts), today, standings.count.n, standings.count.n_critical
        ),
        standings=standings,
        others=foundation.versions.exclude(pk=this.pk).order_by("released_on", "identifier")[:30],
        offerings=[(row, counts.get(row.pk, DependentCount())) for row in listed],
        n_hidden=len(every) - len(listed),
        earliest=earliest_retirements(listed, today=today),
        prices=prices_at(offerings=[row.pk for row in listed], at=at),
        lifecycle=lifecycle_of(listed, counts),
        history=prices_of(request, listed[:LISTED], today),
        history_csv=reverse("versions:prices-csv", args=[pk]),
        lineage=lineage.of_version(this, edges, width=HALF),
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
    every, _counts = briefs_of(this.offerings.all(), user=signed_in(request))
    return price_csv(request, f"version-{pk}", loaded(every[:LISTED]))


@require_safe
def version_lineage_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    this = _one(request, pk)
    edges = lineage.edges_of([this.pk])
    return csv_answer(
        f"version-{pk}-lineage", lineage.HEADS, lineage.csv_lines(edges), lambda line: line
    )


@require_safe
def version_claims_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The lifecycle drawing as rows."""
    this = _one(request, pk)
    every, counts = briefs_of(this.offerings.all(), user=signed_in(request))
    lines = claim_lines(tracked(loaded(every[:LISTED]), counts))
    return csv_answer(f"version-{pk}-lifecycle", CLAIM_HEADS, lines, lambda line: line)
