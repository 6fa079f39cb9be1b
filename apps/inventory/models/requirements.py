"""Requirements: what a dependency uses of its offering."""

from django.db import models
from django.db.models import Q

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.history.derived import derived_record
from apps.inventory.models.dependencies import Dependency
from apps.inventory.models.exits import OfDependencyQuerySet


class RequirementQuerySet(OfDependencyQuerySet["Requirement"]):
    pass


# observed rows are derived from usage: an undo deletes them with their dependency
@derived_record(user_input=Q(origin="declared"))
@track_history(exclude=("last_seen_on", "n_requests"))
class Requirement(models.Model):
    """One capability that a dependency uses, or is declared not to use.

    `value` is True, False (declared as not used), a number of tokens (longest prompt, largest
    output) or a list of modalities. Observed values are the largest ones that were recorded.
    """

    class Origin(models.TextChoices):
        DECLARED = "declared", "Declared"
        OBSERVED = "observed", "Observed"

    dependency = models.ForeignKey(
        Dependency, on_delete=models.CASCADE, related_name="requirements"
    )
    field = models.CharField(
        max_length=20,
        choices=[(field.key, field.label) for field in CAPABILITY_FIELDS.values()],
        help_text="Capability of the offering.",
    )
    value = models.JSONField()
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.DECLARED)
    first_seen_on = models.DateField(null=True, blank=True)
    last_seen_on = models.DateField(null=True, blank=True)
    n_requests = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Requests that were recorded with it."
    )
    note = LimitedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RequirementQuerySet.as_manager()

    class Meta:
        ordering = ["dependency", "field", "origin"]
        constraints = [
            models.UniqueConstraint(
                fields=["dependency", "field", "origin"],
                name="requirement_once",
                violation_error_message="This dependency already has this requirement.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of dependency {self.dependency_id}"
