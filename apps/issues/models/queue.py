"""Queue of applications whose issues may differ from the facts, and when everything was evaluated.

Statement triggers of the first migration fill the queue, whatever code wrote the rows.
"""

from django.db import models


class ChangedApplication(models.Model):
    """One row per statement and application; null: all applications. Not a foreign key, because
    the application might be deleted."""

    application_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"application {self.application_id or 'any'} changed"


class EvaluationState(models.Model):
    """The one row (ID 1): when everything was evaluated last."""

    evaluated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"issues as of {self.evaluated_at:%Y-%m-%d %H:%M}"
