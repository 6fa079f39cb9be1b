"""States of primary models that a job measures."""

from django.db import models


class MeasuredOpenWeights(models.Model):
    """Open-weight state of a primary model, as the hourly job of a large portfolio measured it."""

    dependency_id = models.BigIntegerField(primary_key=True)
    state = models.CharField(max_length=11, help_text="One of OpenWeightState.")

    class Meta:
        indexes = [
            models.Index(fields=["state", "dependency_id"], name="measured_open_weights_by_state")
        ]

    def __str__(self) -> str:
        return f"dependency {self.dependency_id}: {self.state}"
