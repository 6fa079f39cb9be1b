"""Dependencies: the offerings that each application calls. The central table of the registry."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.validators import ArrayMaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from apps.catalog.models import Binding, Offering, Provider
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models.applications import Application
from apps.inventory.models.change_queue import application_change_triggers

MAX_TAGS = 50
MAX_FEATURES = 50
# Columns that hold lists of texts.
LIST_FIELDS = ("tags", "features")


class DependencyQuerySet(models.QuerySet["Dependency"]):
    def visible_to(self, user: Any) -> "DependencyQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(application__team__in=user.team_roles())

    def live_on(self, day: date) -> "DependencyQuerySet":
        """Select the dependencies in use on `day` (since inclusive, until exclusive) by
        applications in pilot or production."""
        return self.filter(
            Q(until__isnull=True) | Q(until__gt=day),
            since__lte=day,
            application__status__in=Application.IN_SCOPE,
        )

    def using_features(self, offering_ids: Collection[int]) -> "DependencyQuerySet":
        """Select the dependencies that use one of these features of their host; offerings that are
        no features select none."""
        return self.filter(
            pk__in=RawSQL(
                """
                SELECT d.id FROM catalog_offering x
                JOIN catalog_offering m ON m.host_id = x.host_id
                JOIN inventory_dependency d ON d.offering_id = m.id
                WHERE x.id = ANY (%s) AND x.kind IN ('feature', 'endpoint', 'parameter')
                  AND d.features <> '{}' AND x.api_id = ANY (d.features)
                """,
                [sorted(offering_ids)],
            )
        )

    def primary(self) -> "DependencyQuerySet":
        return self.filter(role=Dependency.Role.PRIMARY)


@track_history(exclude=("updated_at",))
class Dependency(models.Model):
    """The use of an offering by an application during a period. Ended rows stay as history."""

    class Role(models.TextChoices):
        PRIMARY = "primary", "Primary"
        FALLBACK = "fallback", "Fallback"
        JUDGE = "judge", "Judge"
        GUARDRAIL = "guardrail", "Guardrail"
        EMBEDDING = "embedding", "Embedding"
        RERANKER = "reranker", "Reranker"
        TOOL = "tool", "Tool"

    class Reached(models.TextChoices):
        DIRECT = "direct", "Directly"
        GATEWAY = "gateway", "Through a gateway"
        EMBEDDED = "embedded", "Embedded in a vendor's product"

    class Origin(models.TextChoices):
        DECLARED = "declared", "Declared"
        OBSERVED = "observed", "Observed"

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="dependencies"
    )
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="dependencies")
    role = models.CharField(max_length=10, choices=Role, default=Role.PRIMARY)
    fallback_order = models.PositiveSmallIntegerField(
        default=0, help_text="Order in which fallbacks are tried, from 1; 0 for other roles."
    )
    traffic_share = models.DecimalField(
        max_digits=18,
        decimal_places=15,
        null=True,
        blank=True,
        help_text=(
            "Declared share of the primary traffic; shares are scaled to 1, and 0 is standby."
        ),
    )
    monthly_input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_cache_read_tokens = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text=(
            "Input tokens read from the provider's cache, not included in the input tokens."
        ),
    )
    monthly_cache_write_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_requests = models.PositiveBigIntegerField(null=True, blank=True)
    typical_request_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=("Input tokens of a typical request; decides the price tier for long contexts."),
    )
    monthly_spend = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD."
    )
    reached = models.CharField(max_length=8, choices=Reached, default=Reached.DIRECT)
    via_party = models.ForeignKey(
        Provider,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reached_dependencies",
    )
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.DECLARED)
    binding = models.CharField(
        max_length=8,
        choices=Binding,
        default=Binding.UNKNOWN,
        help_text="Unknown: the binding of the offering applies.",
    )
    since = models.DateField(validators=[validate_plausible_date])
    until = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Ends on (not used from this date).",
    )
    last_observed_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    confirmed_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    tags = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        validators=[ArrayMaxLengthValidator(MAX_TAGS)],
    )
    features = ArrayField(
        models.CharField(max_length=300),
        default=list,
        db_default=[],
        blank=True,
        validators=[ArrayMaxLengthValidator(MAX_FEATURES)],
        help_text=(
            "Features, endpoints and parameters of the host that the application uses, by their "
            "names in the catalogue."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DependencyQuerySet.as_manager()

    class Meta:
        ordering = ["application", "role", "fallback_order", "id"]
        verbose_name_plural = "dependencies"
        indexes = [
            models.Index(
                fields=["offering"],
                include=["application", "role", "since", "until"],
                name="dependency_by_offering",
            ),
            # primary dependents of an offering by an index-only scan
            models.Index(
                fields=["offering"],
                include=["id", "application", "since", "until"],
                name="primary_by_offering",
                condition=Q(role="primary"),
            ),
            models.Index(
                fields=["offering"],
                name="dependency_with_features",
                condition=~Q(features=[]),
            ),
            models.Index(fields=["application", "role"], name="dependency_by_application"),
            models.Index(
                fields=["via_party"],
                name="dependency_by_party",
                condition=Q(via_party__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="dependency_tags_are_few",
                condition=Q(tags__len__lte=MAX_TAGS),
                violation_error_message=f"At most {MAX_TAGS} tags can be saved. Remove some.",
            ),
            models.CheckConstraint(
                name="dependency_features_are_few",
                condition=Q(features__len__lte=MAX_FEATURES),
                violation_error_message=(
                    f"At most {MAX_FEATURES} features can be saved. Remove some."
                ),
            ),
            models.CheckConstraint(
                name="dependency_until_after_since",
                condition=Q(until__isnull=True) | Q(until__gt=F("since")),
                violation_error_message="The dependency must end after it starts.",
            ),
            models.CheckConstraint(
                name="dependency_share_not_negative",
                condition=Q(traffic_share__isnull=True) | Q(traffic_share__gte=0),
                violation_error_message="A traffic share must be 0 or more.",
            ),
            models.CheckConstraint(
                name="dependency_spend_not_negative",
                condition=Q(monthly_spend__isnull=True) | Q(monthly_spend__gte=0),
                violation_error_message="Monthly spend must be 0 or more.",
            ),
            models.CheckConstraint(
                name="dependency_party_unless_direct",
                condition=Q(reached="direct", via_party__isnull=True)
                | (~Q(reached="direct") & Q(via_party__isnull=False)),
                violation_error_message=(
                    "Choose the gateway or vendor that relays the calls, or leave it "
                    "empty for a direct call."
                ),
            ),
        ]
        triggers = application_change_triggers("dependency", "application_id")

    def __str__(self) -> str:
        return f"{self.application}: {self.role} {self.offering_id}"
