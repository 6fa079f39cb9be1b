"""The organisation's exposure policies, and the flags of measurements above their tolerance."""

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.catalog.models import Node, NodeKind, ProviderEvent
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.exposure.threats import THREATS


class Layer(models.TextChoices):
    """The layers in which concentration is measured, each separately."""

    DEVELOPER = "developer", "Developer"
    HOST = "host", "Host"
    FOUNDATION = "foundation", "Foundation"
    VERSION = "version", "Version"
    REGION = "region", "Region"
    GATEWAY = "gateway", "Gateway"
    VENDOR = "vendor", "Vendor"

    @property
    def node_kind(self) -> NodeKind:
        return NodeKind[self.name]


class Basis(models.TextChoices):
    """The weights of an application."""

    COUNT = "count", "Applications"
    CRITICALITY = "criticality", "Criticality points"
    SPEND = "spend", "Monthly spend"
    USERS = "users", "Users affected"


class StandingState(models.TextChoices):
    """State of an application when a node fails; most severe first. The order is the database's
    code, 0 to 3."""

    EXPOSED = "exposed", "Exposed"
    CUSHIONED = "cushioned", "Cushioned"
    PORTABLE = "portable", "Portable"
    PARTIAL = "partial", "Partial"

    @property
    def code(self) -> int:
        return list(StandingState).index(self)


class Predicate(models.TextChoices):
    """Conditions on applications that a policy without a node can count."""

    NO_INDEPENDENT_FALLBACK = "no_independent_fallback", "No fallback with independence 4 or higher"
    JUDGE_SHARES_LINEAGE = (
        "judge_shares_lineage",
        "Judge or guardrail shares lineage with a primary model",
    )
    UNRESOLVED_PRIMARY = "unresolved_primary", "Unresolved primary model"


THREAT_CHOICES = [(threat, threat.replace("_", " ")) for threat in THREATS]


@track_history(exclude=("updated_at",))
class Policy(models.Model):
    """A tolerance: what is counted, on which kinds of node, under which threat, and how much is
    tolerated.

    With `predicate` it has no node and counts the applications that meet it. A value equal to the
    tolerance is accepted; a flag opens above it and resolves once the value has been at or under
    tolerance x (1 - hysteresis) for `clear_days`.
    """

    class Measure(models.TextChoices):
        N_APPLICATIONS = "n_applications", "Number of applications"
        N_CRITICAL = "n_critical", "Number of critical applications"
        WEIGHT_SHARE = "weight_share", "Share of the weight in scope"
        CRITICAL_SHARE = "critical_share", "Share of the critical applications in scope"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200, help_text="Description of the policy, as a sentence.")
    kinds = ArrayField(
        models.CharField(max_length=10),
        default=list,
        blank=True,
        help_text="Layers; empty if a condition is set.",
    )
    threat = models.CharField(
        max_length=17,
        blank=True,
        choices=THREAT_CHOICES,
        help_text="Empty: the usual failure mode of each layer.",
    )
    states = ArrayField(
        models.CharField(max_length=9, choices=StandingState), default=list, blank=True
    )
    predicate = models.CharField(max_length=30, choices=Predicate, blank=True)
    measure = models.CharField(max_length=14, choices=Measure)
    basis = models.CharField(
        max_length=11, choices=Basis, default=Basis.COUNT, help_text="Weight of the share."
    )
    tolerance = models.DecimalField(
        max_digits=24,
        decimal_places=15,
        help_text="A value equal to the tolerance does not raise a flag.",
    )
    hysteresis = models.DecimalField(max_digits=16, decimal_places=15, default=Decimal("0.1"))
    clear_days = models.PositiveSmallIntegerField(default=2)
    enabled = models.BooleanField(default=True)
    reason = LimitedTextField(
        max_length=MAX_REASON_LENGTH, blank=True, help_text="Reason for the tolerance."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["slug"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                name="policy_tolerance_not_negative",
                condition=Q(tolerance__gte=0),
                violation_error_message="A tolerance must be 0 or more.",
            ),
            models.CheckConstraint(
                name="policy_share_at_most_one",
                condition=~Q(measure__in=["weight_share", "critical_share"]) | Q(tolerance__lte=1),
                violation_error_message="A tolerance for a share must be at most 1.",
            ),
            models.CheckConstraint(
                name="policy_hysteresis_is_a_part",
                condition=Q(hysteresis__gte=0, hysteresis__lt=1),
                violation_error_message=(
                    "The hysteresis is a share of the tolerance, from 0 to below 1."
                ),
            ),
            models.CheckConstraint(
                name="policy_nodes_or_predicate",
                condition=(Q(predicate="") & ~Q(kinds=[]) & ~Q(states=[]))
                | (~Q(predicate="") & Q(kinds=[])),
                violation_error_message=(
                    "Select either exposure states and layers, or a condition of applications."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        labels = {kind.label for kind in NodeKind}
        if unknown := sorted(set(self.kinds) - labels):
            raise ValidationError(
                {
                    "kinds": (
                        f"'{unknown[0]}' is not a valid layer. Use one of: "
                        f"{', '.join(sorted(labels))}."
                    )
                }
            )


class OrganisationQuerySet[M: models.Model](models.QuerySet[M]):
    """Facts about the whole portfolio, visible to governance, auditors and administrators."""

    def visible_to(self, user: Any) -> "OrganisationQuerySet[M]":
        return self if user.is_authenticated and user.can_read_all else self.none()


@track_history()
class ExposureFlag(models.Model):
    """One episode of a policy above its tolerance, by a node or (with a predicate) by the
    portfolio; one active row per pair.

    `ceiling` is set with an acceptance: above it the flag is open again. `application_ids` lists
    the most critical of `n_applications`, at most NAMED of them.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        ACCEPTED = "accepted", "Accepted until"
        RESOLVED = "resolved", "Resolved"

    LIVE: ClassVar[tuple[str, ...]] = (State.OPEN, State.ACKNOWLEDGED, State.ACCEPTED)
    NAMED: ClassVar[int] = 200

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="flags")
    node = models.ForeignKey(
        Node, on_delete=models.PROTECT, null=True, blank=True, related_name="flags"
    )
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    value = models.DecimalField(max_digits=24, decimal_places=15)
    limit = models.DecimalField(max_digits=24, decimal_places=15)
    n_applications = models.PositiveIntegerField(default=0)
    application_ids = ArrayField(models.BigIntegerField(), default=list)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    below_since = models.DateField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_until = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Acceptance expires on (not valid from this date).",
    )
    accepted_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    ceiling = models.DecimalField(max_digits=24, decimal_places=15, null=True, blank=True)

    objects = OrganisationQuerySet["ExposureFlag"].as_manager()

    class Meta:
        ordering = ["-opened_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "node"],
                name="exposure_flag_one_live",
                condition=Q(state__in=["open", "acknowledged", "accepted"]),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="exposure_flag_accepted_has_end",
                condition=~Q(state="accepted")
                | Q(accepted_by__isnull=False, accepted_until__isnull=False, ceiling__isnull=False),
                violation_error_message=(
                    "An acceptance needs a user, an expiry date and an accepted value."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} {self.node_id}: {self.state}"


class FlagEvent(models.Model):
    """A transition of a flag. Alerts read opened, worsened, acceptance_expired and resolved."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        ACCEPTED = "accepted", "Accepted"
        WORSENED = "worsened", "Above accepted level"
        REVOKED = "acceptance_revoked", "Acceptance revoked"
        ACCEPTANCE_EXPIRED = "acceptance_expired", "Acceptance expired"
        RESOLVED = "resolved", "Resolved"

    flag = models.ForeignKey(ExposureFlag, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=18, choices=Kind)
    at = models.DateTimeField()
    value = models.DecimalField(max_digits=24, decimal_places=15)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d}"


class HandledEvent(models.Model):
    """Provider events that this app has processed, found by NOT EXISTS (IDs commit out of
    order)."""

    event = models.OneToOneField(
        ProviderEvent, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()
    n_applications = models.PositiveIntegerField(
        help_text="Active applications that depended on it at that time."
    )

    def __str__(self) -> str:
        return f"event {self.event_id}"
