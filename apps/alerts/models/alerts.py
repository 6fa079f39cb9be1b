"""Alert model and the "handled" markers of its sources: one alert for one subject and party, with
its state and responses."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.lookups import Exact

from apps.accounts.models import Team, own
from apps.alerts.models.kinds import SubjectKind
from apps.alerts.models.outcomes import Resolution, resolution_sentence
from apps.catalog.models import Offering, ProviderEvent, Source
from apps.common.history.context import track_history
from apps.exposure.models import ExposureFlag, FlagEvent
from apps.feeds.models import FeedRun
from apps.intake.models import Discrepancy
from apps.risks.models import Assessment


class AlertQuerySet(models.QuerySet["Alert"]):
    def waiting(self) -> "AlertQuerySet":
        """Select open alerts, which have no response."""
        return self.filter(state=Alert.State.OPEN)

    def live(self) -> "AlertQuerySet":
        """Select alerts whose cause persists, whatever the responses."""
        return self.exclude(state=Alert.State.RESOLVED)

    def visible_to(self, user: Any) -> "AlertQuerySet":
        """Select alerts of the user's teams, alerts addressed to the user, and alerts the user was
        notified of as long as the user can view the team."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(Q(team__in=user.team_roles()) | own(user) & Q(team__isnull=True))


@track_history()
class Alert(models.Model):
    """A stored state transition of one subject, for one party; `key` makes it unique for ever.

    The party is to whom the applications concerned are routed: their owner, if one is named who can
    view them, otherwise their team. `user` without `team` is an alert about the organisation, a
    feed or the user's own record. Its recipients are in `Notice`."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        SNOOZED = "snoozed", "Snoozed"
        RESOLVED = "resolved", "Resolved"

    SEVERITIES: ClassVar[list[tuple[int, str]]] = [
        (1, "Info"),
        (2, "Low"),
        (3, "Medium"),
        (4, "High"),
        (5, "Urgent"),
    ]

    key = models.CharField(
        max_length=200, unique=True, help_text="subject|kind|milestone|recipient"
    )
    kind = models.CharField(max_length=20)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)
    event = models.ForeignKey(
        ProviderEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    flag = models.ForeignKey(
        ExposureFlag, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    run = models.ForeignKey(
        FeedRun, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    # An ID without a foreign key: the alert still refers to its subject after it was deleted.
    subject_kind = models.CharField(max_length=12, choices=SubjectKind, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    offering = models.ForeignKey(
        Offering,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Model that the alert is about.",
    )
    milestone = models.SmallIntegerField(
        null=True, blank=True, help_text="Days before `due_on` at which the reminder was due."
    )
    due_on = models.DateField(null=True, blank=True, help_text="Date of the subject.")
    urgent = models.BooleanField(
        default=False, help_text="Sent immediately, not with the next digest."
    )
    details = models.JSONField(
        default=dict,
        blank=True,
        help_text="Details that the subject does not contain; the shapes are documented in "
        "kinds/feeds/feed_text.py, kinds/exposure_flag_text.py, "
        "kinds/reminders/reminder_text.py and kinds/usage_discrepancy_text.py.",
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    application_ids = models.JSONField(
        default=list, help_text="Affected applications of the recipient team."
    )
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    raised_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    snoozed_until = models.DateField(
        null=True, blank=True, help_text="First date on which the alert is open again."
    )
    snoozed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolution = models.CharField(max_length=18, choices=Resolution, blank=True)
    resolution_text = models.CharField(
        max_length=300, blank=True, help_text="Comment of the user who resolved it."
    )
    escalation = models.PositiveSmallIntegerField(
        default=0,
        help_text="Escalation level: 0 recipient, 1 team owners, 2 governance.",
    )
    escalate_at = models.DateTimeField(
        null=True, blank=True, help_text="Time of the next escalation, unless a user responds."
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at", "-id"]
        indexes = [
            models.Index(
                fields=["escalate_at"],
                name="alert_escalates",
                condition=Q(escalate_at__isnull=False),
            ),
            models.Index(
                fields=["snoozed_until"], name="alert_snoozed", condition=Q(state="snoozed")
            ),
            models.Index(
                fields=["kind", "id"], name="alert_live_by_kind", condition=~Q(state="resolved")
            ),
            models.Index(fields=["subject_kind", "subject_id"], name="alert_by_subject"),
            models.Index(fields=["offering", "-raised_at"], name="alert_by_offering"),
            # a lookup would read the whole list of pending entries
            GinIndex(
                OpClass(F("application_ids"), name="jsonb_path_ops"),
                name="alert_by_application",
                fastupdate=False,
            ),
            models.Index(fields=["-severity", "-raised_at", "-id"], name="alert_gravest"),
            models.Index(
                fields=["-severity", "-raised_at", "-id"],
                name="alert_open",
                condition=Q(state="open"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="alert_has_one_subject",
                condition=Exact(
                    Func(
                        F("event"),
                        F("flag"),
                        F("run"),
                        F("source"),
                        F("subject_id"),
                        function="num_nonnulls",
                        output_field=models.IntegerField(),
                    ),
                    1,
                ),
            ),
            models.CheckConstraint(
                name="alert_subject_has_kind",
                condition=Q(subject_id__isnull=True, subject_kind="")
                | Q(subject_id__isnull=False) & ~Q(subject_kind=""),
            ),
            models.CheckConstraint(
                name="alert_falls_to_somebody",
                condition=Q(team__isnull=False) | Q(user__isnull=False),
            ),
            models.CheckConstraint(
                name="alert_snoozed_has_end",
                condition=~Q(state="snoozed") | Q(snoozed_until__isnull=False),
                violation_error_message="Enter the date until which the alert is snoozed.",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def resolution_sentence(self) -> str:
        """Return why it was resolved; empty if it is not."""
        return resolution_sentence(self.resolution, self.resolution_text)

    @property
    def subject(self) -> str:
        """Return the part of the key that is the same for every party: `event:17`,
        `offering:4@2027-01-15`."""
        return self.key.partition("|")[0]


def was_mailed(notices: models.QuerySet[Any]) -> Exists:
    """Return a condition on alerts: a notification of theirs was sent, or is in a message to be
    sent. `notices` is `Notice.objects`."""
    return Exists(
        notices.filter(alert=OuterRef("pk"), delivery__isnull=False).exclude(
            delivery__state__in=["skipped", "failed"]
        )
    )


class HandledEvent(models.Model):
    """A marker of a handled provider event; one row per event, found by NOT EXISTS."""

    event = models.OneToOneField(
        ProviderEvent, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"event {self.event_id}"


class HandledRun(models.Model):
    """A marker of a handled feed run, of those with something to report; found by NOT EXISTS."""

    run = models.OneToOneField(
        FeedRun, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"run {self.run_id}"


class HandledFlagEvent(models.Model):
    """A marker of a handled event in the life of a flag; one row per event, found by NOT EXISTS."""

    event = models.OneToOneField(
        FlagEvent, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"flag event {self.event_id}"


class HandledStaleness(models.Model):
    """A marker of a handled occasion on which an assessment became stale; one row each, found by
    NOT EXISTS."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="+")
    stale_since = models.DateTimeField()
    handled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "stale_since"], name="staleness_handled_once"
            ),
        ]

    def __str__(self) -> str:
        return f"assessment {self.assessment_id} since {self.stale_since:%Y-%m-%d}"


class HandledDiscrepancy(models.Model):
    """A marker of a handled discrepancy of the intake; one row each, found by NOT EXISTS."""

    discrepancy = models.OneToOneField(
        Discrepancy, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    handled_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "handled discrepancies"

    def __str__(self) -> str:
        return f"discrepancy {self.discrepancy_id}"
