"""Features, endpoints and parameters of hosts, which can retire by themselves: the list, and the
applications that use one."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from django.db.models import QuerySet
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.filters import OfferingFilter
from apps.catalog.models import FEATURE_KINDS, Lifecycle, Offering, OfferingKind, Provider
from apps.exposure.queries.portfolio import DependentCount
from apps.inventory.models import Application, Criticality, Dependency
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.catalog.columns import CRITICAL_APPLICATIONS, build_applications_column
from apps.web.views.catalog.sections import MAX_APPLICATIONS, DependentApplications


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature with the applications that use it."""

    offering: Offering
    reach: DependentCount
    # the template of the retirement date shows the row of a name otherwise
    name: None = None

    @property
    def source_name(self) -> str:
        claim = self.offering.lifecycle_claim
        return claim.source.name if claim is not None else ""


def feature_users(
    features: Collection[Offering], *, user: User, today: date
) -> dict[int, dict[int, int]]:
    """Return {feature: {application: its criticality}} of the applications that `user` can view and
    that use the features today; one statement."""
    by_name = {(row.host_id, row.api_id): row.pk for row in features}
    users: dict[int, dict[int, int]] = defaultdict(dict)
    if not by_name:
        return users
    rows = (
        Dependency.objects.live_on(today)
        .visible_to(user)
        .filter(
            offering__host__in={host for host, _ in by_name},
            features__overlap=[name for _, name in by_name],
        )
        .values_list("offering__host_id", "features", "application_id", "application__criticality")
    )
    for host, names, application_id, criticality in rows:
        for name in names:
            if (host, name) in by_name:
                users[by_name[host, name]][application_id] = criticality
    return users


def count_users(users: Mapping[int, int]) -> DependentCount:
    """Return how many applications use a feature, given as {application: its criticality}."""
    return DependentCount(
        n=len(users), n_critical=sum(rank == Criticality.CRITICAL for rank in users.values())
    )


def applications_using(
    users: Mapping[int, int], *, user: User, today: date
) -> DependentApplications:
    """Return the most critical of the applications that use a feature, given as {application: its
    criticality}."""
    ids = sorted(users, key=lambda pk: (users[pk], pk))[:MAX_APPLICATIONS]
    applications_by_id = {
        row.pk: row
        for row in with_primary_stacks(
            Application.objects.visible_to(user).filter(pk__in=ids), on=today
        )
    }
    return DependentApplications(
        "",
        0,
        count_users(users),
        tuple(
            application_summaries(applications_by_id[pk], today)
            for pk in ids
            if pk in applications_by_id
        ),
    )


class FeatureList(ListPage[Offering, FeatureRow]):
    """Features, endpoints and parameters by the filters of the URL."""

    namespace = "features"
    title = "Features"
    nouns = ("feature", "features")
    counts = "Applications that you can view and whose dependencies use the feature"
    filterset_class = OfferingFilter
    columns = (
        Column[FeatureRow](
            "name",
            "Feature",
            attrgetter("offering.api_id"),
            note=lambda row: row.offering.get_kind_display(),
            url=lambda row: reverse("offerings:detail", args=[row.offering.pk]),
            order=("api_id", "host__name", "pk"),
        ),
        Column[FeatureRow](
            "host",
            "Host",
            attrgetter("offering.host.name"),
            url=lambda row: reverse("providers:detail", args=[row.offering.host.slug]),
            order=("host__name", "api_id", "pk"),
        ),
        Column[FeatureRow](
            "ends",
            "Retires",
            attrgetter("offering.retires_on"),
            order=("retires_on", "api_id", "pk"),
            requires="retires_on",
            template="offerings/retires-cell.html",
        ),
        Column[FeatureRow](
            "replacement",
            "Replacement",
            lambda row: (
                row.offering.replacement.api_id
                if row.offering.replacement
                else row.offering.replacement_text
            ),
            format=lambda text: text or "–",
        ),
        Column[FeatureRow]("source", "Source", attrgetter("source_name")),
        build_applications_column(),
    )
    file_columns = (
        FileColumn[FeatureRow]("Type", lambda row: row.offering.get_kind_display()),
        FileColumn[FeatureRow]("Lifecycle", lambda row: row.offering.get_lifecycle_display()),
        FileColumn[FeatureRow]("Announced", attrgetter("offering.announced_on")),
        FileColumn[FeatureRow]("Type of date", lambda row: row.offering.get_date_kind_display()),
        FileColumn[FeatureRow]("Month", attrgetter("offering.retires_month")),
        CRITICAL_APPLICATIONS,
    )
    default_order = ("host", ())

    def get_queryset(self) -> "QuerySet[Offering]":
        return Offering.objects.features().visible_to(self.user)

    def build_rows(self, records: Sequence[Offering]) -> Sequence[FeatureRow]:
        """Return the features with their relations and users: two statements."""
        by_id = Offering.objects.select_related(
            "host", "replacement", "lifecycle_claim__source"
        ).in_bulk([row.pk for row in records])
        rows = [by_id[row.pk] for row in records if row.pk in by_id]
        users = feature_users(rows, user=self.user, today=self.today)
        return [FeatureRow(row, count_users(users.get(row.pk, {}))) for row in rows]

    def get_controls(self) -> Sequence[FilterControl]:
        hosts = Provider.objects.visible_to(self.user).hosts().order_by("name")  # type: ignore[attr-defined]
        kinds = [choice for choice in OfferingKind.choices if choice[0] in FEATURE_KINDS]
        return (
            FilterControl("q", "Name contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("kind", "Type", choices=kinds),
            FilterControl("lifecycle", "Lifecycle", choices=Lifecycle.choices),
            FilterControl("has_end", "Retirement date", choices=BOOLEANS),
        )

    def describe_all(self) -> Headline:
        return Headline(
            f"{self.count_records()} of hosts that can retire by themselves: features, endpoints "
            "and parameters."
        )

    def get_basis(self) -> str:
        return "Lists of models, concentration and comparisons leave them out."

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No features yet.",
            "They come from the lifecycle pages of hosts. Check that such a page is polled.",
            "View feeds",
            reverse("feeds:list"),
        )
