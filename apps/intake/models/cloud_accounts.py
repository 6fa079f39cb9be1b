"""Cloud accounts of the organisation, whose deployments the registry reads with read-only
credentials, and what it read."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Team
from apps.common.credentials import declare_sealed_column
from apps.common.history.context import track_history
from apps.common.jobs import Job
from apps.inventory.models import Application

# parts of addresses: no dot, slash, colon or percent sign that could lead to another host or path
_REGION = RegexValidator(
    r"^[a-z][a-z0-9-]{1,39}\Z", "Enter the region as the cloud names it, such as eu-central-1."
)
_IDENTIFIER = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\Z",
    "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
)


class GovernanceQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows that only governance and administrators can view."""

    def visible_to(self, user: Any) -> "GovernanceQuerySet[M]":
        is_allowed = user.is_authenticated and user.is_active and user.is_governance
        return self if is_allowed else self.none()


@track_history(exclude=("updated_at", "reported_digest", "n_reports"))
class CloudAccount(models.Model):
    """Account at a cloud or model provider from which the registry reads deployments and usage. Its
    credentials are in `CloudCredential`."""

    class Kind(models.TextChoices):
        AZURE = "azure", "Azure subscription"
        BEDROCK = "bedrock", "AWS account (Bedrock)"
        VERTEX = "vertex", "Google Cloud project (Vertex AI)"
        OPENAI = "openai", "OpenAI organisation"
        ANTHROPIC = "anthropic", "Anthropic organisation"
        MISTRAL = "mistral", "Mistral organisation"

    class LinkRule(models.TextChoices):
        """Property of a deployment that names its application."""

        ACCOUNT = "account", "Resource or project that contains the deployment"
        RESOURCE_GROUP = "group", "Resource group (Azure)"
        TAG = "tag", "Tag or label (Azure, Vertex AI)"
        PREFIX = "prefix", "Beginning of the deployment name"
        APPLICATION = "application", "One application for the whole account"

    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=120, unique=True)
    team = models.ForeignKey(
        Team,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Team that operates the account.",
    )
    tenant = models.CharField(
        max_length=120,
        blank=True,
        validators=[_IDENTIFIER],
        help_text="Azure: directory (tenant) ID.",
    )
    client = models.CharField(
        max_length=120,
        blank=True,
        validators=[_IDENTIFIER],
        help_text="Azure: application (client) ID of the app registration.",
    )
    subscription = models.CharField(
        max_length=120, blank=True, validators=[_IDENTIFIER], help_text="Azure: subscription ID."
    )
    project = models.CharField(
        max_length=120,
        blank=True,
        validators=[_IDENTIFIER],
        help_text="Google: project ID. OpenAI: project to read; empty for all.",
    )
    organisation = models.CharField(
        max_length=120,
        blank=True,
        validators=[_IDENTIFIER],
        help_text="OpenAI: organisation ID, if the key belongs to several.",
    )
    regions = ArrayField(
        models.CharField(max_length=40, validators=[_REGION]),
        default=list,
        blank=True,
        size=40,
        help_text="AWS and Google: regions to read, one per line. Azure: empty for all.",
    )
    link_rule = models.CharField(
        max_length=12,
        choices=LinkRule,
        default=LinkRule.ACCOUNT,
        help_text="Names the application of a deployment. Names without an application wait "
        "under Reported services.",
    )
    link_key = models.CharField(
        max_length=60,
        blank=True,
        help_text="Name of the tag or label, or the character that ends the beginning of the name.",
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Application that uses all deployments, for the rule of one application.",
    )
    interval_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(168)],
        help_text="Hours between two pulls, 1 to 168.",
    )
    enabled = models.BooleanField(
        default=False, help_text="Pulled at the interval. Needs credentials."
    )
    reported_digest = models.CharField(
        max_length=64,
        default="",
        help_text="Digest of the content that was last passed on to the inventory.",
    )
    n_reports = models.PositiveIntegerField(
        default=0, help_text="Number of contents passed on to the inventory."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = GovernanceQuerySet["CloudAccount"].as_manager()

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="cloud_account_rule_has_its_key",
                condition=~Q(link_rule__in=["tag", "prefix"]) | ~Q(link_key=""),
                violation_error_message="Enter the name of the tag, or the character that ends "
                "the beginning of the name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        """Purpose of its credentials; sealed for one account, they open for no other."""
        return f"cloud account {self.pk}"


@track_history(exclude=("sealed",))
class CloudCredential(models.Model):
    """Encrypted credentials of a cloud account. The history has the time and user of each change,
    and never the text."""

    account = models.OneToOneField(
        CloudAccount, on_delete=models.CASCADE, related_name="credential"
    )
    sealed = models.TextField(help_text="Encrypted; never shown, exported or logged.")
    names = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Names of the entered secrets."
    )
    set_at = models.DateTimeField()

    objects = GovernanceQuerySet["CloudCredential"].as_manager()

    def __str__(self) -> str:
        return f"credentials of account {self.account_id}"

    def __repr__(self) -> str:
        return f"<CloudCredential of account {self.account_id}>"


declare_sealed_column("intake.CloudCredential", "sealed", owner="account__name")


class CloudPull(Job):
    """Reading of one account. Not in the history: it is no decision."""

    account = models.ForeignKey(CloudAccount, on_delete=models.CASCADE, related_name="pulls")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    queued_at = models.DateTimeField()
    step = models.CharField(max_length=200, blank=True, help_text="Part that is being read.")
    n_requests = models.PositiveIntegerField(default=0)
    n_found = models.PositiveIntegerField(default=0, help_text="Deployments and models in use.")
    n_added = models.PositiveIntegerField(default=0)
    n_changed = models.PositiveIntegerField(default=0)
    n_gone = models.PositiveIntegerField(default=0)
    n_models = models.PositiveIntegerField(
        default=0, help_text="Models that the account could use. They create no dependency."
    )
    problems = models.JSONField(
        default=list, help_text="Parts that could not be read: {where, reason}."
    )
    complete_scopes = models.JSONField(
        default=list, help_text="Parts of the account that were read to the end."
    )

    objects = GovernanceQuerySet["CloudPull"].as_manager()

    class Meta:
        ordering = ["-queued_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"],
                name="cloud_pull_one_open",
                condition=Q(state__in=["queued", "running"]),
                violation_error_message="This account is already being read.",
            )
        ]
        indexes = [
            models.Index(fields=["account", "-queued_at"], name="cloud_pull_by_account"),
        ]

    def __str__(self) -> str:
        return f"pull {self.pk} of account {self.account_id}"

    @property
    def is_partial(self) -> bool:
        """Return whether parts of the account could not be read."""
        return self.state == self.State.DONE and bool(self.problems)


class AccountDeployment(models.Model):
    """Deployment, or model in use, as the account itself states it. Not in the history: it repeats
    the account, and is no decision. A deployment that is gone stays."""

    class Kind(models.TextChoices):
        DEPLOYMENT = "deployment", "Deployment"
        PROFILE = "profile", "Inference profile"
        THROUGHPUT = "throughput", "Provisioned throughput"
        ENDPOINT = "endpoint", "Endpoint"
        CUSTOM_MODEL = "custom_model", "Own model"
        USAGE = "usage", "Model in use"

    account = models.ForeignKey(CloudAccount, on_delete=models.CASCADE, related_name="deployments")
    kind = models.CharField(max_length=12, choices=Kind)
    scope = models.CharField(
        max_length=300, help_text="Part of the account that is read as a whole: resource, region."
    )
    external_id = models.CharField(max_length=1100, help_text="ID of the cloud.")
    name = models.CharField(max_length=256, help_text="Name that applications call.")
    model = models.CharField(max_length=256, blank=True, help_text="Model ID of the host.")
    version = models.CharField(max_length=60, blank=True)
    region = models.CharField(max_length=60, blank=True)
    upgrades = models.BooleanField(
        default=False, help_text="The host upgrades it to newer versions automatically."
    )
    service = models.CharField(
        max_length=256, blank=True, help_text="Name of the application by the rule of the account."
    )
    facts = models.JSONField(default=dict, help_text="Further facts, such as SKU and capacity.")
    lifecycle = models.JSONField(
        default=dict,
        help_text="Lifecycle of the model as the account states it: {status, announced_on, "
        "retires_on, training_ends_on}. The catalogue does not take it over.",
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(
        help_text="Last pull that wrote this row; later pulls can have found it unchanged."
    )
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text="First complete pull that no longer contained it."
    )

    objects = GovernanceQuerySet["AccountDeployment"].as_manager()

    class Meta:
        ordering = ["account", "kind", "name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "kind", "external_id"], name="account_deployment_once"
            ),
            models.CheckConstraint(
                name="account_deployment_gone_after_seen",
                condition=Q(gone_at__isnull=True) | Q(gone_at__gte=F("first_seen_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.model} {self.version}".rstrip()


__all__ = [
    "AccountDeployment",
    "CloudAccount",
    "CloudCredential",
    "CloudPull",
    "GovernanceQuerySet",
]
