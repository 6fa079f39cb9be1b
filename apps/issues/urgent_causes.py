"""The most urgent causes: what governance decides first.

Causes are ordered by urgency, then criticality, then date of their most pressing issue. Pages load
one issue of each; its others are counted up to a maximum.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from apps.issues.models import Cause, Issue, IssueQuerySet, Urgency
from apps.issues.models.issues import CRITICALITY_OF_ORGANISATION
from apps.issues.queries import bounded_counts

# causes are counted up to here
MAX_COUNTED_CAUSES = 1_000
# issues of one cause are counted up to here
MAX_COUNTED_ISSUES = 10_000
# issues that are read at a time while causes are looked for
_BATCH = 200


@dataclass(frozen=True, slots=True)
class UrgentCause:
    """A cause with its most pressing issue, loaded with the relations of rows, and the numbers of
    unresolved issues that the reader can view, each counted up to MAX_COUNTED_ISSUES + 1."""

    lead: Issue
    n_issues: int
    n_unassigned: int


def pending_issues(user: Any, *, today: date) -> IssueQuerySet:
    """Select the unresolved issues that the user can view, without those that Work lists last:
    snoozed or accepted until a date."""
    issues: IssueQuerySet = (
        Issue.objects.visible_to(user).unresolved().exclude(state=Issue.State.ACCEPTED)
    )
    return issues.filter(Q(snoozed_until=None) | Q(snoozed_until__lte=today))


def urgent_causes(
    issues: IssueQuerySet, *, today: date, limit: int, relations: Collection[str]
) -> list[UrgentCause]:
    """Return the `limit` most urgent causes of the issues; three statements where enough issues are
    due, a few more otherwise."""
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
    for urgency in Urgency:
        ordered = (
            issues.of_urgency([urgency], today)
            .alias(level=_criticality())
            .order_by("level", F("due_on").asc(nulls_last=True), "cause", "pk")
        )
        while len(leads) < limit:
            rows = ordered.exclude(cause__in=list(leads)).values_list("cause", "pk")[:_BATCH]
            batch = list(rows)
            for cause, pk in batch:
                if len(leads) < limit:
                    leads.setdefault(cause, pk)
            if len(batch) < _BATCH:
                break
    return leads


def _criticality() -> Coalesce:
    return Coalesce("criticality", Value(int(CRITICALITY_OF_ORGANISATION)))
