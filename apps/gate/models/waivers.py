"""Waivers: dated exceptions to a rule, requested by a team and granted by another user."""

from datetime import date, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Offering
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.gate.rules.definitions import Rule
from apps.inventory.models import Application

MAX_WAIVER_DURATION = timedelta(days=180)


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def visible_to(self, user: Any) -> "WaiverQuerySet":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(application__team__in=user.team_roles())

    def standing_on(self, day: date) -> "WaiverQuerySet":
        """Select granted waivers that are not expired on that day, the last day included."""
        return self.filter(state=Waiver.State.GRANTED, until__gt=day)

    def waiting(self) -> "WaiverQuerySet":
        return self.filter(state=Waiver.State.ASKED)


@track_history()
class Waiver(models.Model):
    """A dated exception of one application from one rule of the gate, for one model (none: for all
    models)."""

    class State(models.TextChoices):
        ASKED = "asked", "Requested"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="waivers")
    rule = models.CharField(max_length=5, choices=Rule)
    model = models.CharField(
        max_length=300, blank=True, help_text="Model as in the findings; empty: any model."
    )
    offering = models.ForeignKey(
        Offering,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only on this host; empty: on any host.",
    )
    reason = LimitedTextField(
        max_length=MAX_REASON_LENGTH,
        help_text="Reason for the waiver, and measures until it expires.",
    )
    until = models.DateField(help_text="Expires on (not valid from this date).")
    state = models.CharField(max_length=9, choices=State, default=State.ASKED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()
    requested_on = models.DateField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = LimitedTextField(
        max_length=MAX_REASON_LENGTH,
        blank=True,
        help_text="Reason for granting, rejecting or withdrawing.",
    )

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="waiver_ends_in_time",
                condition=Q(until__gt=F("requested_on"))
                & Q(until__lte=F("requested_on") + MAX_WAIVER_DURATION),
                violation_error_message="A waiver must expire after today and within 180 "
                "days. Request a new one when it has expired.",
            ),
            models.CheckConstraint(
                name="waiver_decided_by_somebody",
                condition=Q(state="asked", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="asked") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                violation_error_message="A decision on a waiver must have a user and a time.",
            ),
            models.CheckConstraint(
                name="waiver_granted_by_another",
                condition=~Q(state="granted") | ~Q(decided_by=F("requested_by")),
                violation_error_message="A waiver cannot be decided by the user who "
                "requested it. Another governance user must decide.",
            ),
        ]
        indexes = [
            models.Index(fields=["application", "until"], name="waiver_by_application"),
            models.Index(fields=["-id"], name="waiver_waiting", condition=Q(state="asked")),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.model or 'any model'} until {self.until}"

    def stands_on(self, day: date) -> bool:
        return self.state == Waiver.State.GRANTED and self.until > day

    def covers(self, rule: str, names: tuple[str, ...], offering: int | None) -> bool:
        """Return whether it is about this finding; `names` are the names of the finding's model."""
        if self.rule != rule or (self.offering_id is not None and self.offering_id != offering):
            return False
        return not self.model or self.model.casefold() in {
            name.casefold() for name in names if name
        }
