"""Where the portfolio is correlated: tolerances, flags, and which events this floor has handled."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.catalog.models import Node, NodeKind, ProviderEvent
from apps.common.history import tracked


class Layer(models.TextChoices):
    DEVELOPER = "developer", "Developer"
    HOST = "host", "Host"
    FOUNDATION = "foundation", "Foundation"

    @property
    def node_kind(self) -> NodeKind:
        return NodeKind[self.name]


@tracked()
class Tolerance(models.Model):
    """The organisation's own line: at most this share of critical applications on one node of a layer."""

    layer = models.CharField(max_length=10, choices=Layer, unique=True)
    max_critical_share = models.DecimalField(
        max_digits=4, decimal_places=3, help_text="0 to 1; the line itself is tolerated."
    )
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["layer"]
        constraints = [
            models.CheckConstraint(
                name="tolerance_is_a_share",
                condition=Q(max_critical_share__gte=0, max_critical_share__lte=1),
                violation_error_message="A tolerance is a share between 0 and 1.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.layer}: {self.max_critical_share:.0%}"


class OrganisationQuerySet[M: models.Model](models.QuerySet[M]):
    """Facts about the whole portfolio: for governance, auditor and admin only."""

    def visible_to(self, user: Any) -> "OrganisationQuerySet[M]":
        return self if user.is_authenticated and user.reads_everything else self.none()


@tracked()
class ExposureFlag(models.Model):
    """A node on which more critical applications stand than is tolerated; one open row per node and layer."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        ACCEPTED = "accepted", "Accepted until"
        RESOLVED = "resolved", "Resolved"

    LIVE: ClassVar[tuple[str, ...]] = (State.OPEN, State.ACKNOWLEDGED, State.ACCEPTED)

    tolerance = models.ForeignKey(Tolerance, on_delete=models.PROTECT, related_name="flags")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="flags")
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    value = models.DecimalField(max_digits=7, decimal_places=6)
    limit = models.DecimalField(max_digits=4, decimal_places=3)
    application_ids = ArrayField(models.BigIntegerField(), default=list)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    below_since = models.DateField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = OrganisationQuerySet["ExposureFlag"].as_manager()

    class Meta:
        ordering = ["-value", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tolerance", "node"],
                name="exposure_flag_one_open",
                condition=Q(state__in=["open", "acknowledged", "accepted"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tolerance.layer} {self.node_id}: {self.value:.0%} of {self.limit:.0%}"


class HandledEvent(models.Model):
    """Provider events this floor has worked through, found by NOT EXISTS (ids commit out of order)."""

    event = models.OneToOneField(ProviderEvent, on_delete=models.CASCADE, primary_key=True, related_name="+")
    handled_at = models.DateTimeField()
    n_applications = models.PositiveIntegerField(help_text="Live applications standing on it at that moment.")

    def __str__(self) -> str:
        return f"event {self.event_id}"
