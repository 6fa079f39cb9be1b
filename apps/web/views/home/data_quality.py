"""Counts on Home: what is missing so that the other numbers are complete, and the open causes."""

from dataclasses import dataclass
from datetime import date

from apps.accounts.models import User
from apps.common.database.statements import count_each
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, CachedRunway
from apps.issues.urgent_causes import counted_causes
from apps.web.presenters.dashboard import late_runway_rows

# missing facts are counted up to here
MAX_COUNTED_GAPS = 1_000


@dataclass(frozen=True, slots=True)
class HomeCounts:
    """Applications in scope without any owner, those that retire with unknown effort, open causes
    and negative runways; each counted up to its maximum + 1."""

    n_without_owner: int
    n_unknown_effort: int
    n_causes: int
    n_late: int


def home_counts(*, user: User, today: date) -> HomeCounts:
    """Count what is missing, the causes and the negative runways; one statement."""
    teams = visible_team_ids(user)
    unowned = Application.objects.visible_to(user).in_scope().without_owner()
    unknown = CachedRunway.objects.filter(
        is_first=True, start_by__isnull=False, effort_days__isnull=True
    )
    if teams is not None:
        unknown = unknown.filter(team_id__in=teams)
    limit = MAX_COUNTED_GAPS + 1
    return HomeCounts(
        *count_each(
            unowned.order_by().values("pk")[:limit],
            unknown.order_by().values("pk")[:limit],
            counted_causes(user),
            late_runway_rows(user=user, on=today).values("pk"),
        )
    )
