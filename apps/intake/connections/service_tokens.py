"""API tokens that send under a service's name: which may write to an application, and how many
calls were lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.intake.models import ServiceToken
from apps.inventory.models import Application

# who sent within so many days is still taken for a sender
RECENT_DAYS = 30
# of one service; the latest senders come first
MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class SendingToken:
    """API token that sends under a service's name; `may_write` is None while the service is not
    linked and no application is given."""

    row: ServiceToken
    may_write: bool | None

    @property
    def drops(self) -> bool:
        """Whether calls were dropped, and would be again."""
        return self.row.n_dropped > 0 and self.may_write is False


def tokens_of(services: Iterable[int], *, application: Application | None) -> list[SendingToken]:
    """Return tokens that sent under these services' names, latest first, and whether each may write
    to `application`."""
    rows = (
        ServiceToken.objects.filter(service__in=list(services))
        .select_related("service", "token__user")
        .order_by("-last_sent_at", "-pk")[:MAX_LISTED]
    )
    return [
        SendingToken(row, _may_write(row, application) if application else None) for row in rows
    ]


def tokens_losing_access(
    services: Iterable[int], *, application: Application, at: datetime
) -> list[SendingToken]:
    """Return active tokens, each once, that sent lately and whose calls would be dropped if the
    services were linked to `application`."""
    found: dict[int, SendingToken] = {}
    for each in tokens_of(services, application=application):
        token = each.row.token
        is_recent = each.row.last_sent_at >= at - timedelta(days=RECENT_DAYS)
        if is_recent and each.may_write is False and token.is_good_at(at) and token.user.is_active:
            found.setdefault(token.pk, each)
    return list(found.values())


def _may_write(row: ServiceToken, application: Application) -> bool:
    user: User = row.token.user.bound_to(row.token.team_id)
    return user.may(TeamRole.EDITOR, application.team_id)


def dropped_calls() -> Coalesce:
    """Return an annotation of services: the number of dropped calls of all tokens."""
    sums = _of_service().annotate(n=Sum("n_dropped"))
    return Coalesce(Subquery(sums.values("n")), 0)


def last_dropped_at() -> Subquery:
    """Return an annotation of services: the time of the last dropped call; None if no call was
    dropped."""
    return Subquery(_of_service().annotate(latest=Max("last_dropped_at")).values("latest"))


def _of_service() -> "QuerySet[ServiceToken, Any]":
    return ServiceToken.objects.filter(service=OuterRef("pk")).order_by().values("service")
