"""The most urgent causes: what governance decides first.

Causes are ordered by urgency, then criticality, then date of their most pressing issue. Pages load
one issue of each; its others are counted up to a maximum.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from apps.issues.models import Cause, Issue, IssueQuerySet, Urgency
from apps.issues.models.issues import CRITICALITY_OF_ORGANISATION
from apps.issues.queries import bounded_counts, set_aside_condition
from apps.issues.urgency import issue_urgency

# causes are counted up to here
MAX_COUNTED_CAUSES = 1_000
# issues of one cause are counted up to here
MAX_COUNTED_ISSUES = 10_000
# issues that are read at a time while causes are looked for
_BATCH = 200
_LATER_URGENCIES = (Urgency.THIS_MONTH, Urgency.THIS_QUARTER, Urgency.LATER)
_SORTED_FIELDS = ("cause_id", "act_by", "criticality", "state", "due_on")


@dataclass(frozen=True, slots=True)
class UrgentCause:
    """A cause with its most pressing issue, loaded with the relations of rows, and the numbers of
    unresolved issues that the reader can view, each counted up to MAX_COUNTED_ISSUES + 1."""

    lead: Issue
    n_issues: int
    n_unassigned: int


def pending_issues(user: Any, *, today: date) -> IssueQuerySet:
    """Select the unresolved issues that the user can view, without those that Work lists last."""
    issues: IssueQuerySet = Issue.objects.visible_to(user).unresolved()
    return issues.exclude(set_aside_condition(today))


def urgent_causes(
    issues: IssueQuerySet, *, today: date, limit: int, relations: Collection[str]
) -> list[UrgentCause]:
    """Return the `limit` most urgent causes of the issues; three or four statements, a few
    more where hundreds of issues are not due."""
    leads = _load_leads(issues, today, limit)
    rows = issues.filter(pk__in=leads.values()).select_related(*relations)
    issues_by_cause = {issue.cause_id: issue for issue in rows}
    if not leads:
        return []
    # of all their issues, not only of those that are due
    selections = {cause: issues.filter(cause=cause) for cause in issues_by_cause}
    totals = bounded_counts(
        {
            **{(cause, "all"): selected for cause, selected in selections.items()},
            **{
                (cause, "unassigned"): selected.filter(owner=None)
                for cause, selected in selections.items()
            },
        },
        limit=MAX_COUNTED_ISSUES + 1,
    )
    return [
        UrgentCause(issues_by_cause[pk], totals[pk, "all"], totals[pk, "unassigned"])
        for pk in leads
        if pk in issues_by_cause
    ]


def counted_causes(user: Any) -> QuerySet[Cause, Any]:
    """Select the open causes that the user can view, up to MAX_COUNTED_CAUSES + 1, to count."""
    causes = Cause.objects.visible_to(user).open().order_by()
    return causes.values("pk")[: MAX_COUNTED_CAUSES + 1]


def _load_leads(issues: IssueQuerySet, today: date, limit: int) -> dict[int, int]:
    """Return {cause: its most pressing issue} of the most urgent causes, in their order.

    The issues of an urgency are read in their order, a few hundred at a time, until there are
    enough causes: an urgency with tens of thousands of issues is never read as a whole.
    """
    leads: dict[int, int] = {}
    _add_leads(leads, issues, Urgency.NOW, today, limit)
    if len(leads) >= limit:
        return leads
    later = issues.filter(act_by__gt=today).exclude(cause__in=list(leads))
    few = list(later.order_by().only(*_SORTED_FIELDS)[:_BATCH])
    if len(few) == _BATCH:
        for urgency in _LATER_URGENCIES:
            _add_leads(leads, issues, urgency, today, limit)
        return leads
    for issue in sorted(few, key=lambda issue: _sort_key(issue, today)):
        if len(leads) < limit:
            leads.setdefault(issue.cause_id, issue.pk)
    return leads


def _add_leads(
    leads: dict[int, int], issues: IssueQuerySet, urgency: Urgency, today: date, limit: int
) -> None:
    """Add causes with an issue of this urgency until there are enough."""
    ordered = (
        issues.of_urgency([urgency], today)
        .alias(level=_criticality())
        .order_by("level", F("due_on").asc(nulls_last=True), "cause", "pk")
    )
    while len(leads) < limit:
        batch = list(ordered.exclude(cause__in=list(leads)).values_list("cause", "pk")[:_BATCH])
        for cause, pk in batch:
            if len(leads) < limit:
                leads.setdefault(cause, pk)
        if len(batch) < _BATCH:
            break


def _sort_key(issue: Issue, today: date) -> tuple[int, int, date, int, int]:
    """Return the place of an issue, by the rules of the statement."""
    urgency = issue_urgency(
        act_by=issue.act_by, criticality=issue.criticality, state=issue.state, today=today
    )
    level = CRITICALITY_OF_ORGANISATION if issue.criticality is None else issue.criticality
    rank = list(Urgency).index(urgency)
    return rank, level, issue.due_on or date.max, issue.cause_id, issue.pk


def _criticality() -> Coalesce:
    return Coalesce("criticality", Value(int(CRITICALITY_OF_ORGANISATION)))
