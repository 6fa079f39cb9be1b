"""Versions: the list of releases, and the page of one with its dependent applications."""

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


# aliases and derivations on the page of a version
MAX_RELATED = 50


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
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("access", "Access", choices=Version.Access.choices),
                FilterControl("moving", "Only under a moving name", choices=BOOLEANS),
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

    return csv_response("versions", heads, _build_rows(request, list(queryset[:10_000])), cells)


def _get_version_or_404(request: HttpRequest, pk: int) -> Version:
    rows = Version.objects.visible_to(request.user).select_related(
        "foundation__developer", "predecessor"
    )
    return get_object_or_404(rows, pk=pk)


@require_safe
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a version with its lineage, offerings and dependents."""
    user = signed_in_user(request)
    version = _get_version_or_404(request, pk)
    at = now()
    today = day_of(at)
    summaries, counts = offering_summaries(version.offerings.all(), user=user)
    offerings = load_offerings(summaries if "all" in request.GET else summaries[:MAX_OFFERINGS])
    dependents = dependent_applications(NodeKind.VERSION, version.pk, user=user, today=today)
    edges = lineage.lineage_edges([version.pk])
    risks, n_risks = attached_risks(
        [(NodeKind.VERSION, version.pk), (NodeKind.FOUNDATION, version.foundation_id)], user=user
    )
    foundation = version.foundation
    decisions = decisions_by_target(targets=[version, foundation], on=today)
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
        counts="Live applications of yours, in any role",
        as_of=at,
        version=version,
        foundation=foundation,
        alias_records=list(version.alias_records.order_by("identifier")[:MAX_RELATED]),
        derivations=list(
            version.derived_from.select_related("parent").order_by("parent__identifier")[
                :MAX_RELATED
            ]
        ),
        sentence=headlines.retirements_headline(
            version.name,
            retirement_dates(summaries, counts),
            today,
            dependents.count.n,
            dependents.count.n_critical,
        ),
        standings=dependents,
        others=foundation.versions.exclude(pk=version.pk).order_by("released_on", "identifier")[
            :30
        ],
        offerings=[(row, counts.get(row.pk, DependentCount())) for row in offerings],
        n_hidden=len(summaries) - len(offerings),
        earliest=earliest_retirements(offerings, today=today),
        prices=prices_at(offerings=[row.pk for row in offerings], at=at),
        lifecycle=lifecycle_picture(offerings, counts),
        history=price_section(request, offerings[:MAX_OFFERINGS], today),
        history_csv=reverse("versions:prices-csv", args=[pk]),
        lineage=lineage.version_picture(version, edges, width=HALF),
        edges=edges[:40],
        lineage_csv=reverse("versions:lineage-csv", args=[pk]),
        risks=risks,
        n_risks=n_risks,
        disagreements=disagreements([row.pk for row in offerings], at=at)[:6],
        decision=decisions.get(("version", version.pk))
        or decisions.get(("foundation", foundation.pk)),
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
