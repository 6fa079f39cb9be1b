"""API tokens that send under a service's name: their permission to write to an application, and
their dropped calls."""

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

# a token that sent within this number of days counts as active
RECENT_DAYS = 30
# tokens of one list; those that sent last come first
MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class SendingToken:
    """API token that sends under a service's name; `may_write` is None while the service is not
    linked and no application is given."""

    row: ServiceToken
    may_write: bool | None

    @property
    def drops(self) -> bool:
        """Whether calls were dropped and would be dropped again."""
        return self.row.n_dropped > 0 and self.may_write is False


def tokens_of(services: Iterable[int], *, application: Application | None) -> list[SendingToken]:
    """Return tokens that sent under these services' names, latest first, with their permission to
    write to `application`."""
    rows = (
        ServiceToken.objects.filter(service__in=list(services))
        .select_related("service", "token__user")
        .order_by("-last_sent_at", "-pk")[:MAX_LISTED]
    )
    return [
        SendingToken(row, _has_write_access(row, application) if application else None)
        for row in rows
    ]


def tokens_losing_access(
    services: Iterable[int], *, application: Application, at: datetime
) -> list[SendingToken]:
    """Return active tokens that sent within RECENT_DAYS and whose calls would be dropped if the
    services were linked to `application`, each token once."""
    tokens_by_id: dict[int, SendingToken] = {}
    for sending_token in tokens_of(services, application=application):
        token = sending_token.row.token
        is_recent = sending_token.row.last_sent_at >= at - timedelta(days=RECENT_DAYS)
        if (
            is_recent
            and sending_token.may_write is False
            and token.is_good_at(at)
            and token.user.is_active
        ):
            tokens_by_id.setdefault(token.pk, sending_token)
    return list(tokens_by_id.values())


def _has_write_access(row: ServiceToken, application: Application) -> bool:
    user: User = row.token.user.bound_to(row.token.team_id)
    return user.may(TeamRole.EDITOR, application.team_id)


def dropped_calls() -> Coalesce:
    """Return an annotation of services: the number of dropped calls of all tokens."""
    sums = _tokens_of_outer_service().annotate(n=Sum("n_dropped"))
    return Coalesce(Subquery(sums.values("n")), 0)


def last_dropped_at() -> Subquery:
    """Return an annotation of services: the time of the last dropped call; None if no call was
    dropped."""
    return Subquery(
        _tokens_of_outer_service().annotate(latest=Max("last_dropped_at")).values("latest")
    )


def _tokens_of_outer_service() -> "QuerySet[ServiceToken, Any]":
    return ServiceToken.objects.filter(service=OuterRef("pk")).order_by().values("service")
