"""Application list: filtered, sorted, bounded, and the same rows as CSV and XLSX."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any

import django_filters
from django.db.models import Count, Exists, Min, OuterRef, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import Team, User
from apps.catalog.models import Foundation, NodeKind, Offering, Provider
from apps.common.text import format_date, pluralize
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
from apps.issues.incidents import OngoingIncident, ongoing_incidents
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.presenters.dashboard import count_negative_runways, format_negative_runways
from apps.web.queries import with_primary_stacks
from apps.web.views.data_quality.finding_labels import FINDING_NAMES

# hosts, developers and foundations that the filters list, the most used ones; any other works in
# the URL
MAX_OPTIONS = 150
_FINDINGS = [("any", "Any"), *((code, FINDING_NAMES[code]) for code in CODES)]


class ApplicationListFilter(ApplicationFilter):
    """Filters of the REST API, and the filter by stored findings."""

    finding = django_filters.ChoiceFilter(
        choices=_FINDINGS, method="having_finding", label="Finding"
    )

    def having_finding(
        self, queryset: QuerySet[Application], name: str, value: str
    ) -> QuerySet[Application]:
        findings = CachedFinding.objects.filter(application_id=OuterRef("pk"))
        return queryset.filter(Exists(findings if value == "any" else findings.filter(code=value)))


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
    incident: OngoingIncident | None = None

    @property
    def foundation(self) -> Foundation | None:
        version = self.primary.version if self.primary else None
        return version.foundation if version else None

    @property
    def is_late(self) -> bool:
        return (self.runway_days is not None and self.runway_days < 0) or (
            self.days_left is not None and self.days_left < 0
        )


def application_rows(applications: list[Application], today: date) -> list[ApplicationRow]:
    """Return rows with the stored facts of each: three statements for any number of applications
    that `with_primary_stacks` has loaded."""
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
    incidents = ongoing_incidents(ids)
    return [
        replace(
            _build_row(application, runways.get(application.pk), counts.get(application.pk), today),
            is_ambiguous=names[application.name] > 1,
            incident=next(iter(incidents.get(application.pk, ())), None),
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


def _describe_team(row: ApplicationRow) -> str:
    """Return the team of an application, and its ID beside another of its name."""
    application = row.application
    team = application.team.name
    place = f"{team}, {application.slug}" if row.is_ambiguous else team
    return f"{place}. {describe_incident(row.incident)}" if row.incident else place


def describe_incident(incident: OngoingIncident) -> str:
    """Return since when an application is concerned: `Ongoing incident at OpenAI since 29 July
    2026, 19:49 UTC`."""
    since = f"{format_date(incident.started_at.date())}, {incident.started_at:%H:%M} UTC"
    return f"Ongoing incident at {incident.host} since {since}"


def _name_model(row: ApplicationRow) -> str:
    if row.primary is None:
        return ""
    return row.foundation.name if row.foundation else row.primary.api_id


def _describe_host(row: ApplicationRow) -> str:
    if row.primary is None:
        return ""
    place = f", first of {row.n_primaries} to retire" if row.n_primaries > 1 else ""
    return f"on {row.primary.host.name}{place}"


def _model_url(row: ApplicationRow) -> str:
    if row.primary is None:
        return ""
    if row.foundation:
        return reverse("foundations:detail", args=[row.foundation.slug])
    return reverse("offerings:detail", args=[row.primary.pk])


def _model_css(row: ApplicationRow) -> str:
    if row.primary is None:
        return "dim"
    return "" if row.foundation else "id"


def _findings_url(row: ApplicationRow) -> str:
    if not row.n_findings:
        return ""
    return f"{reverse('findings:list')}?application={row.application.slug}"


class ApplicationList(ListPage[Application, ApplicationRow]):
    """The visible applications, by the filters and the order of the URL. The order by runway reads
    the cached runways, so it contains only applications that have one."""

    namespace = "applications"
    title = "Applications"
    nouns = ("application", "applications")
    counts = "Applications you can view"
    filterset_class = ApplicationListFilter
    slug_filters = ("team",)
    columns = (
        Column[ApplicationRow](
            "name",
            "Application",
            attrgetter("application.name"),
            note=_describe_team,
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
            order=("name", "pk"),
        ),
        Column[ApplicationRow](
            "criticality",
            "Criticality",
            lambda row: row.application.get_criticality_display(),
            note=lambda row: row.application.get_status_display(),
            css=lambda row: f"crit crit-{row.application.get_criticality_display().lower()}",
            order=("criticality", "name", "pk"),
        ),
        Column[ApplicationRow](
            "model",
            "Primary model",
            _name_model,
            format=lambda name: name or "no primary model",
            note=_describe_host,
            url=_model_url,
            css=_model_css,
            is_in_files=False,
        ),
        Column[ApplicationRow](
            "retires", "Retires", attrgetter("ends_on"), template="applications/retires-cell.html"
        ),
        Column[ApplicationRow](
            "runway",
            "Runway",
            attrgetter("runway_days"),
            order=("start_by", "criticality", "dependency_id"),
            is_numeric=True,
            template="applications/runway-cell.html",
        ),
        Column[ApplicationRow](
            "findings",
            "Findings",
            attrgetter("n_findings"),
            url=_findings_url,
            css=lambda row: "late" if row.rank == 0 else "",
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[ApplicationRow]("Application ID", attrgetter("application.slug")),
        FileColumn[ApplicationRow]("Team", attrgetter("application.team.name")),
        FileColumn[ApplicationRow]("Status", lambda row: row.application.get_status_display()),
        FileColumn[ApplicationRow]("Business owner", attrgetter("application.business_owner_name")),
        FileColumn[ApplicationRow](
            "Technical owner", attrgetter("application.technical_owner_name")
        ),
        FileColumn[ApplicationRow](
            "Model ID", lambda row: row.primary.api_id if row.primary else ""
        ),
        FileColumn[ApplicationRow](
            "Host", lambda row: row.primary.host.name if row.primary else ""
        ),
        FileColumn[ApplicationRow](
            "Foundation", lambda row: row.foundation.name if row.foundation else ""
        ),
        FileColumn[ApplicationRow](
            "Developer", lambda row: row.foundation.developer.name if row.foundation else ""
        ),
        FileColumn[ApplicationRow](
            "Ongoing incident",
            lambda row: describe_incident(row.incident) if row.incident else "",
        ),
        FileColumn[ApplicationRow]("Days left", attrgetter("days_left")),
        FileColumn[ApplicationRow]("Bound", lambda row: "at least" if row.at_least else ""),
        FileColumn[ApplicationRow]("Migration (days)", attrgetter("effort_days")),
        FileColumn[ApplicationRow]("Start by", attrgetter("start_by")),
        Column[ApplicationRow](
            "users",
            "Users",
            attrgetter("application.users_affected"),
            format=format_number,
            order=("-users_affected", "pk"),
            requires="users_affected",
            is_numeric=True,
        ),
        Column[ApplicationRow](
            "spend",
            "Spend (USD per month)",
            attrgetter("application.monthly_spend"),
            format=lambda value: format_number(None if value is None else round(value)),
            order=("-monthly_spend", "pk"),
            requires="monthly_spend",
            is_numeric=True,
        ),
        Column[ApplicationRow](
            "review",
            "Next review",
            attrgetter("application.next_review_on"),
            format=format_day,
            order=("next_review_on", "pk"),
            requires="next_review_on",
        ),
        FileColumn[ApplicationRow](
            "AI Act class", lambda row: row.application.get_ai_act_class_display()
        ),
        FileColumn[ApplicationRow](
            "Data", lambda row: row.application.get_data_classification_display()
        ),
    )
    default_order = ("criticality", ())
    listing_template = "applications/listing.html"
    bulk_template = "applications/list-bulk.html"

    def get_queryset(self) -> "QuerySet[Application]":
        return Application.objects.visible_to(self.user)

    @cached_property
    def queryset(self) -> "QuerySet[Any]":
        """The selected applications, or their stored runways if sorted by runway."""
        if self.sorted_by != "runway":
            return super().queryset
        runways = CachedRunway.objects.filter(is_first=True, start_by__isnull=False)
        form = self.filterset.form
        if not form.is_valid() or any(form.cleaned_data.values()):
            applications = self.filterset.qs.order_by()
            runways = runways.filter(application_id__in=applications.values("pk"))
        elif not self.user.can_read_all:
            # no filter but the user's teams, which the stored runways contain
            runways = runways.filter(team_id__in=self.user.team_roles())
        return self.sorting.apply(self.request, runways)

    def build_rows(self, records: Sequence[Any]) -> Sequence[ApplicationRow]:
        """Return the rows of applications or runways, with their stacks: four statements."""
        ids = [getattr(record, "application_id", record.pk) for record in records]
        applications_by_id = with_primary_stacks(
            Application.objects.with_owners(), on=self.today
        ).in_bulk(ids)
        return application_rows(
            [applications_by_id[pk] for pk in ids if pk in applications_by_id], self.today
        )

    def get_controls(self) -> Sequence[FilterControl]:
        """Return the controls with the hosts, developers and foundations in use; six statements.
        With too many teams, the team is entered as its slug."""
        teams = list(
            Team.objects.visible_to(self.user)
            .order_by("name")
            .values_list("slug", "name")[: MAX_OPTIONS + 1]
        )
        team_control = (
            FilterControl("team", "Team", choices=teams)
            if len(teams) <= MAX_OPTIONS
            else FilterControl("team", "Team", "text")
        )
        used_hosts, used_developers, used_foundations = _load_used_ids(self.user)
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
        return (
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
            FilterControl("finding", "Finding", choices=_FINDINGS),
            FilterControl("review_before", "Review due before", "date"),
        )

    @cached_property
    def can_edit(self) -> bool:
        return self.user.is_governance or editable_teams(user=self.user).exists()

    def get_selection_key(self, row: ApplicationRow) -> str:
        return str(row.application.pk) if self.can_edit else ""

    def get_selection_label(self, row: ApplicationRow) -> str:
        return f"Select {row.application.name}"

    def get_row_css(self, row: ApplicationRow) -> str:
        return "over" if row.is_late else ""

    def get_lead(self) -> Headline:
        """Return the number of applications; of the unfiltered list also the number with negative
        runway."""
        restriction = _RESTRICTIONS.get(self.sorted_by, "")
        if self.is_filtered:
            return Headline(f"{str(self.describe_matches()).removesuffix('.')}{restriction}.")
        if not self.listing.n_found:
            return Headline(f"No applications{restriction or ' yet'}.")
        lead = f"{self.count_records()}{restriction}."
        if restriction:
            return Headline(lead)
        n_late = count_negative_runways(user=self.user, on=self.today)
        if not n_late:
            return Headline(lead)
        shown = format_negative_runways(n_late)
        late_clause = pluralize(
            n_late,
            f"{shown} cannot be migrated before its model retires",
            f"{shown} cannot be migrated before their models retire",
        )
        return Headline(f"{lead} ", late_clause, ".")

    def get_actions(self) -> Sequence[PageAction]:
        findings = PageAction("Findings", reverse("findings:list"))
        if not self.can_edit:
            return (findings,)
        return (
            PageAction("Register application", reverse("applications:create"), is_primary=True),
            PageAction("Import spreadsheet", reverse("imports:list")),
            findings,
        )

    def get_empty_state(self) -> EmptyState:
        if not self.can_edit:
            return EmptyState(
                "No applications yet.",
                "You can view the applications of your teams. If applications are missing, contact "
                "an administrator about your teams, or a team editor to register them.",
            )
        return EmptyState(
            "No applications yet.",
            "An application is a product, service or assistant that calls a model. Its name, team "
            "and criticality are enough to begin. Then add its dependencies. To explore first, run "
            "make demo: a separate registry of a fictional insurer.",
            "Register application",
            reverse("applications:create"),
        )


# {order: what the applications have that it lists}
_RESTRICTIONS = {
    "users": " with recorded users",
    "spend": " with recorded spend",
    "review": " with a review date",
    "runway": " with a retirement date, most urgent first",
}


def _by_name(option: tuple[str, str]) -> str:
    return option[1].lower()
