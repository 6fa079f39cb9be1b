"""Foundation list, those that applications depend on first."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.catalog.filters import FoundationFilter
from apps.catalog.models import DateKind, Foundation, NodeKind, Offering, Provider, Version
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts, used_nodes
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import render_page
from apps.web.presenters import headlines
from apps.web.views.catalog.sections import DEPENDENTS_COUNTED

ORDERS = Sorting(
    {
        "used": ("In use", ("used", "name", "pk")),
        "name": ("Foundation", ("name", "pk")),
        "developer": ("Developer", ("developer__name", "name", "pk")),
    }
)


def _filter_foundations(request: HttpRequest) -> tuple[FoundationFilter, "QuerySet[Foundation]"]:
    """Return the filter and its foundations, annotated with `used`: 0 if a visible application
    depends on them, otherwise 1, so that those sort first."""
    refs = used_nodes(kind=NodeKind.FOUNDATION, user=signed_in_user(request))
    foundations = Foundation.objects.visible_to(request.user).annotate(
        used=Case(When(pk__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField())
    )
    filterset = FoundationFilter(request.GET, foundations, request=request)
    queryset = filterset.qs.filter(used=0) if request.GET.get("in_use") == "true" else filterset.qs
    return filterset, ORDERS.apply(request, queryset.select_related("developer"))


@dataclass(frozen=True, slots=True)
class FoundationListRow:
    foundation: Foundation
    n_versions: int
    n_offerings: int
    n_hosts: int
    ends_on: Any
    reach: DependentCount


def _build_rows(request: HttpRequest, foundations: list[Foundation]) -> list[FoundationListRow]:
    """Return the foundations as rows with their counts; a fixed number of statements."""
    today = day_of(now())
    pks = [foundation.pk for foundation in foundations]
    offering_counts = {
        row["version__foundation"]: row
        for row in Offering.objects.filter(version__foundation__in=pks)
        .order_by()
        .values("version__foundation")
        .annotate(
            n=Count("pk"),
            n_hosts=Count("host", distinct=True),
            # an earliest possible date is not a retirement date
            ends_on=Min(
                "retires_on", filter=Q(retires_on__gte=today) & ~Q(date_kind=DateKind.NOT_BEFORE)
            ),
        )
    }
    n_versions_by_foundation = dict(
        Version.objects.filter(foundation__in=pks)
        .order_by()
        .values_list("foundation")
        .annotate(n=Count("pk"))
    )
    reach = dependent_counts(kind=NodeKind.FOUNDATION, refs=pks, user=signed_in_user(request))
    no_offerings: dict[str, Any] = {"n": 0, "n_hosts": 0, "ends_on": None}
    return [
        FoundationListRow(
            foundation,
            n_versions_by_foundation.get(foundation.pk, 0),
            offering_counts.get(foundation.pk, no_offerings)["n"],
            offering_counts.get(foundation.pk, no_offerings)["n_hosts"],
            offering_counts.get(foundation.pk, no_offerings)["ends_on"],
            reach.get(foundation.pk, DependentCount()),
        )
        for foundation in foundations
    ]


@require_safe
def foundation_list(request: HttpRequest) -> HttpResponse:
    """Show the foundations, by the filters and the order of the URL."""
    filterset, queryset = _filter_foundations(request)
    listing = PaginatedList(request, queryset)
    developers = (
        Provider.objects.visible_to(request.user).filter(foundations__isnull=False).distinct()
    )
    return render_page(
        request,
        "foundations/list.html",
        fragment="listing",
        title="Foundations",
        counts=DEPENDENTS_COUNTED,
        sentence=headlines.list_headline(
            listing.count,
            "foundation",
            "foundations",
            is_filtered=listing.is_filtered,
            suffix="" if listing.is_filtered else " in the catalogue, those in use first",
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl(
                    "developer", "Developer", choices=list(developers.values_list("slug", "name"))
                ),
                FilterControl("open_weights", "Open weights", choices=BOOLEANS),
                FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_build_rows(request, listing.rows),
    )


@require_safe
def foundation_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all foundations that match the filters."""
    _, queryset = _filter_foundations(request)
    heads = [
        "foundation",
        "line",
        "developer",
        "family",
        "open weights",
        "versions",
        "offerings",
        "hosts",
        "next retirement",
        "applications",
        "critical",
    ]
    return csv_response(
        "foundations",
        heads,
        _build_rows(request, list(queryset[:10_000])),
        lambda row: [
            row.foundation.name,
            row.foundation.line,
            row.foundation.developer.name,
            row.foundation.family,
            {True: "yes", False: "no", None: ""}[row.foundation.open_weights],
            row.n_versions,
            row.n_offerings,
            row.n_hosts,
            row.ends_on,
            row.reach.n,
            row.reach.n_critical,
        ],
    )
