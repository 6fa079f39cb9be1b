"""Issues: what one owner must act on because of a cause."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import Delegation, Team, User, own
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.history.derived import derived_record
from apps.common.validators import validate_plausible_date
from apps.exposure.models import CampaignTask
from apps.inventory.models import Application, Criticality
from apps.issues.models.causes import Cause


class Urgency(models.TextChoices):
    """When an issue needs work; most urgent first. `issue_urgency` of the database decides it."""

    NOW = "now", "Now"
    THIS_MONTH = "this_month", "This month"
    THIS_QUARTER = "this_quarter", "This quarter"
    LATER = "later", "Later"


class IssueResolution(models.TextChoices):
    """Why an issue is resolved."""

    MIGRATED = "migrated", "Migrated"
    DATE_WITHDRAWN = "date_withdrawn", "Retirement date withdrawn"
    NO_LONGER_USED = "no_longer_used", "No longer used"
    CAUSE_ENDED = "cause_ended", "The cause has ended"
    COMPLETED = "completed", "Completed"
    INCIDENT_ENDED = "incident_ended", "The incident has ended"
    DUPLICATE = "duplicate", "Duplicate"
    BY_USER = "by_user", "Resolved by a user"


class UrgencyExpression(Func):
    """`issue_urgency(act_by, criticality, state, today)` of the database as an expression."""

    function = "issue_urgency"
    output_field = models.CharField()

    def __init__(self, today: date) -> None:
        day = Value(today, output_field=models.DateField())
        super().__init__("act_by", "criticality", "state", day)


# issues of the organisation come with those of important applications
CRITICALITY_OF_ORGANISATION = Criticality.IMPORTANT
# days from now on in which an issue can have an urgency
_HORIZON_DAYS = {Urgency.NOW: 0, Urgency.THIS_MONTH: 60, Urgency.THIS_QUARTER: 180}


class IssueQuerySet(models.QuerySet["Issue"]):
    def unresolved(self) -> "IssueQuerySet":
        """Select issues whose cause persists and that no user resolved."""
        return self.exclude(state=Issue.State.RESOLVED)

    def visible_to(self, user: Any) -> "IssueQuerySet":
        """Select issues of the user's teams, and issues of the organisation that the user owns."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(Q(team__in=user.team_roles()) | own(user, "owner") & Q(team=None))

    def assigned_to(self, user: Any, *, on: date) -> "IssueQuerySet":
        """Select issues that the user owns, or whose owner is absent on that day with the user as
        deputy."""
        absent = Delegation.objects.filter(deputy=user.pk).effective_on(on).order_by()
        # one list of persons: an index is not used for either of two conditions
        themselves = User.objects.filter(pk=user.pk).order_by()
        return self.filter(owner__in=themselves.values("pk").union(absent.values("person")))

    def in_work(self, *, on: date) -> "IssueQuerySet":
        """Select what the list shows without a state: unresolved and not snoozed on that day."""
        return self.unresolved().filter(Q(snoozed_until=None) | Q(snoozed_until__lte=on))

    def of_urgency(self, values: Collection[str], today: date) -> "IssueQuerySet":
        """Select issues with one of these urgencies on `today`."""
        issues = self
        if values and Urgency.LATER not in values:
            # an index finds these; the urgency is asked of the rest
            horizon = max(_HORIZON_DAYS[Urgency(value)] for value in values)
            issues = self.filter(act_by__lte=today + timedelta(days=horizon))
        if set(values) == {Urgency.NOW}:
            return issues
        return issues.alias(urgency=UrgencyExpression(today)).filter(urgency__in=values)


@derived_record(user_input=Q(activity__user__isnull=False))
@track_history(exclude=("updated_at",))
class Issue(models.Model):
    """A cause for one application, or for the organisation (`application` is null).

    The dates and the derived state follow the fact: `evaluation.py` writes them. Responses of users
    (acknowledged, snoozed, accepted, assigned, resolved) are stored here where no other record has
    them.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        PLANNED = "planned", "Planned"
        IN_PROGRESS = "in_progress", "In progress"
        ACCEPTED = "accepted", "Accepted until a date"
        RESOLVED = "resolved", "Resolved"

    cause = models.ForeignKey(Cause, on_delete=models.CASCADE, related_name="issues")
    application = models.ForeignKey(
        Application,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="issues",
        help_text="Empty: the issue is about the organisation.",
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="issues"
    )
    criticality = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Criticality of the application; null without one."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="issues",
        help_text="Person who must act; empty: unassigned.",
    )
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="User who assigned the owner; empty: the owner follows the application.",
    )
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    due_on = models.DateField(
        null=True, blank=True, help_text="Date of the fact for this application."
    )
    is_earliest = models.BooleanField(default=False, help_text="The date is a lower bound.")
    start_by = models.DateField(
        null=True, blank=True, help_text="Last date on which the work can start in time."
    )
    finish_by = models.DateField(
        null=True, blank=True, help_text="Date by which the work must be finished."
    )
    act_by = models.DateField(help_text="Date from which the urgency is Now.")
    task = models.ForeignKey(
        CampaignTask,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="issues",
        help_text="Migration task that is the plan of this issue.",
    )
    details = models.JSONField(
        default=dict,
        blank=True,
        help_text="Facts for this application, such as dependencies and effort.",
    )
    fact_key = models.CharField(
        max_length=200,
        blank=True,
        help_text="Version of the fact: a user's resolution is valid while it is unchanged.",
    )
    opened_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateField(
        null=True, blank=True, help_text="Hidden from the inbox until this date."
    )
    snoozed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_until = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Acceptance expires on (not valid from this date).",
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolution = models.CharField(max_length=14, choices=IssueResolution, blank=True)
    resolution_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = IssueQuerySet.as_manager()

    class Meta:
        ordering = ["act_by", "criticality", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause", "application"], name="issue_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="issue_resolved_has_resolution",
                condition=Q(state="resolved", resolved_at__isnull=False) & ~Q(resolution="")
                | ~Q(state="resolved") & Q(resolved_at__isnull=True, resolution=""),
            ),
            models.CheckConstraint(
                name="issue_acceptance_is_complete",
                condition=Q(accepted_until__isnull=True)
                | Q(accepted_by__isnull=False) & ~Q(accepted_reason=""),
                violation_error_message="An acceptance needs a user, an expiry date and a reason.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["act_by", "criticality", "id"],
                name="issue_most_urgent",
                condition=~Q(state="resolved"),
            ),
            models.Index(
                fields=["team", "act_by", "id"],
                name="issue_by_team",
                condition=~Q(state="resolved"),
            ),
            models.Index(
                fields=["owner", "act_by", "id"],
                name="issue_by_owner",
                condition=~Q(state="resolved"),
            ),
            models.Index(fields=["application", "state"], name="issue_by_application"),
            models.Index(fields=["act_by", "id"], name="issue_by_act_by"),
            # groups of the inbox, and what is most urgent of each
            models.Index(
                fields=["cause", "act_by", "criticality", "id"],
                name="issue_by_cause",
                condition=~Q(state="resolved"),
            ),
            models.Index(
                Coalesce("criticality", Value(int(CRITICALITY_OF_ORGANISATION))),
                "due_on",
                "cause",
                "id",
                name="issue_most_critical",
                condition=~Q(state="resolved"),
            ),
            models.Index(
                Coalesce("finish_by", "due_on"),
                "act_by",
                "id",
                name="issue_by_finish",
                condition=~Q(state="resolved"),
            ),
            models.Index(
                fields=["opened_at", "id"],
                name="issue_by_opening",
                condition=~Q(state="resolved"),
            ),
            # few of many
            models.Index(
                fields=["act_by", "id"], name="issue_accepted", condition=Q(state="accepted")
            ),
            models.Index(
                fields=["snoozed_until", "id"],
                name="issue_snoozed",
                condition=Q(snoozed_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"issue {self.pk} of cause {self.cause_id}"
