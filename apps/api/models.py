"""Rows of the interface itself: stored answers, and work that takes longer than a request."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import ApiToken, own
from apps.common import jobs
from apps.common.history.context import track_history


class IdempotencyKey(models.Model):
    """The answer to a POST with a key. Without history: it is deleted after one day."""

    caller = models.CharField(
        max_length=60, help_text="Caller of the key; callers can use the same key."
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of method, URL and body."
    )
    status = models.PositiveSmallIntegerField(
        null=True, help_text="Status of the answer; null while the request is in progress."
    )
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"{self.key} of {self.caller}"


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> "JobQuerySet":
        """Return the caller's own rows; all rows for organisation roles."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.can_read_all else self.filter(own(user, "by"))


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def visible_to(self, user: Any) -> "ToolCallQuerySet":
        """Return the caller's own calls; all calls for organisation roles."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.can_read_all else self.filter(own(user))


@track_history(only_inserts=True)
class ToolCall(models.Model):
    """A call of an MCP tool. Of its arguments only names and a digest are stored, since a program
    can send anything. The history has it as long as other changes, so that the audit log shows it.
    """

    class Outcome(models.TextChoices):
        ANSWERED = "answered", "Answered"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(
        ApiToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    tool = models.CharField(max_length=128, help_text="Name of the tool, as it was called.")
    arguments = models.CharField(
        max_length=300, blank=True, help_text="Names of the arguments, without their values."
    )
    arguments_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the arguments: equal calls have equal digests."
    )
    outcome = models.CharField(max_length=8, choices=Outcome)
    n_bytes = models.PositiveIntegerField(default=0, help_text="Length of the answer.")
    called_at = models.DateTimeField()

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["called_at"], name="tool_call_by_age")]

    def __str__(self) -> str:
        return f"{self.tool}, {self.get_outcome_display().lower()}"


class Job(jobs.Job):
    """A bulk change that a worker carries out. Its changes are in the audit log, under `change`."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Mode(models.TextChoices):
        ROW_BY_ROW = "row_by_row", "Row by row"
        ALL_OR_NOTHING = "all_or_nothing", "All or nothing"

    resource = models.CharField(max_length=40, help_text="Resource that the job changes.")
    mode = models.CharField(max_length=14, choices=Mode, default=Mode.ROW_BY_ROW)
    dry_run = models.BooleanField(default=False)
    reason = models.CharField(
        max_length=500, blank=True, help_text="Reason for the change, for the audit log."
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bound_team_id = models.BigIntegerField(
        null=True, help_text="Team of the token that requested the job; null if it is not bound."
    )
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    n_rows = models.PositiveIntegerField(default=0)
    n_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    n_rejected = models.PositiveIntegerField(default=0)
    rejected = models.JSONField(
        default=list, help_text="Rejected rows, the first 1,000, as {where, reason}."
    )
    applied = models.BooleanField(default=False, help_text="Whether any row was written.")
    change = models.UUIDField(
        null=True, help_text="ID of the change in the audit log; null if nothing was written."
    )
    queued_at = models.DateTimeField()

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="job_done_at_most_its_rows",
                condition=Q(n_done__lte=F("n_rows")),
                violation_error_message="The completed rows of a job cannot exceed its rows.",
            ),
        ]
        indexes = [
            models.Index(fields=["by", "-id"], name="job_by_person"),
            models.Index(
                fields=["id"], name="job_waiting", condition=Q(state__in=["queued", "running"])
            ),
            models.Index(fields=["queued_at"], name="job_by_age"),
        ]

    def __str__(self) -> str:
        return f"bulk {self.resource} of {self.queued_at:%Y-%m-%d %H:%M}"


class JobChunk(models.Model):
    """Rows of a job that are not yet written, as they were sent; deleted in the transaction of
    their block."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    first = models.PositiveIntegerField(help_text="Number of the first row.")
    body = models.BinaryField(help_text="Rows as one JSON value per line, deflated.")

    class Meta:
        ordering = ["job", "first"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["job", "first"], name="job_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"rows from {self.first} of job {self.job_id}"
