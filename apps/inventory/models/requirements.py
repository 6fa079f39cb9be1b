"""Requirements: what a dependency uses of its offering."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.history.derived import derived_record
from apps.inventory.models.dependencies import Dependency
from apps.inventory.models.exits import OfDependencyQuerySet

# Rows that can begin or end a contradiction: declared as not used, or observed where that is so.
# Others, such as a larger number, change no finding.
_STALE = """
INSERT INTO inventory_staleapplication (application_id)
SELECT DISTINCT d.application_id FROM {rows} r
JOIN inventory_dependency d ON d.id = r.dependency_id
WHERE r.value = 'false' OR r.origin = 'observed' AND EXISTS (
    SELECT 1 FROM inventory_requirement x
    WHERE x.dependency_id = r.dependency_id AND x.field = r.field AND x.value = 'false'
);
RETURN NULL;
"""
_CHANGED_ROWS = """(
    SELECT n.dependency_id, n.field, n.origin,
           CASE WHEN o.value = 'false' THEN o.value ELSE n.value END AS value
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE o.value IS DISTINCT FROM n.value OR o.dependency_id <> n.dependency_id
)"""


def _stale_finding_triggers() -> list[Any]:
    """Return triggers that queue the findings of applications whose requirements contradict each
    other, or no longer do."""
    return [
        pgtrigger.Trigger(
            name=f"requirement_findings_by_{verb}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=transition_tables,
            func=_STALE.format(rows=rows),
        )
        for verb, operation, transition_tables, rows in (
            ("insert", pgtrigger.Insert, pgtrigger.Referencing(new="new_rows"), "new_rows"),
            ("delete", pgtrigger.Delete, pgtrigger.Referencing(old="old_rows"), "old_rows"),
            (
                "update",
                pgtrigger.Update,
                pgtrigger.Referencing(new="new_rows", old="old_rows"),
                _CHANGED_ROWS,
            ),
        )
    ]


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
        triggers = _stale_finding_triggers()

    def __str__(self) -> str:
        return f"{self.field} of dependency {self.dependency_id}"
