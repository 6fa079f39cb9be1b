"""Findings: errors and gaps in declared data, of all applications that the user can view."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import Team, User
from apps.accounts.queries import team_and_below
from apps.common.text import pluralize
from apps.inventory.finding_queries import RULES
from apps.inventory.findings import CODES, Severity, finding_sentence
from apps.inventory.models import (
    CRITICALITY_WORDS,
    Application,
    CachedFinding,
    Criticality,
    Dependency,
    ReadModelState,
)
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import QuerySource, Sorting, changed_query
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline
from apps.web.views.data_quality.finding_labels import (
    BY_RANK,
    FINDING_NAMES,
    SEVERITIES,
    SEVERITY_MARKS,
)
from apps.web.wording import ago, bounded_number, number, with_written_dates

# limit of the count of each kind
MAX_ROWS_PER_KIND = 1000
# with more teams, the filter is a text field for the slug
MAX_TEAMS = 150


class FindingFilter(django_filters.FilterSet):  # type: ignore[misc]
    code = django_filters.ChoiceFilter(
        choices=[(code, FINDING_NAMES[code]) for code in CODES], label="Type"
    )
    severity = django_filters.ChoiceFilter(
        choices=[(severity.value, SEVERITIES[severity]) for severity in Severity],
        method="of_severity",
        label="Severity",
    )
    team = django_filters.CharFilter(method="of_team", label="Team (slug)")
    criticality = django_filters.ChoiceFilter(
        choices=CRITICALITY_WORDS, method="of_criticality", label="Criticality"
    )
    application = django_filters.CharFilter(method="of_application", label="Application (slug)")

    class Meta:
        model = CachedFinding
        fields: list[str] = []

    def of_severity(
        self, queryset: QuerySet[CachedFinding], name: str, value: str
    ) -> QuerySet[CachedFinding]:
        return queryset.filter(rank=BY_RANK.index(Severity(value)))

    def of_team(
        self, queryset: QuerySet[CachedFinding], name: str, value: str
    ) -> QuerySet[CachedFinding]:
        top = list(Team.objects.filter(slug=value).values_list("pk", flat=True))
        return queryset.filter(team_id__in=team_and_below(team_ids=top)) if top else queryset.none()

    def of_criticality(
        self, queryset: QuerySet[CachedFinding], name: str, value: str
    ) -> QuerySet[CachedFinding]:
        return queryset.filter(criticality=Criticality[value.upper()].value)

    def of_application(
        self, queryset: QuerySet[CachedFinding], name: str, value: str
    ) -> QuerySet[CachedFinding]:
        return queryset.filter(
            application_id__in=Application.objects.filter(slug=value).values("pk")
        )


def visible_findings(user: User) -> QuerySet[CachedFinding]:
    rows = CachedFinding.objects.all()
    return rows if user.can_read_all else rows.filter(team_id__in=list(user.team_roles()))


@dataclass(frozen=True, slots=True)
class FindingRow:
    application: Application
    code: str
    name: str
    severity: Severity
    severity_name: Any
    mark: int
    sentence: str
    dependency_id: int | None
    called: str


def present_findings(findings: Sequence[CachedFinding]) -> list[FindingRow]:
    """Present findings with application and dependency: three statements at most. Records deleted
    meanwhile are left out."""
    applications = Application.objects.select_related("team").in_bulk(
        {finding.application_id for finding in findings}
    )
    offerings = dict(
        Dependency.objects.filter(
            pk__in={finding.dependency_id for finding in findings if finding.dependency_id}
        ).values_list("pk", "offering__api_id")
    )
    rows = []
    for finding in findings:
        if finding.application_id in applications:
            severity = BY_RANK[finding.rank]
            rows.append(
                FindingRow(
                    applications[finding.application_id],
                    finding.code,
                    FINDING_NAMES[finding.code],
                    severity,
                    SEVERITIES[severity],
                    SEVERITY_MARKS[severity],
                    finding_sentence(finding.code, finding.facts),
                    finding.dependency_id,
                    offerings.get(finding.dependency_id or 0, ""),
                )
            )
    return rows


@dataclass(frozen=True, slots=True)
class FindingKindSummary:
    code: str
    name: str
    severity_name: Any
    mark: int
    n: int
    url: str
    is_current: bool

    @property
    def count(self) -> str:
        return bounded_number(self.n, MAX_ROWS_PER_KIND)


def summarize_kinds(
    request: QuerySource, rows: QuerySet[CachedFinding]
) -> list[FindingKindSummary]:
    """Return the kinds with findings, most severe first, each counted up to MAX_ROWS_PER_KIND: one
    statement."""
    kind_querysets = [
        rows.filter(code=code).order_by().values("code", "rank")[: MAX_ROWS_PER_KIND + 1]
        for code in RULES
    ]  # one bounded index scan per kind
    union: Any = kind_querysets[0].union(*kind_querysets[1:], all=True)
    counts: dict[tuple[str, int], int] = {}
    for row in union:
        counts[(row["code"], row["rank"])] = counts.get((row["code"], row["rank"]), 0) + 1
    summaries = []
    for (code, rank), n in sorted(
        counts.items(), key=lambda item: (item[0][1], -item[1], item[0][0])
    ):
        severity = BY_RANK[rank]
        url = changed_query(request, code=code, page=None)
        is_current = request.GET.get("code") == code
        summaries.append(
            FindingKindSummary(
                code,
                FINDING_NAMES[code],
                SEVERITIES[severity],
                SEVERITY_MARKS[severity],
                n,
                url,
                is_current,
            )
        )
    return summaries


class FindingList(ListPage[CachedFinding, FindingRow]):
    """Findings of visible applications, by the filters of the URL."""

    namespace = "findings"
    title = "Data quality"
    nouns = ("finding", "findings")
    counts = "Findings about applications you can view"
    filterset_class = FindingFilter
    slug_filters = ("team",)
    columns = (
        Column[FindingRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[FindingRow](
            "criticality",
            "Criticality",
            lambda row: row.application.get_criticality_display(),
            css=lambda row: f"crit crit-{row.application.get_criticality_display().lower()}",
        ),
        Column[FindingRow](
            "severity",
            "Severity",
            attrgetter("severity_name"),
            css=lambda row: f"sev sev-{row.mark}",
        ),
        Column[FindingRow]("type", "Type", attrgetter("name"), note=attrgetter("called")),
        Column[FindingRow](
            "finding",
            "Finding",
            attrgetter("sentence"),
            format=with_written_dates,
            width="whole",
        ),
    )
    file_columns = (
        FileColumn[FindingRow]("Type ID", attrgetter("code")),
        FileColumn[FindingRow]("Application ID", attrgetter("application.slug")),
        FileColumn[FindingRow]("Team", attrgetter("application.team.name")),
        FileColumn[FindingRow]("Model ID", attrgetter("called")),
    )
    listing_template = "findings/listing.html"

    @cached_property
    def sorting(self) -> Sorting:
        # one type of finding has one severity
        terms = (
            ("criticality", "application_id", "dependency_id")
            if self.request.GET.get("code")
            else ("rank", "criticality", "application_id", "id")
        )
        return Sorting({"": ("", terms)})

    def get_queryset(self) -> QuerySet[CachedFinding]:
        return visible_findings(self.user)

    def build_rows(self, records: Sequence[CachedFinding]) -> Sequence[FindingRow]:
        return present_findings(records)

    def get_controls(self) -> Sequence[FilterControl]:
        teams = list(
            Team.objects.visible_to(self.user)
            .order_by("name")
            .values_list("slug", "name")[: MAX_TEAMS + 1]
        )
        return (
            FilterControl("code", "Type", choices=[(code, FINDING_NAMES[code]) for code in CODES]),
            FilterControl(
                "severity", "Severity", choices=[(s.value, SEVERITIES[s]) for s in Severity]
            ),
            FilterControl("team", "Team", "text")
            if len(teams) > MAX_TEAMS
            else FilterControl("team", "Team", choices=teams),
            FilterControl("criticality", "Criticality", choices=CRITICALITY_WORDS),
        )

    @cached_property
    def kinds(self) -> list[FindingKindSummary]:
        """The types with findings, of what the other filters select."""
        query = {name: value for name, value in self.request.GET.items() if name != "code"}
        filterset = FindingFilter(query, visible_findings(self.user), request=self.request)
        return summarize_kinds(self.request, filterset.qs)

    @cached_property
    def read_model(self) -> ReadModelState | None:
        return ReadModelState.objects.filter(pk=1).first()

    def get_lead(self) -> Headline:
        """Return the findings that match, or the number of errors, which is counted up to
        MAX_ROWS_PER_KIND for each type."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            if self.read_model is None:
                return Headline("Findings are being calculated.")
            return Headline("No findings.")
        errors = [kind for kind in self.kinds if kind.mark == SEVERITY_MARKS[Severity.ERROR]]
        n_errors = sum(kind.n for kind in errors)
        if not n_errors:
            return Headline(f"{self.count_records()}, none of them an error.")
        is_cut = any(kind.n > MAX_ROWS_PER_KIND for kind in errors)
        count = f"more than {number(MAX_ROWS_PER_KIND)}" if is_cut else number(n_errors)
        return Headline(
            f"{self.count_records()}; ",
            pluralize(n_errors, "1 is an error", f"{count} are errors"),
            ".",
        )

    def get_basis(self) -> str:
        basis = "Errors and gaps in the data of applications, each with its correction."
        if self.read_model is None:
            return basis
        return f"{basis} Calculated {ago(self.read_model.refreshed_at, at=self.at)}."

    def get_actions(self) -> Sequence[PageAction]:
        query = QueryDict(mutable=True)
        query.setlist("kind", ["missing_data", "approval_violation"])
        issues = f"{reverse('issues:list')}?{query.urlencode()}"
        return (PageAction("View issues with their owners", issues),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No findings.",
            "Findings appear when an application uses a retired model, a fallback shares "
            "everything with its primary model, an exit test expires or data is missing.",
            "View applications",
            reverse("applications:list"),
        )
