"""Versions: the list of releases, and the page of one with its dependent applications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.filters import VersionFilter
from apps.catalog.models import NodeKind, Offering, OfferingKind, Version
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.governance.approvals import decisions_by_target
from apps.web.drawings.base.picture import HALF
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import csv_response
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters import lineage
from apps.web.presenters.retirement_dates import OfferingSummary, retirements_headline
from apps.web.presenters.stated_values import present_common_values
from apps.web.views.catalog.columns import CRITICAL_APPLICATIONS, build_applications_column
from apps.web.views.catalog.foundation_detail import MAX_OFFERINGS, offering_section, price_csv
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
from apps.web.wording import number

MAX_OTHER_VERSIONS = 30
# aliases and derivations on the page of a version
MAX_RELATED = 50


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: Version
    n_offerings: int
    reach: DependentCount


def _describe_context(row: VersionRow) -> str:
    n_tokens = row.version.context_window
    return f"{number(n_tokens)} tokens context" if n_tokens else ""


class VersionList(ListPage[Version, VersionRow]):
    """Versions by the filters of the URL."""

    namespace = "versions"
    title = "Versions"
    nouns = ("version", "versions")
    counts = DEPENDENTS_COUNTED
    filterset_class = VersionFilter
    columns = (
        Column[VersionRow](
            "identifier",
            "Version",
            attrgetter("version.identifier"),
            note=lambda row: "published under an alias only" if row.version.moving else "",
            url=lambda row: reverse("versions:detail", args=[row.version.pk]),
            css=lambda row: "id",
            order=("identifier",),
        ),
        Column[VersionRow](
            "foundation",
            "Foundation",
            attrgetter("version.foundation.name"),
            note=attrgetter("version.foundation.developer.name"),
            url=lambda row: reverse("foundations:detail", args=[row.version.foundation.slug]),
            order=("foundation__name", "identifier"),
        ),
        Column[VersionRow](
            "released",
            "Released",
            attrgetter("version.released_on"),
            order=("-released_on", "identifier"),
            requires="released_on",
            template="versions/released-cell.html",
        ),
        Column[VersionRow](
            "access",
            "Access",
            lambda row: row.version.get_access_display(),
            note=_describe_context,
        ),
        Column[VersionRow](
            "model_ids",
            "Model IDs",
            attrgetter("n_offerings"),
            format=format_number,
            is_numeric=True,
        ),
        build_applications_column(),
    )
    file_columns = (
        FileColumn[VersionRow]("Name", attrgetter("version.name")),
        FileColumn[VersionRow]("Developer", attrgetter("version.foundation.developer.name")),
        FileColumn[VersionRow]("Knowledge cut-off", attrgetter("version.knowledge_cutoff")),
        FileColumn[VersionRow]("Context window", attrgetter("version.context_window")),
        FileColumn[VersionRow]("Alias only", lambda row: "yes" if row.version.moving else "no"),
        CRITICAL_APPLICATIONS,
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("access", "Access", choices=Version.Access.choices),
        FilterControl("moving", "Alias only", choices=BOOLEANS),
        FilterControl("released_from", "Released from", "date"),
    )
    default_order = ("identifier", ())

    def get_queryset(self) -> "QuerySet[Version]":
        return Version.objects.visible_to(self.user).select_related("foundation__developer")

    def build_rows(self, records: Sequence[Version]) -> Sequence[VersionRow]:
        pks = [version.pk for version in records]
        reach = dependent_counts(kind=NodeKind.VERSION, refs=pks, user=self.user)
        n_offerings_by_version = dict(
            Offering.objects.model_ids()
            .filter(version__in=pks)
            .order_by()
            .values_list("version")
            .annotate(n=Count("pk"))
        )
        return [
            VersionRow(
                version,
                n_offerings_by_version.get(version.pk, 0),
                reach.get(version.pk, DependentCount()),
            )
            for version in records
        ]

    def describe_all(self) -> Headline:
        return Headline(
            f"{self.count_records()} in the catalogue, each with its own retirement date."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No versions yet.",
            "Versions come with the catalogue. Feeds update it.",
            "View feeds",
            reverse("feeds:list"),
        )


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
    summaries, counts = offering_summaries(
        version.offerings.filter(kind=OfferingKind.MODEL_ID), user=user
    )
    count = count_dependents(NodeKind.VERSION, version.pk, user=user)
    names = names_in_use(NodeKind.VERSION, version.pk, user=user, today=day_of(at))
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
        names=names,
        sentence=retirements_headline(summaries, counts, count, data.today, hosts_of_names(names)),
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


def _load_capabilities(data: VersionData) -> dict[str, Any]:
    offerings = Offering.objects.model_ids().filter(version=data.version)
    return {"common": present_common_values(offerings, has_versions=False)}


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
    _tab("capabilities", "Capabilities", _load_capabilities, "h-common", "h-differing"),
    _tab("risks", "Risks and lineage", _load_risks, *("h-risks", "lineage", "lineage-table")),
)


@require_safe
def version_prices_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    version = _get_version_or_404(request, pk)
    summaries, _counts = offering_summaries(
        version.offerings.filter(kind=OfferingKind.MODEL_ID), user=signed_in_user(request)
    )
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
    summaries, counts = offering_summaries(
        version.offerings.filter(kind=OfferingKind.MODEL_ID), user=signed_in_user(request)
    )
    lines = claim_lines(lifecycle_tracks(load_offerings(summaries[:MAX_OFFERINGS]), counts))
    return csv_response(f"version-{pk}-lifecycle", CLAIM_HEADS, lines, lambda line: line)
