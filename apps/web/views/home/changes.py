"""Changes on Home: the issues that opened and closed since the previous sign-in of the user."""

from dataclasses import dataclass
from datetime import date

from apps.accounts.models import AccountEvent, AccountEventKind, User
from apps.common.database.statements import count_each
from apps.common.time import day_of, start_of
from apps.issues.models import Issue, IssueQuerySet
from apps.web.wording import bounded_number

# issues are counted up to here
MAX_COUNTED_ISSUES = 1_000


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """Numbers of issues that opened and are still in work, and that were resolved, from the start
    of the day `since` on, as the list of issues counts them."""

    since: date
    n_opened: int
    n_resolved: int

    @property
    def opened(self) -> str:
        return bounded_number(self.n_opened, MAX_COUNTED_ISSUES)

    @property
    def resolved(self) -> str:
        return bounded_number(self.n_resolved, MAX_COUNTED_ISSUES)


def recent_changes(issues: IssueQuerySet, *, user: User, today: date) -> RecentChanges | None:
    """Count the changes among the issues, of any state; None at the first sign-in. Two
    statements."""
    sign_ins = AccountEvent.objects.filter(user=user, kind=AccountEventKind.SIGNED_IN)
    previous = sign_ins.order_by("-last_at", "-pk").values_list("last_at", flat=True)[1:2].first()
    if previous is None:
        return None
    since = day_of(previous)
    limit = MAX_COUNTED_ISSUES + 1
    n_opened, n_resolved = count_each(
        issues.in_work(on=today)
        .filter(opened_at__gte=start_of(since))
        .order_by()
        .values("pk")[:limit],
        issues.filter(state=Issue.State.RESOLVED, resolved_at__gte=start_of(since))
        .order_by()
        .values("pk")[:limit],
    )
    return RecentChanges(since, n_opened, n_resolved)
