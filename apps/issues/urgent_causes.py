"""The most urgent causes: what governance decides first.

Causes are ordered by urgency, then criticality, then date of their most pressing issue. A cause
with tens of thousands of issues is counted in the database; pages load one issue of each.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from apps.inventory.models import Criticality
from apps.issues.models import Cause, Issue, IssueQuerySet, Urgency
from apps.issues.models.issues import UrgencyExpression

# causes are counted up to here
MAX_COUNTED_CAUSES = 1_000
# issues of the organisation come with those of important applications
_CRITICALITY_OF_ORGANISATION = Criticality.IMPORTANT


@dataclass(frozen=True, slots=True)
class UrgentCause:
    """A cause with its most pressing issue, loaded with the relations of rows, and the numbers of
    unresolved issues that the reader can view."""

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
    """Return the `limit` most urgent causes of the issues; three or four statements.

    What is already due is looked at first, so that the rest is read only if that is not enough.
    """
    due = issues.filter(act_by__lte=today)
    counts = _count_by_cause(due, today, limit)
    if len(counts) < limit:
        known = [row["cause"] for row in counts]
        later = issues.filter(act_by__gt=today).exclude(cause__in=known)
        counts += _count_by_cause(later, today, limit - len(counts))
    if not counts:
        return []
    leads = {
        issue.cause_id: issue
        for issue in issues.filter(cause__in=[row["cause"] for row in counts])
        .select_related(*relations)
        .order_by(
            "cause_id", _urgency_rank(today), _criticality(), F("due_on").asc(nulls_last=True), "pk"
        )
        .distinct("cause_id")
    }
    # of all their issues, not only of those that are due
    totals = {
        row["cause"]: row
        for row in issues.filter(cause__in=list(leads))
        .order_by()
        .values("cause")
        .annotate(n=Count("pk"), n_unassigned=Count("pk", filter=Q(owner=None)))
    }
    return [
        UrgentCause(leads[pk], totals[pk]["n"], totals[pk]["n_unassigned"])
        for row in counts
        if (pk := row["cause"]) in leads and pk in totals
    ]


def counted_causes(user: Any) -> QuerySet[Cause, Any]:
    """Select the open causes that the user can view, up to MAX_COUNTED_CAUSES + 1, to count."""
    causes = Cause.objects.visible_to(user).open().order_by()
    return causes.values("pk")[: MAX_COUNTED_CAUSES + 1]


def _count_by_cause(issues: IssueQuerySet, today: date, limit: int) -> list[dict[str, Any]]:
    rows = (
        issues.order_by()
        .values("cause")
        .annotate(
            rank=Min(_urgency_rank(today)),
            level=Min(_criticality()),
            date=Min("due_on"),
        )
        .order_by("rank", "level", F("date").asc(nulls_last=True), "cause")
    )
    return [dict(row) for row in rows[:limit]]


def _criticality() -> Coalesce:
    return Coalesce("criticality", Value(int(_CRITICALITY_OF_ORGANISATION)))


def _urgency_rank(today: date) -> Case:
    """Return the place of the urgency on its scale, 0 for Now."""
    return Case(
        *(
            When(condition=Exact(UrgencyExpression(today), Value(urgency)), then=Value(rank))
            for rank, urgency in enumerate(Urgency.values)
        ),
        output_field=IntegerField(),
    )
