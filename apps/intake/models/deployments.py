"""Deployment: the model behind a deployment name or own profile at a host, as a listing or
infrastructure code states it."""

from typing import Any, ClassVar

from django.db import models

from apps.intake.models.imports import Import
from apps.inventory.models import Application


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def visible_to(self, user: Any) -> "DeploymentQuerySet":
        """Return those of applications that the user can view, and those that apply to all
        applications."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(
            models.Q(application__isnull=True) | models.Q(application__team__in=user.team_roles())
        )

    def standing(self) -> "DeploymentQuerySet":
        """Return those that the newest document of their maker still names."""
        return self.filter(missing_since__isnull=True)


class Deployment(models.Model):
    """Deployment name at `host` and the model behind it. Not in the history: it repeats documents,
    and is no decision.

    Without `application` it applies to every application, else to that one. The same name in two
    accounts may mean two models: then it cannot be resolved without the account."""

    stream = models.CharField(
        max_length=80,
        help_text="Stream that reported it: azure-deployments:az, terraform:terraform, ...",
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="deployments"
    )
    host = models.CharField(max_length=60, help_text="Slug of the host: azure, amazon-bedrock.")
    account = models.CharField(max_length=256, blank=True, help_text="Account at the host.")
    name = models.CharField(max_length=256, help_text="Name that applications call.")
    model = models.CharField(max_length=256, help_text="Model name of the host.")
    version = models.CharField(
        max_length=60, blank=True, help_text="Model version of the host; empty: not stated."
    )
    upgrades = models.BooleanField(
        default=False, help_text="The host upgrades it to newer versions automatically."
    )
    where = models.CharField(max_length=300, blank=True, help_text="Location in the document.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    missing_since = models.DateField(
        null=True, blank=True, help_text="The newest document no longer contains it."
    )
    seen_in = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="deployments")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["host", "name", "account", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["stream", "application", "host", "account", "name"],
                name="deployment_once",
                nulls_distinct=False,
                violation_error_message="This connection already reported this deployment.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.host}: {self.model} {self.version}".rstrip()


__all__ = ["Deployment", "DeploymentQuerySet"]
