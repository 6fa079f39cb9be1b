"""Share of a node at the ends of the past months, as stored by snapshots/monthly.py.

The numbers are those of `layer_table`: applications with a primary model on the node over those in
scope. They exist for the whole organisation only.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from apps.accounts.models import User
from apps.exposure.queries.concentration import share_of
from apps.exposure.snapshots.monthly import MONTHS, past_month_ends

# "since last quarter" compares with the end of the third month before
QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class MonthlyShare:
    """Applications on a node at the end of a month, and those in scope. `is_measured`: a snapshot
    of that day; otherwise computed from dates and history."""

    day: date
    n: int
    n_critical: int
    n_applications: int
    n_critical_applications: int
    is_measured: bool

    @property
    def critical_share(self) -> Decimal | None:
        """Return the share of critical applications; None without any."""
        if not self.n_critical_applications:
            return None
        return share_of(self.n_critical, self.n_critical_applications)

    @property
    def share(self) -> Decimal | None:
        return share_of(self.n, self.n_applications) if self.n_applications else None


_HISTORY = """
SELECT node.id, total.day, coalesce(m.n, 0), coalesce(m.n_critical, 0), total.n, total.n_critical,
       total.origin = 'snapshot'
FROM unnest(%(nodes)s::bigint[]) AS node(id)
CROSS JOIN exposure_monthlyconcentration total
LEFT JOIN exposure_monthlyconcentration m ON m.node_id = node.id AND m.day = total.day
WHERE total.node_id IS NULL AND total.day = ANY (%(days)s)
ORDER BY node.id, total.day
"""


def concentration_history(
    node_ids: Collection[int], *, user: User, on: date
) -> dict[int, list[MonthlyShare]]:
    """Return the past twelve month ends of each node, oldest first; one statement.

    Months before the first application are left out. Empty for users without an organisation role,
    whose applications have no stored history, and while nothing is stored.
    """
    if not user.can_read_all or not node_ids:
        return {}
    history: dict[int, list[MonthlyShare]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, {"nodes": list(node_ids), "days": past_month_ends(on, MONTHS)})
        for node_id, *values in cursor.fetchall():
            month = MonthlyShare(*values)
            if month.n_applications or history[node_id]:
                history[node_id].append(month)
    return dict(history)


def quarter_before(months: Sequence[MonthlyShare], *, on: date) -> MonthlyShare | None:
    """Return the end of the third month before that of `on`, with which today is compared."""
    day = past_month_ends(on, QUARTER_MONTHS)[0]
    return next((month for month in months if month.day == day), None)
