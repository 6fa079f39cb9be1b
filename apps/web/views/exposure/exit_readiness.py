"""Exit readiness of each critical application: the independence of its alternatives, tested or not,
and what would have to be rebuilt."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from apps.catalog.models import Offering
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portability import (
    GRADES,
    NO_FALLBACK,
    FallbackOption,
    Portability,
    fallback_options,
    portability,
)
from apps.inventory.models import Adaptation, Application
from apps.web.lists.columns import NO_VALUE, Column, FileColumn, format_day
from apps.web.lists.computed_rows import ComputedRows, PagedRows
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import changed_query
from apps.web.pages.background_files import is_long
from apps.web.pages.page import Headline
from apps.web.views.exposure import headlines
from apps.web.views.exposure.parameters import (
    GRADE_WORDS,
    applications_by_id,
    chosen_option,
    parameter_options,
)

STATE_WORDS: dict[str, str] = {
    "": "All",
    "none": "No alternative",
    "untested": "Untested",
    "tested": "Valid exit test",
}


@dataclass(frozen=True, slots=True)
class ExitRow:
    """A critical application with its best alternative; rebuild figures are those of adaptations
    that have to be built again. `is_bad`: no declared alternative survives the retirement of the
    model."""

    application: Application
    way: FallbackOption
    offering: Offering | None
    n_rebuild: int
    rebuild_days: Decimal
    rebuild_cost: Decimal
    is_bad: bool


@dataclass(frozen=True, slots=True)
class FallbackPages:
    """Critical applications in a state and of a grade, read by page, the least portable first."""

    readiness: Portability
    settings: EngineSettings
    team_ids: Collection[int] | None
    state: str
    grade: int | None

    def count(self, *, limit: int) -> int:
        return min(self.readiness.count(state=self.state, grade=self.grade), limit)

    def page(self, *, limit: int, offset: int = 0) -> Sequence[FallbackOption]:
        return fallback_options(
            settings=self.settings,
            team_ids=self.team_ids,
            state=self.state,
            grade=self.grade,
            offset=offset,
            limit=limit,
        )


def _grade_value(grade: int) -> int | None:
    return None if grade == NO_FALLBACK else grade


def _format_grade(grade: int | None) -> str:
    if grade is None:
        return GRADE_WORDS[NO_FALLBACK]
    return format_html("<b>{}</b> {}", grade, GRADE_WORDS[grade])


def _describe_alternative(row: ExitRow) -> str:
    """Return the host of the alternative and what it lacks of what the primary is used for."""
    if row.offering is None:
        return ""
    return "; ".join(filter(None, [row.offering.host.name, row.way.losses]))


def _describe_rebuild(row: ExitRow) -> str:
    return f"{row.rebuild_days:,.0f} d" if row.n_rebuild else NO_VALUE


class ExitReadinessList(ListPage[Any, ExitRow]):
    """Exit readiness of the visible critical applications, by state and grade; the least portable
    first."""

    namespace = "exposure"
    route = "exit-readiness"
    title = "Exit readiness"
    nouns = ("critical application", "critical applications")
    counts = "Critical applications with an active primary model, by their worst primary path"
    columns = (
        Column[ExitRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[ExitRow](
            "tested",
            "Valid exit test",
            lambda row: _grade_value(row.way.tested),
            format=_format_grade,
            css=lambda row: "dim" if row.way.tested == NO_FALLBACK else "",
        ),
        Column[ExitRow](
            "declared",
            "Declared",
            lambda row: _grade_value(row.way.declared),
            format=_format_grade,
            css=lambda row: "late" if row.is_bad else "",
        ),
        Column[ExitRow](
            "alternative",
            "Alternative",
            lambda row: row.offering.api_id if row.offering else "",
            note=_describe_alternative,
            url=lambda row: (
                reverse("offerings:detail", args=[row.offering.pk]) if row.offering else ""
            ),
            css=lambda row: "id" if row.offering else "",
        ),
        Column[ExitRow](
            "valid_until", "Valid until", attrgetter("way.next_change_on"), format=format_day
        ),
        Column[ExitRow](
            "rebuild",
            "Rebuild",
            _describe_rebuild,
            note=lambda row: f"{row.rebuild_cost:,.0f} USD" if row.n_rebuild else "",
            is_numeric=True,
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[ExitRow]("Team", attrgetter("application.team.name")),
        FileColumn[ExitRow]("Host", lambda row: row.offering.host.name if row.offering else ""),
        FileColumn[ExitRow]("Lacks", attrgetter("way.losses")),
        FileColumn[ExitRow]("Adaptations to rebuild", attrgetter("n_rebuild")),
        FileColumn[ExitRow]("Invested days", attrgetter("rebuild_days")),
        FileColumn[ExitRow]("Invested USD", attrgetter("rebuild_cost")),
    )
    default_order = ("", ())
    template = "exposure/ways-out.html"

    @cached_property
    def state(self) -> str:
        return chosen_option(self.request, "state", STATE_WORDS, "")

    @cached_property
    def grade(self) -> int | None:
        raw_grade = self.request.GET.get("grade", "")
        return int(raw_grade) if raw_grade in {str(grade) for grade in GRADES} else None

    @cached_property
    def is_filtered(self) -> bool:
        return bool(self.state) or self.grade is not None

    @cached_property
    def pages(self) -> FallbackPages:
        team_ids, settings = visible_team_ids(self.user), engine_settings()
        readiness = portability(settings=settings, team_ids=team_ids, on=self.today)
        return FallbackPages(readiness, settings, team_ids, self.state, self.grade)

    def get_queryset(self) -> Any:
        return PagedRows(self.pages)

    def get_file_queryset(self) -> Any:
        # beyond the pages that can be turned
        return ComputedRows(self.pages.page(limit=self.pages.readiness.n))

    def is_long(self) -> bool:
        # the rows of the page are counted without being read
        return is_long(self.queryset)

    def build_rows(self, records: Sequence[FallbackOption]) -> Sequence[ExitRow]:
        """Build a row for each option whose application the user may see: three statements."""
        applications = applications_by_id([option.application_id for option in records], self.user)
        offerings = Offering.objects.select_related("host", "version__foundation").in_bulk(
            [option.offering_id for option in records if option.offering_id]
        )
        rebuilds: dict[int, dict[str, Any]] = {
            row["dependency__application"]: dict(row)
            for row in Adaptation.objects.filter(
                Q(dependency__until__isnull=True) | Q(dependency__until__gt=self.today),
                moves=Adaptation.Moves.REBUILD,
                dependency__application__in=list(applications),
                dependency__role="primary",
                dependency__since__lte=self.today,
            )
            .order_by()
            .values("dependency__application")
            .annotate(n=Count("pk"), days=Sum("invested_days"), cost=Sum("invested_cost"))
        }
        rows = []
        for option in records:
            if (application := applications.get(option.application_id)) is None:
                continue
            rebuild = rebuilds.get(option.application_id, {})
            rows.append(
                ExitRow(
                    application,
                    option,
                    offerings.get(option.offering_id) if option.offering_id else None,
                    rebuild.get("n", 0),
                    rebuild.get("days") or Decimal(0),
                    rebuild.get("cost") or Decimal(0),
                    option.declared < self.pages.readiness.leaves_model,
                )
            )
        return rows

    def get_lead(self) -> Headline:
        return headlines.exit_readiness_headline(self.pages.readiness)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No critical application has an active primary model.",
            "Alternatives are measured for critical applications: their fallbacks, and the targets "
            "of passed exit tests.",
            "View critical applications",
            f"{reverse('applications:list')}?criticality=critical",
        )

    def get_context(self) -> Mapping[str, Any]:
        return {
            "states": parameter_options(self.request, "state", STATE_WORDS, self.state),
            "grade_words": GRADE_WORDS[self.grade] if self.grade is not None else "",
            "without_grade": changed_query(self.request, grade=None, page=None),
        }
