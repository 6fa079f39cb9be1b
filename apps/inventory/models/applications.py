"""Applications that the organisation runs."""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Upper

from apps.accounts.models import PersonName, Team, User
from apps.common.database.fields import LimitedTextField, TextMapField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models.change_queue import application_change_triggers


class Criticality(models.IntegerChoices):
    """Criticality; smaller numbers are more critical, so that an index on it lists critical
    applications first."""

    CRITICAL = 0, "Critical"
    IMPORTANT = 1, "Important"
    STANDARD = 2, "Standard"
    LOW = 3, "Low"


# as REST writes them: 0 is `critical`
CRITICALITY_WORDS = [(level.name.lower(), level.label) for level in Criticality]


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: Any) -> "ApplicationQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(team__in=user.team_roles())

    def in_scope(self) -> "ApplicationQuerySet":
        """Select the applications in pilot or production."""
        return self.filter(status__in=Application.IN_SCOPE)

    def without_owner(self) -> "ApplicationQuerySet":
        """Select the applications with neither a business owner nor a technical owner."""
        return self.filter(business_owner="", technical_owner="")

    def with_owners(self) -> "ApplicationQuerySet":
        """With the persons of the owners, whose names are shown."""
        return self.select_related("business_owner_person", "technical_owner_person")

    def with_owner_names(self) -> "ApplicationQuerySet":
        """With the columns `named_business_owner` and `named_technical_owner`: the name of the
        person, else the text."""
        return self.annotate(
            named_business_owner=Coalesce(
                PersonName("business_owner_person__"), F("business_owner")
            ),
            named_technical_owner=Coalesce(
                PersonName("technical_owner_person__"), F("technical_owner")
            ),
        )


@track_history(exclude=("updated_at",))
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

    class Autonomy(models.TextChoices):
        ASSISTS = "assists", "Assists: a person acts"
        SUPERVISED = "supervised", "Supervised: a person monitors"
        AUTONOMOUS = "autonomous", "Autonomous"

    class Impact(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    IN_SCOPE: ClassVar[tuple[str, ...]] = (Status.PILOT, Status.PRODUCTION)

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=120, unique=True)
    purpose = LimitedTextField(blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="applications")
    business_owner = models.CharField(max_length=200, blank=True)
    technical_owner = models.CharField(max_length=200, blank=True)
    # the persons that the texts name, kept by inventory/owners.py
    business_owner_person = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="business_applications",
        editable=False,
    )
    technical_owner_person = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="technical_applications",
        editable=False,
    )
    criticality = models.PositiveSmallIntegerField(
        choices=Criticality, default=Criticality.STANDARD
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PRODUCTION)
    ai_act_class = models.CharField("AI Act class", max_length=10, choices=AiActClass, blank=True)
    ai_act_role = models.CharField("AI Act role", max_length=11, choices=AiActRole, blank=True)
    data_classification = models.CharField(max_length=12, choices=DataClass, blank=True)
    personal_data = models.BooleanField(null=True, blank=True)
    geography = models.CharField(max_length=100, blank=True)
    business_function = models.CharField(
        max_length=200, blank=True, help_text="Business function that the application serves."
    )
    function_ref = models.CharField(
        "function identifier",
        max_length=30,
        blank=True,
        default="",
        db_default="",
        help_text=(
            "Identifier of the function in the DORA register of information, such as "
            "F7 (RT.06.01.0010)."
        ),
    )
    licensed_activity = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Licensed activity to which the function belongs (RT.06.01.0020).",
    )
    autonomy = models.CharField(max_length=10, choices=Autonomy, blank=True)
    criticality_reason = LimitedTextField(blank=True, help_text="Reason for the criticality.")
    criticality_assessed_on = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Date of the last criticality assessment.",
    )
    impact_of_discontinuing = models.CharField(max_length=6, choices=Impact, blank=True)
    users_affected = models.PositiveIntegerField(null=True, blank=True)
    rto_hours = models.PositiveIntegerField(
        "recovery time objective", null=True, blank=True, help_text="Hours."
    )
    rpo_hours = models.PositiveIntegerField(
        "recovery point objective", null=True, blank=True, help_text="Hours."
    )
    monthly_spend = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="USD."
    )
    external_refs = TextMapField(default=dict, blank=True)
    next_review_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["criticality", "name"]
        indexes = [
            models.Index(fields=["criticality", "id"], name="application_by_criticality"),
            models.Index(fields=["criticality", "name", "id"], name="application_by_gravity_name"),
            models.Index(fields=["name", "id"], name="application_by_name"),
            models.Index(fields=["team", "id"], name="application_by_team"),
            models.Index(
                fields=["-users_affected", "id"],
                name="application_by_users",
                condition=Q(users_affected__isnull=False),
            ),
            models.Index(
                fields=["-monthly_spend", "id"],
                name="application_by_spend",
                condition=Q(monthly_spend__isnull=False),
            ),
            models.Index(
                fields=["next_review_on", "id"],
                name="application_by_review",
                condition=Q(next_review_on__isnull=False),
            ),
            models.Index(
                fields=["id"],
                include=["team", "criticality", "status"],
                name="application_covering",
            ),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="application_name_search"),
        ]
        constraints = [
            models.CheckConstraint(
                name="application_spend_not_negative",
                condition=Q(monthly_spend__isnull=True) | Q(monthly_spend__gte=0),
                violation_error_message="Monthly spend must be 0 or more.",
            ),
        ]
        triggers = application_change_triggers("application", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def business_owner_name(self) -> str:
        """Name of the person where the owner is one, otherwise the text."""
        person = self.business_owner_person
        return str(person) if person is not None else self.business_owner

    @property
    def technical_owner_name(self) -> str:
        """Name of the person where the owner is one, otherwise the text."""
        person = self.technical_owner_person
        return str(person) if person is not None else self.technical_owner
