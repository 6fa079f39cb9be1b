"""Findings: errors and gaps in declared data, of all applications that the user can view."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

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
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, changed_query, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.data_quality.finding_labels import (
    BY_RANK,
    FINDING_NAMES,
    SEVERITIES,
    SEVERITY_MARKS,
)
from apps.web.wording import number

# limit of the count of each kind
MAX_ROWS_PER_KIND = 1000
# with more teams, the filter is a text field for the slug
MAX_TEAMS = 150


class FindingFilter(django_filters.FilterSet):  # type: ignore[misc]
    code = django_filters.ChoiceFilter(
        choices=[(code, FINDING_NAMES[code]) for code in CODES], label="Kind"
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


def present_findings(findings: list[CachedFinding]) -> list[FindingRow]:
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
        return f"{number(MAX_ROWS_PER_KIND)}+" if self.n > MAX_ROWS_PER_KIND else number(self.n)


def summarize_kinds(
    request: HttpRequest, rows: QuerySet[CachedFinding]
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


def _filter_findings(request: HttpRequest) -> tuple[FindingFilter, QuerySet[CachedFinding]]:
    filterset = FindingFilter(
        with_filter_names(request.GET, "team"),
        visible_findings(signed_in_user(request)),
        request=request,
    )
    order = (
        ("criticality", "application_id", "dependency_id")
        if request.GET.get("code")
        else ("rank", "criticality", "application_id", "id")
    )
    return filterset, filterset.qs.order_by(*order)


@require_safe
def finding_list(request: HttpRequest) -> HttpResponse:
    """Show the findings of visible applications, by the filters of the URL."""
    user = signed_in_user(request)
    filterset, queryset = _filter_findings(request)
    listing = PaginatedList(request, queryset)
    filterset_without_kind = FindingFilter(
        {name: value for name, value in request.GET.items() if name != "code"},
        visible_findings(user),
        request=request,
    )
    kinds = summarize_kinds(request, filterset_without_kind.qs)
    teams = list(
        Team.objects.visible_to(user).order_by("name").values_list("slug", "name")[: MAX_TEAMS + 1]
    )
    has_many_teams = len(teams) > MAX_TEAMS
    return render_page(
        request,
        "findings/list.html",
        fragment="listing",
        title="Data quality",
        counts="Findings about applications you may see",
        sentence=findings_headline(listing, kinds),
        kept=ReadModelState.objects.filter(pk=1).first(),
        kinds=kinds,
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl(
                    "code", "Kind", choices=[(code, FINDING_NAMES[code]) for code in CODES]
                ),
                FilterControl(
                    "severity", "Severity", choices=[(s.value, SEVERITIES[s]) for s in Severity]
                ),
                FilterControl("team", "Team", "text")
                if has_many_teams
                else FilterControl("team", "Team", choices=teams),
                FilterControl("criticality", "Criticality", choices=CRITICALITY_WORDS),
            ],
        ),
        listing=listing,
        rows=present_findings(listing.rows),
    )


def findings_headline(
    listing: PaginatedList[CachedFinding], kinds: list[FindingKindSummary]
) -> Headline:
    """Return the headline of the list; counts are capped at MAX_ROWS_PER_KIND per kind."""
    n_errors = sum(kind.n for kind in kinds if kind.mark == SEVERITY_MARKS[Severity.ERROR])
    is_capped = any(
        kind.n > MAX_ROWS_PER_KIND for kind in kinds if kind.mark == SEVERITY_MARKS[Severity.ERROR]
    )
    if listing.n_found == 0:
        return Headline(
            "Nothing matches the filters."
            if listing.is_filtered
            else "Nothing looks wrong or unfinished."
        )
    findings_text = pluralize(
        listing.n_found, f"{listing.count} finding", f"{listing.count} findings"
    )
    if listing.is_filtered:
        return Headline(f"{findings_text} match the filters.")
    if not n_errors:
        return Headline(f"{findings_text}, none of them an error.")
    n = f"{number(MAX_ROWS_PER_KIND)}+" if is_capped else number(n_errors)
    return Headline(
        f"{findings_text}; ",
        pluralize(n_errors, f"{n} is an error", f"{n} are errors"),
        ": what is broken or forbidden.",
    )


HEADS = (
    "severity",
    "kind",
    "code",
    "application",
    "slug",
    "team",
    "criticality",
    "calls",
    "finding",
)


def cells(row: FindingRow) -> list[Any]:
    return [
        str(row.severity_name),
        str(row.name),
        row.code,
        row.application.name,
        row.application.slug,
        row.application.team.name,
        row.application.get_criticality_display(),
        row.called,
        row.sentence,
    ]


@require_safe
def finding_csv(request: HttpRequest) -> StreamingHttpResponse:
    _filterset, queryset = _filter_findings(request)

    def present_in_batches() -> Iterator[FindingRow]:
        for batch in batched(queryset.iterator(chunk_size=1000), 1000, strict=False):
            yield from present_findings(list(batch))

    return csv_response("findings", HEADS, present_in_batches(), cells)
