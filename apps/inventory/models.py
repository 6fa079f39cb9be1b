"""What the organisation runs, and what each of those calls."""

from datetime import date
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from apps.accounts.models import Team
from apps.catalog.models import Offering, Provider
from apps.common.history import tracked


class Criticality(models.IntegerChoices):
    """Ordered: the smaller, the graver, so that an index on it lists critical first."""

    CRITICAL = 0, "Critical"
    IMPORTANT = 1, "Important"
    STANDARD = 2, "Standard"
    LOW = 3, "Low"


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: Any) -> "ApplicationQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.reads_everything:
            return self
        return self.filter(team__in=user.team_roles())

    def in_scope(self) -> "ApplicationQuerySet":
        """Applications that count: in pilot or production."""
        return self.filter(status__in=Application.IN_SCOPE)


@tracked(exclude=("updated_at",))
class Application(models.Model):
    class Status(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        PILOT = "pilot", "Pilot"
        PRODUCTION = "production", "Production"
        RETIRED = "retired", "Retired"

    class AiActClass(models.TextChoices):
        PROHIBITED = "prohibited", "Prohibited practice"
        HIGH = "high", "High risk"
        LIMITED = "limited", "Limited risk"
        MINIMAL = "minimal", "Minimal risk"

    class AiActRole(models.TextChoices):
        PROVIDER = "provider", "Provider"
        DEPLOYER = "deployer", "Deployer"
        IMPORTER = "importer", "Importer"
        DISTRIBUTOR = "distributor", "Distributor"

    class DataClass(models.TextChoices):
        PUBLIC = "public", "Public"
        INTERNAL = "internal", "Internal"
        CONFIDENTIAL = "confidential", "Confidential"
        SECRET = "secret", "Strictly confidential"

    IN_SCOPE: ClassVar[tuple[str, ...]] = (Status.PILOT, Status.PRODUCTION)

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=120, unique=True)
    purpose = models.TextField(blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="applications")
    business_owner = models.CharField(max_length=200, blank=True)
    technical_owner = models.CharField(max_length=200, blank=True)
    criticality = models.PositiveSmallIntegerField(choices=Criticality, default=Criticality.STANDARD)
    status = models.CharField(max_length=10, choices=Status, default=Status.PRODUCTION)
    ai_act_class = models.CharField("AI Act class", max_length=10, choices=AiActClass, blank=True)
    ai_act_role = models.CharField("AI Act role", max_length=11, choices=AiActRole, blank=True)
    data_classification = models.CharField(max_length=12, choices=DataClass, blank=True)
    personal_data = models.BooleanField(null=True, blank=True)
    geography = models.CharField(max_length=100, blank=True)
    users_affected = models.PositiveIntegerField(null=True, blank=True)
    rto_hours = models.PositiveIntegerField("recovery time objective", null=True, blank=True, help_text="Hours.")
    monthly_spend = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD.")
    external_refs = models.JSONField(default=dict, blank=True)
    next_review_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["criticality", "name"]
        indexes = [
            models.Index(fields=["criticality", "id"], name="application_by_criticality"),
            models.Index(fields=["team", "id"], name="application_by_team"),
            models.Index(fields=["id"], include=["team", "criticality", "status"], name="application_covering"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="application_name_search"),
        ]
        constraints = [
            models.CheckConstraint(
                name="application_spend_not_negative",
                condition=Q(monthly_spend__isnull=True) | Q(monthly_spend__gte=0),
                violation_error_message="Monthly spend is not negative.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DependencyQuerySet(models.QuerySet["Dependency"]):
    def visible_to(self, user: Any) -> "DependencyQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.reads_everything:
            return self
        return self.filter(application__team__in=user.team_roles())

    def live_on(self, day: date) -> "DependencyQuerySet":
        """In use on `day` (since inclusive, until exclusive) by an application in pilot or production."""
        return self.filter(
            Q(until__isnull=True) | Q(until__gt=day), since__lte=day, application__status__in=Application.IN_SCOPE
        )

    def primary(self) -> "DependencyQuerySet":
        return self.filter(role=Dependency.Role.PRIMARY)


@tracked(exclude=("updated_at",))
class Dependency(models.Model):
    """Application x offering, for a time: the heart of the register. Ended rows stay as history."""

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
        EMBEDDED = "embedded", "Inside a vendor's product"

    class Known(models.TextChoices):
        DECLARED = "declared", "Declared"
        OBSERVED = "observed", "Observed"

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="dependencies")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="dependencies")
    role = models.CharField(max_length=10, choices=Role, default=Role.PRIMARY)
    fallback_order = models.PositiveSmallIntegerField(default=0, help_text="1 is tried first; 0 for other roles.")
    traffic_share = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True, help_text="Share of primary traffic, 0 to 1."
    )
    monthly_input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_spend = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD.")
    reached = models.CharField(max_length=8, choices=Reached, default=Reached.DIRECT)
    via_party = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="reached_dependencies"
    )
    known = models.CharField(max_length=8, choices=Known, default=Known.DECLARED)
    since = models.DateField()
    until = models.DateField(null=True, blank=True, help_text="The first day it is no longer used.")
    last_observed_on = models.DateField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DependencyQuerySet.as_manager()

    class Meta:
        ordering = ["application", "role", "fallback_order", "id"]
        verbose_name_plural = "dependencies"
        indexes = [
            models.Index(
                fields=["offering"], include=["application", "role", "since", "until"], name="dependency_by_offering"
            ),
            models.Index(fields=["application", "role"], name="dependency_by_application"),
            models.Index(fields=["via_party"], name="dependency_by_party", condition=Q(via_party__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="dependency_until_after_since",
                condition=Q(until__isnull=True) | Q(until__gt=F("since")),
                violation_error_message="A dependency ends after the day it began.",
            ),
            models.CheckConstraint(
                name="dependency_share_between_0_and_1",
                condition=Q(traffic_share__isnull=True) | Q(traffic_share__gte=0, traffic_share__lte=1),
                violation_error_message="A traffic share lies between 0 and 1.",
            ),
            models.CheckConstraint(
                name="dependency_party_unless_direct",
                condition=Q(reached="direct", via_party__isnull=True)
                | (~Q(reached="direct") & Q(via_party__isnull=False)),
                violation_error_message="Name the gateway or vendor it goes through; a direct call has none.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.role} {self.offering_id}"
