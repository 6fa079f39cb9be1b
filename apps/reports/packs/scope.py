"""Scope of one pack: its applications, the user whose access limits its rows, its period."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.catalog.models import Node, NodeKind, Provider
from apps.common.time import day_of, start_of
from apps.inventory.models import Application, Dependency
from apps.inventory.models.applications import ApplicationQuerySet

_PARTY_KINDS = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)


@dataclass
class PackScope:
    """The scope of a pack. All rows pass `visible_to(user)`; `user` is the requester, with current
    permissions."""

    user: User
    since: date
    until: date
    as_of: datetime
    application: Application | None = None
    provider: Provider | None = None

    @property
    def on(self) -> date:
        return day_of(self.as_of)

    @property
    def begins_at(self) -> datetime:
        return start_of(self.since)

    @property
    def ends_at(self) -> datetime:
        """Return the exclusive end: that of the period, or the time of the request."""
        return min(start_of(self.until), self.as_of)

    @property
    def is_whole(self) -> bool:
        return self.application is None and self.provider is None

    def during(self, column: str) -> Q:
        """Return the condition that the time `column` is in the period."""
        return Q(**{f"{column}__gte": self.begins_at, f"{column}__lt": self.ends_at})

    @property
    def dependencies(self) -> QuerySet[Dependency]:
        """Return the dependencies in use at some time of the period."""
        queryset = Dependency.objects.visible_to(self.user).filter(
            Q(until__isnull=True) | Q(until__gt=self.since), since__lt=self.until
        )
        if self.application is not None:
            return queryset.filter(application=self.application)
        if self.provider is not None:
            on_nodes = Q(offering__footings__node__in=self.nodes) | Q(via_party=self.provider)
            return queryset.filter(pk__in=Dependency.objects.filter(on_nodes).values("pk"))
        return queryset

    @property
    def nodes(self) -> QuerySet[Node]:
        """Return the nodes of the provider."""
        assert self.provider is not None
        return Node.objects.filter(kind__in=_PARTY_KINDS, ref=self.provider.pk)

    @property
    def applications(self) -> ApplicationQuerySet:
        rows = Application.objects.visible_to(self.user)
        if self.application is not None:
            return rows.filter(pk=self.application.pk)
        if self.provider is not None:
            return rows.filter(pk__in=self.dependencies.order_by().values("application"))
        return rows

    @property
    def all_dependencies(self) -> QuerySet[Dependency]:
        """Return the dependencies of the applications at any time: plans, tests and assessments
        belong to them."""
        return Dependency.objects.visible_to(self.user).filter(
            application__in=self.applications.order_by().values("pk")
        )

    @cached_property
    def names(self) -> dict[int, str]:
        """Return {ID: slug} of the applications in the scope; others are never named."""
        return dict(self.applications.order_by("pk").values_list("pk", "slug"))

    def names_of(self, application_ids: Any) -> list[str]:
        return [self.names[pk] for pk in application_ids or () if pk in self.names]
