"""Foundation page: dependent applications, retirement dates by host, prices, lineage, findings."""

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.claims.disagreements import disagreements
from apps.catalog.models import Foundation, NodeKind, Offering
from apps.catalog.providers.track_record_queries import earliest_retirements, provider_track_record
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.governance.annex_documents import ON_FILE, annex_checklist
from apps.inventory.governance.approvals import decisions_by_target
from apps.web.drawings.base.picture import HALF
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import render_page
from apps.web.presenters import headlines, lineage, price_history
from apps.web.presenters.track_record import present_track_record
from apps.web.queries import prices_at
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

# offerings listed on the page; a link shows the others
MAX_OFFERINGS = 40
MAX_RELEASES = 30
_RECORD_LINES = 5


def _get_foundation_or_404(request: HttpRequest, slug: str) -> Foundation:
    return get_object_or_404(
        Foundation.objects.visible_to(request.user).select_related("developer"), slug=slug
    )


def _select_offerings(foundation: Foundation) -> QuerySet[Offering]:
    return Offering.objects.filter(version__foundation=foundation)


@require_safe
def foundation_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a foundation with its versions, offerings, prices, risks and dependents."""
    user = signed_in_user(request)
    foundation = _get_foundation_or_404(request, slug)
    at = now()
    today = day_of(at)
    versions = list(foundation.versions.order_by("released_on", "identifier"))
    summaries, counts = offering_summaries(_select_offerings(foundation), user=user)
    reach_by_version = dependent_counts(
        kind=NodeKind.VERSION, refs=[row.pk for row in versions[:MAX_RELEASES]], user=user
    )
    n_offerings_by_version = Counter(row.version_id for row in summaries)
    offerings = load_offerings(summaries if "all" in request.GET else summaries[:MAX_OFFERINGS])
    dependents = dependent_applications(NodeKind.FOUNDATION, foundation.pk, user=user, today=today)
    edges = lineage.lineage_edges([row.pk for row in versions[-lineage.MAX_EDGES :]])
    risks, n_risks = attached_risks(
        [
            (NodeKind.FOUNDATION, foundation.pk),
            *((NodeKind.VERSION, row.pk) for row in versions[:40]),
        ],
        user=user,
    )
    checklist = annex_checklist(foundation=foundation, user=user)
    return render_page(
        request,
        "foundations/detail.html",
        title=foundation.name,
        crumbs=(
            ("Foundations", reverse("foundations:list")),
            (
                foundation.developer.name,
                reverse("providers:detail", args=[foundation.developer.slug]),
            ),
        ),
        counts="Live applications of yours, in any role",
        as_of=at,
        foundation=foundation,
        families=list(foundation.aliases.filter(version=None).order_by("identifier")[:30]),
        sentence=headlines.retirements_headline(
            foundation.name,
            retirement_dates(summaries, counts),
            today,
            dependents.count.n,
            dependents.count.n_critical,
        ),
        standings=dependents,
        versions=[
            (row, n_offerings_by_version[row.pk], reach_by_version.get(row.pk, DependentCount()))
            for row in versions[:MAX_RELEASES]
        ],
        n_versions=len(versions),
        offerings=[(row, counts.get(row.pk, DependentCount())) for row in offerings],
        n_hidden=len(summaries) - len(offerings),
        earliest=earliest_retirements(offerings, today=today),
        prices=prices_at(offerings=[row.pk for row in offerings], at=at),
        lifecycle=lifecycle_picture(offerings, counts),
        history=price_section(request, offerings[:MAX_OFFERINGS], today),
        history_csv=reverse("foundations:prices-csv", args=[slug]),
        lineage=lineage.foundation_picture(foundation.pk, edges, width=HALF),
        edges=edges[:40],
        lineage_csv=reverse("foundations:lineage-csv", args=[slug]),
        risks=risks,
        n_risks=n_risks,
        disagreements=disagreements([row.pk for row in offerings], at=at)[:6],
        decision=decisions_by_target(targets=[foundation], on=today).get(
            ("foundation", foundation.pk)
        ),
        documents=(sum(line.status in ON_FILE for line in checklist), len(checklist))
        if checklist
        else None,
        record=present_track_record(provider_track_record(foundation.developer)).lines[
            :_RECORD_LINES
        ],
    )


def price_section(
    request: HttpRequest, offerings: list[Offering], today: Any
) -> dict[str, Any] | None:
    """Return the price history of the unit that the URL selects, otherwise of the first priced
    unit; None without prices. Three statements."""
    units = price_history.priced_units(offerings)
    if not units:
        return None
    requested_unit = request.GET.get("unit", "")
    unit = requested_unit if requested_unit in units else units[0]
    lines = price_history.price_histories(offerings, unit=unit, today=today)
    return {
        "unit": unit,
        "units": units,
        "lines": lines[:20],
        "n": len(lines),
        "n_drawn": min(len(lines), price_history.MAX_DRAWN_LINES),
        "drawn": price_history.price_picture(lines, unit=unit, today=today, width=HALF),
    }


def price_csv(request: HttpRequest, name: str, offerings: list[Offering]) -> StreamingHttpResponse:
    """Send the rows of the chart: of the unit that the URL names, otherwise of all units."""
    units = price_history.priced_units(offerings)
    requested_unit = request.GET.get("unit", "")
    today = day_of(now())
    lines = [
        line
        for unit in ([requested_unit] if requested_unit in units else units)
        for line in price_history.csv_lines(
            price_history.price_histories(offerings, unit=unit, today=today), unit
        )
    ]
    return csv_response(f"{name}-prices", price_history.HEADS, lines, lambda line: line)


@require_safe
def foundation_prices_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    foundation = _get_foundation_or_404(request, slug)
    summaries, _counts = offering_summaries(
        _select_offerings(foundation), user=signed_in_user(request)
    )
    return price_csv(request, slug, load_offerings(summaries[:MAX_OFFERINGS]))


@require_safe
def foundation_lineage_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    foundation = _get_foundation_or_404(request, slug)
    edges = lineage.lineage_edges(foundation.versions.values_list("pk", flat=True))
    return csv_response(
        f"{slug}-lineage", lineage.HEADS, lineage.csv_lines(edges), lambda line: line
    )


@require_safe
def foundation_claims_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send the lifecycle timeline as rows."""
    foundation = _get_foundation_or_404(request, slug)
    summaries, counts = offering_summaries(
        _select_offerings(foundation), user=signed_in_user(request)
    )
    drawn_offerings = lifecycle_tracks(load_offerings(summaries[:MAX_OFFERINGS]), counts)
    return csv_response(
        f"{slug}-lifecycle", CLAIM_HEADS, claim_lines(drawn_offerings), lambda line: line
    )
