"""Foundation page: retirement dates by host and dependent applications, model IDs with prices,
risks and lineage."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.models import Foundation, NodeKind, Offering, Product, ProductModel
from apps.catalog.providers.track_record_queries import earliest_retirements, provider_track_record
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.governance.annex_documents import ON_FILE, annex_checklist
from apps.inventory.governance.approvals import decisions_by_target
from apps.web.drawings.base.picture import HALF
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters import lineage, price_history
from apps.web.presenters.retirement_dates import (
    OfferingSummary,
    inherited_dates,
    retirements_headline,
)
from apps.web.presenters.stated_values import present_common_values
from apps.web.presenters.track_record import present_track_record
from apps.web.queries import prices_at
from apps.web.views.catalog.sections import (
    CLAIM_HEADS,
    DEPENDENTS_COUNTED,
    attached_risks,
    claim_lines,
    count_dependents,
    dependent_applications,
    hosts_of_names,
    lifecycle_picture,
    lifecycle_tracks,
    load_offerings,
    names_in_use,
    offering_summaries,
)

# offerings listed on the page; a link shows the others
MAX_OFFERINGS = 40
MAX_RELEASES = 30
MAX_PRODUCTS = 50
_RECORD_LINES = 5


def _get_foundation_or_404(request: HttpRequest, slug: str) -> Foundation:
    return get_object_or_404(
        Foundation.objects.visible_to(request.user).select_related("developer"), slug=slug
    )


def _select_offerings(foundation: Foundation) -> QuerySet[Offering]:
    return Offering.objects.model_ids().filter(version__foundation=foundation)


@dataclass(frozen=True, slots=True)
class FoundationData:
    """What the header of the page has loaded, for every tab."""

    request: HttpRequest
    user: User
    foundation: Foundation
    at: datetime
    summaries: Sequence[OfferingSummary]
    counts: Mapping[int, DependentCount]
    count: DependentCount

    @property
    def today(self) -> date:
        return day_of(self.at)


@require_safe
def foundation_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a foundation: its retirements and dependents, or the tab that the URL selects."""
    user = signed_in_user(request)
    foundation = _get_foundation_or_404(request, slug)
    at = now()
    summaries, counts = offering_summaries(_select_offerings(foundation), user=user)
    count = count_dependents(NodeKind.FOUNDATION, foundation.pk, user=user)
    names = names_in_use(NodeKind.FOUNDATION, foundation.pk, user=user, today=day_of(at))
    data = FoundationData(request, user, foundation, at, summaries, counts, count)
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
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        foundation=foundation,
        names=names,
        sentence=retirements_headline(summaries, counts, count, data.today, hosts_of_names(names)),
        decision=decisions_by_target(targets=[foundation], on=data.today).get(
            ("foundation", foundation.pk)
        ),
        **load_tabs(request, TABS, data, counts={"offerings": len(summaries)}),
    )


def _load_overview(data: FoundationData) -> dict[str, Any]:
    offerings = load_offerings(data.summaries[:MAX_OFFERINGS])
    checklist = annex_checklist(foundation=data.foundation, user=data.user)
    return {
        "standings": dependent_applications(
            NodeKind.FOUNDATION,
            data.foundation.pk,
            user=data.user,
            today=data.today,
            count=data.count,
        ),
        "lifecycle": lifecycle_picture(offerings, data.counts),
        "disagreements": disagreements([row.pk for row in offerings], at=data.at)[:6],
        "products": list(products_with(data.foundation)[:MAX_PRODUCTS]),
        "documents": (sum(line.status in ON_FILE for line in checklist), len(checklist))
        if checklist
        else None,
    }


def products_with(foundation: Foundation) -> "QuerySet[Product]":
    """Return the products that may contain a model of the foundation."""
    models = ProductModel.objects.filter(
        Q(foundation=foundation) | Q(version__foundation=foundation)
    )
    return Product.objects.filter(pk__in=models.values("product")).select_related("vendor")


def _load_offerings_tab(data: FoundationData) -> dict[str, Any]:
    versions = list(data.foundation.versions.order_by("released_on", "identifier"))
    reach_by_version = dependent_counts(
        kind=NodeKind.VERSION, refs=[row.pk for row in versions[:MAX_RELEASES]], user=data.user
    )
    n_offerings_by_version = Counter(row.version_id for row in data.summaries)
    return {
        "versions": [
            (row, n_offerings_by_version[row.pk], reach_by_version.get(row.pk, DependentCount()))
            for row in versions[:MAX_RELEASES]
        ],
        "n_versions": len(versions),
        "families": list(
            data.foundation.aliases.filter(version=None).order_by("identifier")[:MAX_RELEASES]
        ),
        "history_csv": reverse("foundations:prices-csv", args=[data.foundation.slug]),
        **offering_section(data.request, data.summaries, data.counts, at=data.at, today=data.today),
    }


def offering_section(
    request: HttpRequest,
    summaries: Sequence[OfferingSummary],
    counts: Mapping[int, DependentCount],
    *,
    at: datetime,
    today: date,
) -> dict[str, Any]:
    """Return the context of the table of offerings and of the price history, at most
    MAX_OFFERINGS of them unless the URL asks for all; about six statements."""
    offerings = load_offerings(summaries if "all" in request.GET else summaries[:MAX_OFFERINGS])
    return {
        "offerings": [(row, counts.get(row.pk, DependentCount())) for row in offerings],
        "n_hidden": len(summaries) - len(offerings),
        "inherited": inherited_dates(summaries),
        "earliest": earliest_retirements(offerings, today=today),
        "prices": prices_at(offerings=[row.pk for row in offerings], at=at),
        "history": price_section(request, offerings[:MAX_OFFERINGS], today),
    }


def _load_capabilities(data: FoundationData) -> dict[str, Any]:
    return {"common": present_common_values(_select_offerings(data.foundation), has_versions=True)}


def _load_risks(data: FoundationData) -> dict[str, Any]:
    foundation = data.foundation
    versions = list(
        foundation.versions.order_by("released_on", "identifier").values_list("pk", flat=True)
    )
    edges = lineage.lineage_edges(versions[-lineage.MAX_EDGES :])
    risks, n_risks = attached_risks(
        [
            (NodeKind.FOUNDATION, foundation.pk),
            *((NodeKind.VERSION, pk) for pk in versions[:40]),
        ],
        user=data.user,
    )
    record = present_track_record(provider_track_record(foundation.developer))
    return {
        "risks": risks,
        "n_risks": n_risks,
        "lineage": lineage.foundation_picture(foundation.pk, edges, width=HALF),
        "edges": edges[:40],
        "lineage_csv": reverse("foundations:lineage-csv", args=[foundation.slug]),
        "record": record.lines[:_RECORD_LINES],
    }


def _tab(
    name: str, label: str, load: Callable[[FoundationData], Any], *anchors: str
) -> Tab[FoundationData]:
    return Tab(name, label, f"foundations/tabs/{name}.html", load, anchors)


TABS = (
    _tab("overview", "Overview", _load_overview, "h-stands"),
    _tab(
        "offerings",
        "Model IDs and prices",
        _load_offerings_tab,
        *("h-offerings", "h-versions", "prices", "price-table"),
    ),
    _tab("capabilities", "Capabilities", _load_capabilities, "h-common", "h-differing"),
    _tab(
        "risks",
        "Risks and lineage",
        _load_risks,
        *("h-risks", "lineage", "lineage-table", "h-record"),
    ),
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
