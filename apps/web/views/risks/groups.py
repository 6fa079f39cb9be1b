"""Grouped risk register: one row for each risk and the foundation or provider of its node."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.risks.queries.conditions import (
    INHERENT,
    InheritedRiskConditions,
    InheritedRiskQuery,
    build_conditions,
)
from apps.risks.queries.counts import CountBasis, RiskStanding, count_basis, risk_standings
from apps.risks.queries.groups import (
    RiskGroup,
    group_differences,
    group_risks,
    matching_risk_ids,
)
from apps.risks.queries.reach import RiskReach, reach_per_risk
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PRINT_PAGE_SIZE, changed_query, csv_response
from apps.web.views.risks import presenters
from apps.web.views.risks.summaries import requested_breakdown
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


def is_grouped(request: HttpRequest, query: InheritedRiskQuery, basis: CountBasis) -> bool:
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
    """Row of the grouped register, with its texts."""

    group: RiskGroup
    severity: str
    kind: str
    url: str
    n_differing: int
    differences: str
    exceptions: str


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Page of groups. `reach` is that of all groups which match the filters."""

    rows: Sequence[GroupRow]
    reach: RiskReach
    n_groups: int
    first: int
    previous: str
    next: str
    is_filtered: bool

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def load_groups(
    user: User,
    today: date,
    query: InheritedRiskQuery,
    conditions: InheritedRiskConditions,
    standings: Sequence[RiskStanding],
) -> list[RiskGroup]:
    """Return the groups that match the filters; at most six statements."""
    risk_ids = matching_risk_ids(conditions) if conditions.which else None
    if query.team or query.criticality is not None:
        reach = reach_per_risk(
            user=user,
            on=today,
            team_ids=conditions.params["teams"],
            criticality=query.criticality,
        )
        standings = [
            RiskStanding(
                row.risk_id,
                row.template_id,
                row.node_id,
                row.likelihood,
                row.impact,
                reach[row.risk_id],
            )
            for row in standings
            if row.risk_id in reach
        ]
    if risk_ids is not None:
        standings = [row for row in standings if row.risk_id in risk_ids]
    groups = group_risks(standings)
    return [group for group in groups if group.reach.n_in_state(query.state)]


def build_group_page(request: HttpRequest, groups: Sequence[RiskGroup]) -> GroupPage:
    size = PRINT_PAGE_SIZE if request.GET.get("print") == "all" else GROUP_PAGE_SIZE
    n_pages = max(1, -(-len(groups) // size))
    page_text = request.GET.get("page", "1")
    page = min(max(int(page_text), 1), n_pages) if page_text.isdecimal() else 1
    start = (page - 1) * size
    return GroupPage(
        rows=[group_row(request, group) for group in groups[start : start + size]],
        reach=RiskReach.total(group.reach for group in groups),
        n_groups=len(groups),
        first=start + 1,
        previous=changed_query(request, page=page - 1) if page > 1 else "",
        next=changed_query(request, page=page + 1) if page < n_pages else "",
        is_filtered=any(
            value
            for name, value in request.GET.items()
            if name not in {"page", "sort", "print", "group"}
        ),
    )


def group_row(request: HttpRequest, group: RiskGroup) -> GroupRow:
    query = changed_query(request, group="none", page=None, print=None, sort=None, **group.filters)
    return GroupRow(
        group=group,
        severity=presenters.describe_severity(group.level),
        kind=_OWNER_KINDS[group.owner.kind],
        url=f"{reverse('inherited-risks:list')}{query}",
        n_differing=group_differences(group.reach).n_differing,
        differences=describe_differences(group.reach),
        exceptions=describe_exceptions(group.reach),
    )


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


def may_decide(user: User) -> bool:
    """Return whether the user can assess risks of at least one team."""
    return user.is_governance or any(user.may(TeamRole.EDITOR, team) for team in user.team_roles())


CSV_HEADS = [
    "risk",
    "title",
    "layer",
    "from kind",
    "from",
    "severity",
    "inherent likelihood",
    "inherent impact",
    "dependencies",
    "critical",
    "differing",
    "differences",
    "unassessed",
    "stale",
    "assessed",
    "accepted",
    "not applicable",
]


@require_safe
def groups_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the groups that match the filters."""
    user, today = signed_in_user(request), day_of(now())
    query = requested_breakdown(request).narrowed
    conditions = build_conditions(user=user, on=today, query=query, count_all=True)
    standings = risk_standings(user=user, on=today, stored=count_basis(user).stored)
    groups = load_groups(user, today, query, conditions, standings)
    return csv_response("inherited-risks-by-foundation", CSV_HEADS, groups, _csv_cells)


def _csv_cells(group: RiskGroup) -> list[Any]:
    reach = group.reach
    return [
        group.code,
        group.title,
        group.layer,
        group.owner.kind,
        group.owner.name,
        presenters.describe_severity(group.level),
        group.level.likelihood,
        group.level.impact,
        reach.n_inherited,
        reach.n_critical,
        group_differences(reach).n_differing,
        describe_differences(reach),
        reach.n_unassessed,
        reach.n_stale,
        reach.n_assessed,
        reach.n_accepted,
        reach.n_not_applicable,
    ]
