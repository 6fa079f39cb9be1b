"""Application list: filtered, sorted, bounded, and the same rows as CSV and XLSX."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any

import django_filters
from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Foundation, NodeKind, Offering, Provider
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.models import ActiveDependency
from apps.exposure.queries.portfolio import used_nodes
from apps.inventory.filters import ApplicationFilter
from apps.inventory.findings import CODES
from apps.inventory.models import (
    CRITICALITY_WORDS,
    Application,
    CachedFinding,
    CachedRunway,
    Dependency,
)
from apps.inventory.queries import editable_teams
from apps.web.lists.list_page import ListRequest
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import (
    PaginatedList,
    SortableColumn,
    Sorting,
    changed_query,
    csv_response,
)
from apps.web.pages.page import Headline, render_page
from apps.web.presenters import headlines
from apps.web.presenters.dashboard import negative_runways
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.workbook import workbook_response
from apps.web.views.data_quality.finding_labels import FINDING_NAMES

ORDERS = Sorting(
    {
        "criticality": ("Criticality", ("criticality", "name", "pk")),
        "name": ("Application", ("name", "pk")),
        "users": ("Users", ("-users_affected", "pk")),
        "spend": ("Spend, USD per month", ("-monthly_spend", "pk")),
        "review": ("Review", ("next_review_on", "pk")),
        "runway": ("Runway", ("start_by", "criticality", "dependency_id")),
    }
)
# column that an order requires; rows without a value are left out, which the page states
_REQUIRED_COLUMNS = {
    "users": "users_affected",
    "spend": "monthly_spend",
    "review": "next_review_on",
}
_RUNWAY = "runway"
# hosts, developers and foundations that the filters list, the most used ones; any other works in
# the URL
MAX_OPTIONS = 150


class ApplicationListFilter(ApplicationFilter):
    """Filters of the REST API, and the filter by stored findings."""

    finding = django_filters.ChoiceFilter(
        choices=[("any", "Any"), *((code, FINDING_NAMES[code]) for code in CODES)],
        method="having_finding",
        label="Finding",
    )

    def having_finding(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        findings = CachedFinding.objects.filter(application_id=OuterRef("pk"))
        return queryset.filter(Exists(findings if value == "any" else findings.filter(code=value)))


def filter_applications(
    request: HttpRequest | ListRequest, query: Any = None
) -> ApplicationListFilter:
    """Filter the applications that the user may see by the URL, or by `query` instead."""
    data = with_filter_names(request.GET, "team") if query is None else query
    return ApplicationListFilter(
        data, Application.objects.visible_to(request.user), request=request
    )


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """Application with the stored runway of its most urgent primary model.

    `primary` is the model of the runway, otherwise the main one; `n_primaries` counts all primary
    models. `runway_days` is days left minus the days that the migration takes; None if either is
    unknown. `is_ambiguous`: another row has the same name."""

    application: Application
    primary: Offering | None
    n_primaries: int
    ends_on: date | None
    runway_days: int | None
    days_left: int | None
    at_least: bool
    effort_days: Decimal | None
    basis: str
    start_by: date | None
    n_findings: int
    rank: int | None
    is_ambiguous: bool = False

    @property
    def is_late(self) -> bool:
        return (self.runway_days is not None and self.runway_days < 0) or (
            self.days_left is not None and self.days_left < 0
        )


def application_rows(applications: list[Application], today: date) -> list[ApplicationRow]:
    """Return rows with the stored facts of each: two statements for any number of applications that
    `with_primary_stacks` has loaded."""
    ids = [application.pk for application in applications]
    runways = {
        row.application_id: row
        for row in CachedRunway.objects.filter(application_id__in=ids, is_first=True)
    }
    counts: dict[int, tuple[int, int]] = {
        row["application_id"]: (row["n"], row["gravest"])
        for row in CachedFinding.objects.filter(application_id__in=ids)
        .order_by()
        .values("application_id")
        .annotate(n=Count("pk"), gravest=Min("rank"))
    }
    names = Counter(application.name for application in applications)
    return [
        replace(
            _build_row(application, runways.get(application.pk), counts.get(application.pk), today),
            is_ambiguous=names[application.name] > 1,
        )
        for application in applications
    ]


def _build_row(
    application: Application,
    cached_runway: CachedRunway | None,
    counts: tuple[int, int] | None,
    today: date,
) -> ApplicationRow:
    """Return an application as a row of the list. `cached_runway` is its shortest runway; `counts`
    are (findings, rank of the most severe)."""
    days_left = runway_days = None
    if cached_runway is not None and cached_runway.retires_on is not None:
        days_left = (cached_runway.retires_on - today).days
        days_left = max(days_left, 0) if cached_runway.at_least else days_left
    elif cached_runway is not None and cached_runway.days_left is not None:
        days_left = 0
    if (
        cached_runway is not None
        and days_left is not None
        and cached_runway.effort_days is not None
    ):
        runway_days = int((days_left - cached_runway.effort_days).__floor__())
    return ApplicationRow(
        application=application,
        primary=_runway_model(application, cached_runway),
        n_primaries=len(application.primaries),  # type: ignore[attr-defined]
        ends_on=cached_runway.retires_on if cached_runway else None,
        runway_days=runway_days,
        days_left=days_left,
        at_least=cached_runway.at_least if cached_runway else False,
        effort_days=cached_runway.effort_days if cached_runway else None,
        basis=cached_runway.basis if cached_runway else "",
        start_by=cached_runway.start_by if cached_runway else None,
        n_findings=counts[0] if counts else 0,
        rank=counts[1] if counts else None,
    )


def _runway_model(application: Application, cached_runway: CachedRunway | None) -> Offering | None:
    """Return the model that the runway is about, otherwise the main primary model."""
    primaries: list[Dependency] = application.primaries  # type: ignore[attr-defined]
    pk = cached_runway.dependency_id if cached_runway is not None else None
    of_runway = next((row.offering for row in primaries if row.pk == pk), None)
    return of_runway or next((row.offering for row in primaries), None)


class FilteredApplications:
    """Applications that the URL selects, in its order. `queryset` has stored runways if sorted by
    runway, else applications."""

    def __init__(self, request: HttpRequest | ListRequest) -> None:
        """Read filters and order of the request. The order by runway reads the cached runways, so
        it contains only applications that have one."""
        self.today = day_of(now())
        self.filterset = filter_applications(request)
        self.order, _is_descending = ORDERS.chosen(request)
        applications: Any = self.filterset.qs
        self.queryset: Any
        if self.order == _RUNWAY:
            runways = CachedRunway.objects.filter(is_first=True, start_by__isnull=False)
            user = signed_in_user(request)
            if self.filterset.form.is_valid() and not any(
                self.filterset.form.cleaned_data.values()
            ):
                # no filter but the user's teams, which the stored runways contain
                runways = (
                    runways if user.can_read_all else runways.filter(team_id__in=user.team_roles())
                )
            else:
                runways = runways.filter(application_id__in=applications.order_by().values("pk"))
            self.queryset = ORDERS.apply(request, runways)
        else:
            if column := _REQUIRED_COLUMNS.get(self.order):
                applications = applications.filter(**{f"{column}__isnull": False})
            self.queryset = ORDERS.apply(request, applications)

    def applications(self, rows: list[Any]) -> list[Application]:
        """Return the applications of the queryset's rows, with their stacks: two statements."""
        ids = [row.application_id if self.order == _RUNWAY else row.pk for row in rows]
        applications_by_id = with_primary_stacks(
            Application.objects.with_owners(), on=self.today
        ).in_bulk(ids)
        return [applications_by_id[pk] for pk in ids if pk in applications_by_id]

    def iterate_rows(self) -> Iterator[ApplicationRow]:
        """Yield all rows, for exported files."""
        for batch in batched(self.queryset.iterator(chunk_size=1000), 1000, strict=False):
            yield from application_rows(self.applications(list(batch)), self.today)


def _build_headline(
    user: User, selection: FilteredApplications, listing: PaginatedList[Any]
) -> Headline:
    """State the number of applications; for the unfiltered list also the number with negative
    runway."""
    restriction = _describe_restriction(selection.order)
    suffix = restriction
    headline = headlines.list_headline(
        listing.count, "application", "applications", is_filtered=listing.is_filtered, suffix=suffix
    )
    if restriction or listing.is_filtered:
        return headline
    late = negative_runways(user=user, on=selection.today)
    if not late.n:
        return headline
    late_clause = pluralize(
        late.n,
        "{n} cannot be migrated before its model retires",
        "{n} cannot be migrated before their models retire",
    )
    return Headline(
        f"{headline} ",
        late_clause.format(n=late.shown),
        ".",
    )


def _describe_restriction(order: str) -> str:
    return {
        "users": " with recorded users",
        "spend": " with recorded spend",
        "review": " with a review date",
        _RUNWAY: " with a retirement date, most urgent first",
    }.get(order, "")


def _load_used_ids(user: User) -> tuple[list[int], list[int], list[int]]:
    """Return the ids of hosts, developers and foundations that the user's applications use, at most
    MAX_OPTIONS of each: three statements, or one."""
    if user.can_read_all:
        hosts, developers, foundations = (
            used_nodes(kind=kind, user=user)[:MAX_OPTIONS]
            for kind in (NodeKind.HOST, NodeKind.DEVELOPER, NodeKind.FOUNDATION)
        )
        return hosts, developers, foundations
    offering_ids = (
        ActiveDependency.objects.filter(team_id__in=list(user.team_roles()))
        .order_by()
        .values("offering_id")
        .distinct()
    )
    rows = list(
        Offering.objects.filter(pk__in=offering_ids)
        .order_by()
        .values_list("host_id", "version__foundation__developer_id", "version__foundation_id")
        .distinct()
    )
    hosts, developers, foundations = (
        sorted({row[index] for row in rows if row[index]})[:MAX_OPTIONS] for index in range(3)
    )
    return hosts, developers, foundations


def filter_controls(request: HttpRequest, filterset: ApplicationListFilter) -> Any:
    """Return controls with the hosts, developers and foundations in use; six statements. With too
    many teams, the team is entered as its slug."""
    user = signed_in_user(request)
    teams = list(
        Team.objects.visible_to(user)
        .order_by("name")
        .values_list("slug", "name")[: MAX_OPTIONS + 1]
    )
    team_control = (
        FilterControl("team", "Team", choices=teams)
        if len(teams) <= MAX_OPTIONS
        else FilterControl("team", "Team", "text")
    )
    used_hosts, used_developers, used_foundations = _load_used_ids(user)
    providers = {
        pk: (slug, name)
        for pk, slug, name in Provider.objects.filter(
            pk__in={*used_hosts, *used_developers}
        ).values_list("pk", "slug", "name")
    }
    hosts = [providers[pk] for pk in used_hosts if pk in providers]
    developers = [providers[pk] for pk in used_developers if pk in providers]
    foundations = (
        Foundation.objects.filter(pk__in=used_foundations)
        .order_by("name")
        .values_list("slug", "name")
    )
    return build_filter_controls(
        request,
        filterset,
        [
            FilterControl("q", "Search", "search"),
            team_control,
            FilterControl("criticality", "Criticality", choices=CRITICALITY_WORDS),
            FilterControl("status", "Status", choices=Application.Status.choices),
            FilterControl("owner", "Owner", choices=[("unassigned", "Unassigned")]),
            FilterControl("ai_act_class", "AI Act class", choices=Application.AiActClass.choices),
            FilterControl("data_classification", "Data", choices=Application.DataClass.choices),
            FilterControl("host", "Uses host", choices=sorted(hosts, key=_by_name)),
            FilterControl("developer", "Uses developer", choices=sorted(developers, key=_by_name)),
            FilterControl("foundation", "Uses foundation", choices=list(foundations)),
            FilterControl(
                "finding",
                "Finding",
                choices=[("any", "Any"), *((code, FINDING_NAMES[code]) for code in CODES)],
            ),
            FilterControl("review_before", "Review due before", "date"),
        ],
    )


def _by_name(option: tuple[str, str]) -> str:
    return option[1].lower()


@require_safe
def application_list(request: HttpRequest) -> HttpResponse:
    """Show the visible applications, by the filters and the order of the URL."""
    user: User = signed_in_user(request)
    selection = FilteredApplications(request)
    listing = PaginatedList(request, selection.queryset)
    rows = application_rows(selection.applications(listing.rows), selection.today)
    return render_page(
        request,
        "applications/list.html",
        fragment="listing",
        title="Applications",
        counts="Applications you can view",
        sentence=_build_headline(user, selection, listing),
        # a response to htmx does not replace the controls
        filters=None
        if request.headers.get("HX-Request")
        else filter_controls(request, selection.filterset),
        listing=listing,
        columns=_columns(request),
        order=selection.order,
        rows=rows,
        may_edit=user.is_governance or editable_teams(user=user).exists(),
    )


def _columns(request: HttpRequest) -> dict[str, SortableColumn]:
    columns = ORDERS.columns(request)
    # the first click sorts in the order of the index, which is descending for numbers
    return {
        name: SortableColumn(
            str(column.name),
            column.query if column.aria else changed_query(request, sort=name, page=None),
            column.aria,
        )
        for name, column in columns.items()
    }


HEADS = (
    "application",
    "slug",
    "team",
    "criticality",
    "status",
    "business owner",
    "technical owner",
    "model ID",
    "host",
    "foundation",
    "developer",
    "retires",
    "days left",
    "bound",
    "migration, days",
    "runway, days",
    "start by",
    "findings",
    "users",
    "monthly spend, USD",
    "AI Act class",
    "data",
    "next review",
)


def cells(row: ApplicationRow) -> list[Any]:
    application, offering = row.application, row.primary
    foundation = offering.version.foundation if offering and offering.version else None
    return [
        application.name,
        application.slug,
        application.team.name,
        application.get_criticality_display(),
        application.get_status_display(),
        application.business_owner_name,
        application.technical_owner_name,
        offering.api_id if offering else "",
        offering.host.name if offering else "",
        foundation.name if foundation else "",
        foundation.developer.name if foundation else "",
        row.ends_on,
        row.days_left,
        "at least" if row.at_least else "",
        row.effort_days,
        row.runway_days,
        row.start_by,
        row.n_findings,
        application.users_affected,
        application.monthly_spend,
        application.get_ai_act_class_display(),
        application.get_data_classification_display(),
        application.next_review_on,
    ]


@require_safe
def application_csv(request: HttpRequest) -> StreamingHttpResponse:
    return csv_response("applications", HEADS, FilteredApplications(request).iterate_rows(), cells)


@require_safe
def application_xlsx(request: HttpRequest) -> HttpResponse:
    selection = FilteredApplications(request)
    if is_long(selection.queryset):
        return redirect_to_file_request(request, "applications")
    return workbook_response("applications", HEADS, selection.iterate_rows(), cells)
