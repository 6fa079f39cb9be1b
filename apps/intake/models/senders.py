"""Facts about senders of traces, valid for some time."""

from django.db import models


class SenderFact(models.Model):
    """Fact that was observed about a sender; it counts for some days after the last observation
    (telemetry/sender_facts.py).

    `key` is the first 64 bits of a digest over the service's name, or the number of a token."""

    class Kind(models.TextChoices):
        INSTRUMENTED = (
            "instrumented",
            "This service has an instrumentation in addition to the spans of its SDK",
        )
        TELLS_ANSWERS = "answers", "The gateway of this API token reports the served model"

    kind = models.CharField(max_length=12, choices=Kind)
    key = models.BigIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="sender_fact_once")]
        indexes = [models.Index(fields=["seen_at"], name="sender_fact_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
