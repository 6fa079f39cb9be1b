"""Grouped risk register: one row for each risk and the foundation or provider of its node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.roles import TeamRole
from apps.risks.models import Layer
from apps.risks.queries.conditions import INHERENT, InheritedRiskQuery
from apps.risks.queries.counts import CountBasis, RiskStanding
from apps.risks.queries.groups import (
    RiskGroup,
    group_differences,
    group_risks,
    matching_risk_ids,
)
from apps.risks.queries.reach import RiskReach, reach_per_risk
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import ListRequest
from apps.web.lists.pagination import changed_query
from apps.web.pages.page import Headline
from apps.web.views.risks import presenters
from apps.web.views.risks.inherited_risks import InheritedRiskList
from apps.web.wording import number

GROUP_PAGE_SIZE = 25
# filters of single dependencies and assessments: their rows are shown one by one
_SINGLE_ROW_FILTERS = (
    "application",
    "dependency",
    "risk",
    "treatment",
    "owner",
    "due_before",
    "accepted_before",
)
_OWNER_KINDS = {"foundation": "Foundation", "party": "Provider", "offering": "Offering"}


def is_grouped(request: ListRequest, query: InheritedRiskQuery, basis: CountBasis) -> bool:
    """Return whether the URL names the grouped register: groups can be counted under its
    filters."""
    if request.GET.get("group") == "none" or query.level not in ("", INHERENT):
        return False
    if any(request.GET.get(name) for name in _SINGLE_ROW_FILTERS):
        return False
    # counts of a team or a criticality are made live
    is_counted_live = bool(query.team) or query.criticality is not None
    return not (is_counted_live and basis.stored)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Row of the grouped register; `url` are its dependencies, one by one."""

    group: RiskGroup
    url: str

    @property
    def n_differing(self) -> int:
        return group_differences(self.group.reach).n_differing

    @property
    def differences(self) -> str:
        return describe_differences(self.group.reach)

    @property
    def exceptions(self) -> str:
        return describe_exceptions(self.group.reach)


def describe_differences(reach: RiskReach) -> str:
    """Return which dependencies differ from most of the group, such as `2 critical`; empty if none
    does."""
    differences = group_differences(reach)
    counts = [
        (differences.n_other, "with lower criticality and classification"),
        (differences.n_critical, "critical"),
        (differences.n_secret, "strictly confidential"),
        (differences.n_critical_secret, "critical and strictly confidential"),
    ]
    counts.remove(max(counts, key=lambda pair: pair[0]))
    return ", ".join(f"{number(n)} {words}" for n, words in counts if n)


def describe_exceptions(reach: RiskReach) -> str:
    """Return the decisions that a decision for the group keeps: acceptances and risks that do not
    apply."""
    counts = [(reach.n_accepted, "accepted"), (reach.n_not_applicable, "not applicable")]
    return ", ".join(f"{number(n)} {words}" for n, words in counts if n)


class RiskGroupList(InheritedRiskList[GroupRow]):
    """Inherited risks in groups that one decision can cover, most severe first. The register shows
    it; only its files have addresses of their own."""

    route = "groups"
    columns = (
        Column[GroupRow](
            "risk",
            "Risk",
            lambda row: f"{row.group.code} {row.group.title}".lstrip(),
            url=attrgetter("url"),
        ),
        Column[GroupRow](
            "from",
            "From",
            attrgetter("group.owner.name"),
            note=lambda row: _OWNER_KINDS[row.group.owner.kind],
        ),
        Column[GroupRow](
            "severity",
            "Severity",
            lambda row: presenters.describe_severity(row.group.level),
            css=lambda row: f"sev sev-{row.group.level.severity}",
        ),
        Column[GroupRow](
            "dependencies",
            "Dependencies",
            attrgetter("group.reach.n_inherited"),
            format=format_number,
            note=lambda row: f"{number(row.group.reach.n_critical)} critical",
            is_numeric=True,
        ),
        Column[GroupRow](
            "differences",
            "Differences",
            attrgetter("n_differing"),
            template="risks/differences-cell.html",
        ),
        Column[GroupRow](
            "assessment",
            "Assessment",
            attrgetter("group.n_undecided"),
            template="risks/decision-cell.html",
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[GroupRow]("Template", attrgetter("group.code")),
        FileColumn[GroupRow](
            "Layer", lambda row: Layer(row.group.layer).label if row.group.layer else ""
        ),
        FileColumn[GroupRow]("Type of origin", lambda row: _OWNER_KINDS[row.group.owner.kind]),
        FileColumn[GroupRow]("Inherent likelihood", attrgetter("group.level.likelihood")),
        FileColumn[GroupRow]("Inherent impact", attrgetter("group.level.impact")),
        FileColumn[GroupRow]("Critical", attrgetter("group.reach.n_critical")),
        FileColumn[GroupRow]("Differing dependencies", attrgetter("differences")),
        FileColumn[GroupRow]("Unassessed", attrgetter("group.reach.n_unassessed")),
        FileColumn[GroupRow]("Stale", attrgetter("group.reach.n_stale")),
        FileColumn[GroupRow]("Assessed", attrgetter("group.reach.n_assessed")),
        FileColumn[GroupRow]("Accepted", attrgetter("group.reach.n_accepted")),
        FileColumn[GroupRow]("Not applicable", attrgetter("group.reach.n_not_applicable")),
    )
    page_size = GROUP_PAGE_SIZE
    listing_template = "risks/groups.html"
    shows_groups = True

    def narrow(self, queryset: Any) -> Any:
        return ComputedRows(self.groups)

    @cached_property
    def groups(self) -> Sequence[RiskGroup]:
        """The groups that match the filters; at most six statements."""
        query, conditions = self.query, self.conditions
        risk_ids = matching_risk_ids(conditions) if conditions.which else None
        standings = self.standings
        if query.team or query.criticality is not None:
            standings = self._count_standings(query)
        if risk_ids is not None:
            standings = [row for row in standings if row.risk_id in risk_ids]
        groups = group_risks(standings)
        return [group for group in groups if group.reach.n_in_state(query.state)]

    def _count_standings(self, query: InheritedRiskQuery) -> Sequence[RiskStanding]:
        """Count the standings of the team or the criticality that the filters name."""
        reach = reach_per_risk(
            user=self.user,
            on=self.today,
            team_ids=self.conditions.params["teams"],
            criticality=query.criticality,
        )
        return [
            replace(standing, reach=reach[standing.risk_id])
            for standing in self.standings
            if standing.risk_id in reach
        ]

    def build_rows(self, records: Sequence[RiskGroup]) -> Sequence[GroupRow]:
        return [GroupRow(group, self._link_dependencies(group)) for group in records]

    def _link_dependencies(self, group: RiskGroup) -> str:
        query = changed_query(
            self.request, group="none", page=None, print=None, sort=None, **group.filters
        )
        return f"{reverse('inherited-risks:list')}{query}"

    @cached_property
    def may_decide(self) -> bool:
        """Whether the user can assess risks of at least one team."""
        user = self.user
        return user.is_governance or any(
            user.may(TeamRole.EDITOR, team) for team in user.team_roles()
        )

    def is_long(self) -> bool:
        """Return False: there are fewer groups than a request can write."""
        return False

    def get_lead(self) -> Headline:
        return presenters.groups_headline(
            RiskReach.total(group.reach for group in self.groups),
            len(self.groups),
            is_filtered=self.is_filtered,
            is_counted=self.basis.is_counted,
        )

    def get_basis(self) -> str:
        return (
            f"{super().get_basis()} One decision can cover all dependencies of a group. Accepted "
            "risks and risks marked as not applicable stay as they are."
        )
