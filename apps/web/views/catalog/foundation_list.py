"""Foundation list, those that applications depend on first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.functional import cached_property

from apps.catalog.filters import FoundationFilter
from apps.catalog.models import DateKind, Foundation, NodeKind, Offering, Provider, Version
from apps.exposure.queries.portfolio import DependentCount, dependent_counts, used_nodes
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.views.catalog.columns import CRITICAL_APPLICATIONS, build_applications_column
from apps.web.views.catalog.sections import DEPENDENTS_COUNTED
from apps.web.wording import quantity_of

YES_OR_NO = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True, slots=True)
class FoundationListRow:
    foundation: Foundation
    n_versions: int
    n_offerings: int
    n_hosts: int
    ends_on: date | None
    reach: DependentCount


def _describe_family(row: FoundationListRow) -> str:
    family = row.foundation.family
    return family if family != row.foundation.name else ""


def _describe_hosts(row: FoundationListRow) -> str:
    return quantity_of(row.n_hosts, "host")


class FoundationList(ListPage[Foundation, FoundationListRow]):
    """Foundations by the filters of the URL, those in use first."""

    namespace = "foundations"
    title = "Foundations"
    nouns = ("foundation", "foundations")
    counts = DEPENDENTS_COUNTED
    filterset_class = FoundationFilter
    columns = (
        Column[FoundationListRow](
            "name",
            "Foundation",
            attrgetter("foundation.name"),
            note=_describe_family,
            url=lambda row: reverse("foundations:detail", args=[row.foundation.slug]),
            order=("name", "pk"),
        ),
        Column[FoundationListRow](
            "developer",
            "Developer",
            attrgetter("foundation.developer.name"),
            url=lambda row: reverse("providers:detail", args=[row.foundation.developer.slug]),
            order=("developer__name", "name", "pk"),
        ),
        Column[FoundationListRow](
            "versions",
            "Versions",
            attrgetter("n_versions"),
            format=format_number,
            is_numeric=True,
        ),
        Column[FoundationListRow](
            "model_ids",
            "Model IDs",
            attrgetter("n_offerings"),
            format=format_number,
            note=_describe_hosts,
            is_numeric=True,
        ),
        Column[FoundationListRow](
            "next_retirement", "Next retirement", attrgetter("ends_on"), format=format_day
        ),
        build_applications_column("used", order=("used", "name", "pk")),
    )
    file_columns = (
        FileColumn[FoundationListRow]("Line", attrgetter("foundation.line")),
        FileColumn[FoundationListRow]("Family", attrgetter("foundation.family")),
        FileColumn[FoundationListRow](
            "Open weights", lambda row: YES_OR_NO[row.foundation.open_weights]
        ),
        FileColumn[FoundationListRow]("Hosts", attrgetter("n_hosts")),
        CRITICAL_APPLICATIONS,
    )
    default_order = ("used", ())

    @cached_property
    def used_ids(self) -> list[int]:
        """IDs of the foundations that a visible application depends on."""
        return used_nodes(kind=NodeKind.FOUNDATION, user=self.user)

    def get_queryset(self) -> "QuerySet[Foundation]":
        """Return the foundations, annotated with `used`: 0 for those in use, otherwise 1."""
        is_unused = Case(
            When(pk__in=self.used_ids, then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        )
        foundations = Foundation.objects.visible_to(self.user).select_related("developer")
        return foundations.annotate(used=is_unused)

    def narrow(self, queryset: "QuerySet[Foundation]") -> "QuerySet[Foundation]":
        is_limited = self.request.GET.get("in_use") == "true"
        return queryset.filter(pk__in=self.used_ids) if is_limited else queryset

    def build_rows(self, records: Sequence[Foundation]) -> Sequence[FoundationListRow]:
        """Return the foundations as rows with their counts: three statements."""
        pks = [foundation.pk for foundation in records]
        offering_counts = {
            row["version__foundation"]: row
            for row in Offering.objects.model_ids()
            .filter(version__foundation__in=pks)
            .order_by()
            .values("version__foundation")
            .annotate(
                n=Count("pk"),
                n_hosts=Count("host", distinct=True),
                # an earliest possible date is not a retirement date
                ends_on=Min(
                    "retires_on",
                    filter=Q(retires_on__gte=self.today) & ~Q(date_kind=DateKind.NOT_BEFORE),
                ),
            )
        }
        n_versions_by_foundation = dict(
            Version.objects.filter(foundation__in=pks)
            .order_by()
            .values_list("foundation")
            .annotate(n=Count("pk"))
        )
        reach = dependent_counts(kind=NodeKind.FOUNDATION, refs=pks, user=self.user)
        no_offerings: dict[str, Any] = {"n": 0, "n_hosts": 0, "ends_on": None}
        return [
            FoundationListRow(
                foundation,
                n_versions_by_foundation.get(foundation.pk, 0),
                (counts := offering_counts.get(foundation.pk, no_offerings))["n"],
                counts["n_hosts"],
                counts["ends_on"],
                reach.get(foundation.pk, DependentCount()),
            )
            for foundation in records
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        developers = Provider.objects.visible_to(self.user).filter(foundations__isnull=False)
        choices = list(developers.distinct().values_list("slug", "name"))
        return (
            FilterControl("q", "Search", "search"),
            FilterControl("developer", "Developer", choices=choices),
            FilterControl("open_weights", "Open weights", choices=BOOLEANS),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()} in the catalogue, those in use first.")

    def get_actions(self) -> Sequence[PageAction]:
        return (PageAction("Compare models", reverse("selections:compare")),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "The catalogue is empty.",
            "An operator fills it with manage.py load_catalogue. Then feeds update it.",
            "View feeds",
            reverse("feeds:list"),
        )
