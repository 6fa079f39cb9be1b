"""Models of polls: state of a source, runs, payloads, quarantined rows, provider notices."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.catalog.models import Source
from apps.catalog.models.providers import PublicQuerySet
from apps.common.history.context import track_history


class Health(models.TextChoices):
    NEVER = "never", "Never polled"
    FRESH = "fresh", "Up to date"
    LATE = "late", "Late"
    FAILING = "failing", "Failing"
    SUSPECT = "suspect", "Needs review"
    FROZEN = "frozen", "Not updating"


class PollState(models.Model):
    """The polling state of one source. Written once per poll, hence without history."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="poll_state"
    )
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the last accepted body."
    )
    url = models.CharField(
        max_length=500, blank=True, help_text="URL or file of the last accepted body."
    )
    last_attempt_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(
        null=True, help_text="Wall-clock time of the last successful poll."
    )
    last_observed_at = models.DateTimeField(
        null=True, help_text="Observation time of the last successful poll."
    )
    last_change_at = models.DateTimeField(null=True)
    as_of = models.DateTimeField(
        null=True, help_text="Creation time stated in the feed, where it has one."
    )
    next_due_at = models.DateTimeField(null=True, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    suspect = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    page_form = models.JSONField(
        default=dict,
        blank=True,
        help_text="Form of a lifecycle page when it was last read without doubt: tables, columns, "
        "rows; and the form on hold. Of a terms page, the digests of its last texts.",
    )

    objects = PublicQuerySet["PollState"].as_manager()

    def __str__(self) -> str:
        return f"poll state of {self.source_id}"

    def health(
        self, at: datetime, stale_after: timedelta, frozen_after: timedelta | None = None
    ) -> Health:
        """Return the freshness by the last *success*; a suspicious payload takes precedence over
        lateness.

        A feed that responds and parses but has not changed for `frozen_after`, or that says itself
        that it is older, is frozen (not updating): nothing else would reveal what it misses."""
        if self.last_success_at is None:
            return Health.FAILING if self.failures else Health.NEVER
        if self.suspect:
            return Health.SUSPECT
        if at - self.last_success_at > stale_after:
            return Health.LATE
        if frozen_after is not None and not self.failures and at - self.told_until > frozen_after:
            return Health.FROZEN
        return Health.FAILING if self.failures else Health.FRESH

    @property
    def told_until(self) -> datetime:
        """Return the time up to which the feed is known to be maintained: its own statement,
        otherwise its last change."""
        changed_at = self.last_change_at or self.last_success_at or datetime.min.replace(tzinfo=UTC)
        return self.as_of if self.as_of is not None else changed_at


def source_health(source: Source, *, at: datetime) -> Health:
    """Return the state of a source; its `poll_state` should be loaded with it."""
    state: PollState | None = getattr(source, "poll_state", None)
    if state is None:
        return Health.NEVER
    frozen_after = timedelta(days=source.frozen_after_days) if source.frozen_after_days else None
    return state.health(at, timedelta(minutes=source.stale_after_minutes), frozen_after)


@track_history()
class SourceMapping(models.Model):
    """The mapping of a source of the kind "JSON by mapping"; `settings` is read by
    feeds.mapping."""

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, related_name="mapping"
    )
    settings = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PublicQuerySet["SourceMapping"].as_manager()

    def __str__(self) -> str:
        return f"mapping of {self.source_id}"


class HostPause(models.Model):
    """A pause that a remote host requested (Retry-After); it applies to every source on that
    host."""

    hostname = models.CharField(max_length=255, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.hostname} until {self.until:%Y-%m-%d %H:%M}"


class Payload(models.Model):
    """A body as received, gzip-compressed, kept for audit until its retention period ends."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="payloads")
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    n_bytes = models.PositiveBigIntegerField(help_text="Size of the uncompressed body.")
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="payload_once")]

    def __str__(self) -> str:
        return f"{self.digest[:12]} ({self.n_bytes} bytes)"


class FeedRunQuerySet(PublicQuerySet["FeedRun"]):
    def open(self) -> "FeedRunQuerySet":
        return self.filter(status__in=FeedRun.OPEN)

    def succeeded(self) -> "FeedRunQuerySet":
        return self.filter(status__in=FeedRun.SUCCEEDED)


class FeedRun(models.Model):
    """One poll. At most one per source is queued or running, by unique index; closed runs never
    change."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        UNCHANGED = "unchanged", "Unchanged"
        CHANGED = "changed", "Changed"
        SUSPECT = "suspect", "On hold"
        FAILED = "failed", "Failed"

    OPEN: ClassVar[tuple[str, ...]] = (Status.QUEUED, Status.RUNNING)
    SUCCEEDED: ClassVar[tuple[str, ...]] = (Status.UNCHANGED, Status.CHANGED, Status.SUSPECT)

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    trigger = models.CharField(
        max_length=20, help_text="schedule, command, or the user who polled manually"
    )
    step = models.CharField(
        max_length=20,
        blank=True,
        help_text="Current step, for progress: fetch, parse, compare, settle.",
    )
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(
        null=True,
        help_text="Last sign of the worker; a running run without one for too long is marked "
        "as failed.",
    )
    finished_at = models.DateTimeField(null=True)
    observed_at = models.DateTimeField(null=True, help_text="Observation time that the rules used.")
    http_status = models.PositiveSmallIntegerField(null=True)
    n_bytes = models.PositiveBigIntegerField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    payload = models.ForeignKey(Payload, on_delete=models.SET_NULL, null=True, related_name="runs")
    rows = models.PositiveIntegerField(null=True)
    rows_changed = models.PositiveIntegerField(null=True)
    rows_vanished = models.PositiveIntegerField(null=True)
    rows_quarantined = models.PositiveIntegerField(null=True)
    rows_backfilled = models.PositiveIntegerField(null=True)
    n_events = models.PositiveIntegerField(null=True)
    held = models.JSONField(
        default=dict, blank=True, help_text="{provider: sentence} for the changes put on hold."
    )
    backfilled = models.JSONField(
        default=list,
        blank=True,
        help_text="[[row, day], ...] of dates that were in the past when first seen; the "
        "first 500.",
    )
    floated = models.JSONField(
        default=list,
        blank=True,
        help_text="[[row, old, new], ...] of changes of floating prices; the first 500.",
    )
    error = models.TextField(blank=True)

    objects = FeedRunQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at", "-id"]
        indexes = [models.Index(fields=["source", "-queued_at"], name="feed_run_by_source")]
        constraints = [
            models.UniqueConstraint(
                fields=["source"],
                name="feed_run_single_flight",
                condition=Q(status__in=["queued", "running"]),
                violation_error_message="This source is already being polled. Wait until the "
                "poll ends.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.queued_at:%Y-%m-%d %H:%M} {self.status}"


class QuarantineReason(models.TextChoices):
    """A code for why a row is quarantined; the row's `reason` is a sentence for readers, with the
    values."""

    UNREADABLE = "unreadable", "Not readable"
    PRICE_JUMP = "price_jump", "Price jump"


class QuarantinedRowQuerySet(PublicQuerySet["QuarantinedRow"]):
    def open(self) -> "QuarantinedRowQuerySet":
        return self.filter(resolved_at__isnull=True)


class QuarantinedRow(models.Model):
    """A quarantined feed row, with its reason; open for as long as the feed keeps sending it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="quarantined")
    external_id = models.CharField(max_length=400)
    code = models.CharField(
        max_length=10, choices=QuarantineReason, default=QuarantineReason.UNREADABLE
    )
    reason = models.CharField(max_length=500)
    excerpt = models.TextField(blank=True)
    run = models.ForeignKey(
        FeedRun, on_delete=models.SET_NULL, null=True, related_name="quarantined"
    )
    first_seen = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    objects = QuarantinedRowQuerySet.as_manager()

    class Meta:
        ordering = ["-first_seen", "external_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "reason"], name="quarantined_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.reason}"


class ProviderNoticeQuerySet(PublicQuerySet["ProviderNotice"]):
    def unread(self) -> "ProviderNoticeQuerySet":
        return self.filter(state=ProviderNotice.State.UNREAD)


@track_history()
class ProviderNotice(models.Model):
    """One item of a provider's RSS, Atom or JSON Feed. It is for users to read and never changes
    the catalogue by itself.

    `names` are the IDs of offerings and versions that its title or text contains as exact
    strings."""

    class State(models.TextChoices):
        UNREAD = "unread", "Unread"
        DONE = "done", "Closed"
        BEFORE = "before", "Published before the feed was followed"

    class Outcome(models.TextChoices):
        NOTHING = "nothing", "No action"
        DATE = "date", "Date recorded"
        EVENT = "event", "Event recorded"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="notices")
    external_id = models.CharField(max_length=400)
    title = models.CharField(max_length=300)
    link = models.CharField(max_length=1000, blank=True)
    published_at = models.DateTimeField(null=True)
    excerpt = models.TextField(blank=True)
    names = models.JSONField(default=list, blank=True)
    first_seen = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="Time of the last change of its title or text.")
    state = models.CharField(max_length=10, choices=State, default=State.UNREAD)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = ProviderNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-first_seen", "-id"]
        indexes = [
            models.Index(fields=["state", "-first_seen", "-id"], name="provider_notice_by_state")
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="provider_notice_once"),
            models.CheckConstraint(
                name="provider_notice_decision_complete",
                condition=Q(state="done", decided_by__isnull=False, decided_at__isnull=False)
                | ~Q(state="done"),
                violation_error_message="A closed notice must have a user and a time.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


__all__ = [
    "FeedRun",
    "Health",
    "HostPause",
    "Payload",
    "PollState",
    "ProviderNotice",
    "QuarantinedRow",
    "SourceMapping",
]
