"""Lists of inherited risks: what the register shows in groups and one by one."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import Team
from apps.inventory.models import Application
from apps.risks.filters import CRITICALITIES, STATE_LABELS, InheritedRiskFilter
from apps.risks.models import FoundationRisk, Layer, Taxonomy
from apps.risks.queries.conditions import (
    InheritedRiskConditions,
    InheritedRiskQuery,
    build_conditions,
)
from apps.risks.queries.counts import CountBasis, RiskStanding, count_basis, risk_standings
from apps.risks.queries.reach import RiskReach
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import FilterControl
from apps.web.views.risks import presenters
from apps.web.views.risks.summaries import selected_application
from apps.web.wording import ago

NO_FILTERS = {"page", "sort", "print", "cursor", "group"}


class InheritedRiskList[R](ListPage[Any, R]):
    """List of the inherited risks that match the filters of the URL. They are derived, so the
    filter set narrows no queryset: its values are a query."""

    namespace = "inherited-risks"
    title = "Inherited risks"
    nouns = ("inherited risk", "inherited risks")
    counts = "Foundation risk × active dependency"
    filterset_class = InheritedRiskFilter
    default_order = ("", ())
    table_css = "inherited"
    template = "risks/register.html"
    shows_groups: ClassVar[bool] = False

    def get_queryset(self) -> "QuerySet[Any]":
        return FoundationRisk.objects.none()

    @cached_property
    def query(self) -> InheritedRiskQuery:
        """The filters of the URL."""
        self.filterset.is_valid()
        return self.filterset.narrowed  # type: ignore[no-any-return]

    @cached_property
    def conditions(self) -> InheritedRiskConditions:
        return build_conditions(user=self.user, on=self.today, query=self.query, count_all=True)

    @cached_property
    def basis(self) -> CountBasis:
        """The origin of the figures."""
        return CountBasis() if self.query.application else count_basis(self.user)

    @cached_property
    def standings(self) -> Sequence[RiskStanding]:
        return risk_standings(
            user=self.user,
            on=self.today,
            stored=self.basis.stored,
            application=self.query.application,
        )

    @cached_property
    def reach(self) -> RiskReach:
        """The figures of all inherited risks, or those of the application."""
        return RiskReach.total(standing.reach for standing in self.standings)

    @cached_property
    def application(self) -> Application | None:
        return selected_application(self.user, self.query)

    @cached_property
    def is_filtered(self) -> bool:
        # the group is a view of the list
        return any(value for name, value in self.request.GET.items() if name not in NO_FILTERS)

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        application = self.application
        if application is None:
            return ()
        return ((application.name, reverse("applications:detail", args=[application.slug])),)

    def get_controls(self) -> Sequence[FilterControl]:
        """Return the filters of risks and applications; two statements."""
        teams = Team.objects.visible_to(self.user).order_by("name").values_list("slug", "name")
        taxonomies = Taxonomy.objects.values_list("slug", "name")
        return (
            FilterControl("q", "Risk contains", "search"),
            FilterControl("state", "Status", choices=list(STATE_LABELS.items())),
            FilterControl("severity", "Severity", choices=list(presenters.SEVERITIES.items())),
            FilterControl("criticality", "Criticality", choices=CRITICALITIES),
            FilterControl("layer", "Layer", choices=Layer.choices),
            FilterControl("team", "Team", choices=list(teams[:300])),
            FilterControl("taxonomy", "Framework", choices=list(taxonomies)),
            FilterControl("entry", "Framework entry, such as LLM09", "search"),
        )

    def get_basis(self) -> str:
        counted_at = self.basis.counted_at
        counted = f" Figures counted {ago(counted_at, at=self.at)}." if counted_at else ""
        return f"Every dependency on a model or provider inherits its risks.{counted}"

    def get_actions(self) -> Sequence[PageAction]:
        issues = f"{reverse('issues:list')}?kind=stale_assessment"
        actions = [PageAction("View stale assessments in Work", issues)]
        if self.application:
            actions.append(PageAction("All applications", reverse("inherited-risks:list")))
        if self.user.is_governance:
            actions.append(PageAction("Add risk", reverse("foundation-risks:create")))
        return actions

    def get_empty_state(self) -> EmptyState:
        link = (
            ("Add risk", reverse("foundation-risks:create"))
            if self.user.is_governance
            else ("View risk templates", reverse("risk-templates:crosswalk"))
        )
        return EmptyState(
            "No inherited risks yet.",
            "Applications inherit the risks of the models and providers that they depend on. "
            "Built-in rules raise what the catalogue shows, such as a retirement within 180 days. "
            "Governance users add further risks from templates. Add an application with its "
            "dependencies, or add the first risk.",
            *link,
        )
