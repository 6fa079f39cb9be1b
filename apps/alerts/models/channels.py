"""Delivery channels other than email: signed webhooks, Slack, Microsoft Teams and PagerDuty, and
calendar feeds to which users subscribe.

All channels are rows of one table, named after its first service, so that notifications and
deliveries have one kind of reference to them. `Channel` selects those that are no webhook."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Team, own
from apps.common.credentials import declare_sealed_column
from apps.common.history.context import track_history


def new_nonce() -> str:
    return secrets.token_hex(16)


class ChannelService(models.TextChoices):
    """The service that receives the messages of a channel."""

    WEBHOOK = "webhook", "Webhook"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    PAGERDUTY = "pagerduty", "PagerDuty"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, user: Any) -> "WebhookQuerySet":
        """Select the signed webhooks; `Channel.objects` has the channels of other services."""
        is_allowed = user.is_authenticated and user.is_active and user.can_read_all
        return self.filter(service=ChannelService.WEBHOOK) if is_allowed else self.none()


@track_history(exclude=("last_sent_at", "n_refusals"))
class Webhook(models.Model):
    """A destination of alerts beside email. A webhook is a URL that receives signed JSON: its
    secret is derived from `nonce` and the installation's key, so that a copy of the database cannot
    sign. A new nonce is a new secret, and until `old_until` the previous secret signs as well.

    A channel of another service has its credentials in `ChannelCredential`. It belongs to a team, a
    person or an organisation role, and receives what that owner can view."""

    Service = ChannelService

    class Role(models.TextChoices):
        """An organisation role that a channel can belong to; both can view all records."""

        GOVERNANCE = "governance", "Governance"
        ADMIN = "admin", "Administrators"

    name = models.CharField(max_length=100, unique=True)
    service = models.CharField(
        max_length=10, choices=ChannelService, default=ChannelService.WEBHOOK, db_default="webhook"
    )
    url = models.URLField(max_length=500, blank=True, help_text="URL of a webhook.")
    destination = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="Slack: ID of the channel. PagerDuty: service region.",
    )
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    old_nonce = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    old_until = models.DateTimeField(null=True, blank=True, editable=False)
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="webhooks",
        help_text="Only alerts of this team and its sub-teams; empty: all.",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="channels",
        help_text="Only notifications of this user.",
    )
    role = models.CharField(
        max_length=10,
        choices=Role,
        blank=True,
        default="",
        db_default="",
        help_text="Organisation role that owns a channel without team and person.",
    )
    kinds = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="Empty: all types."
    )
    min_severity = models.PositiveSmallIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    n_refusals = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="Refusals since the last success."
    )
    disabled_reason = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Refusal of the service that disabled the channel.",
    )

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="webhook_severity_1_to_5",
                condition=Q(min_severity__range=(1, 5)),
                violation_error_message="Enter a severity between 1 (info) and 5 (urgent).",
            ),
            models.CheckConstraint(
                name="channel_has_one_owner",
                condition=Q(service="webhook", person=None, role="")
                | Q(team__isnull=False, person=None, role="")
                | Q(team=None, person__isnull=False, role="")
                | (Q(team=None, person=None) & ~Q(role="")),
                violation_error_message="Select a team, a user or an organisation role.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_signed_webhook(self) -> bool:
        return self.service == ChannelService.WEBHOOK

    @property
    def purpose(self) -> str:
        """Purpose of its credentials; sealed for one channel, they open for no other."""
        return f"alert channel {self.pk}"

    @property
    def owner(self) -> str:
        """Return the name of the team, user or role that the channel belongs to."""
        if self.team is not None:
            return str(self.team)
        if self.person is not None:
            return str(self.person)
        return self.get_role_display() or Webhook.Role.GOVERNANCE.label


class ChannelQuerySet(models.QuerySet["Channel"]):
    def visible_to(self, user: Any) -> "ChannelQuerySet":
        """Select all channels for readers of everything, otherwise those of the user's teams and
        the user's own."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(Q(team__in=user.team_roles()) | own(user, "person"))


class ChannelManager(models.Manager.from_queryset(ChannelQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(service=ChannelService.WEBHOOK)


class Channel(Webhook):
    """A channel of Slack, Microsoft Teams or PagerDuty."""

    objects = ChannelManager()  # type: ignore[misc]

    class Meta:
        proxy = True
        ordering = ["name"]


class ChannelCredentialQuerySet(models.QuerySet["ChannelCredential"]):
    def visible_to(self, user: Any) -> "ChannelCredentialQuerySet":
        is_allowed = user.is_authenticated and user.is_active and user.is_governance
        return self if is_allowed else self.none()


@track_history(exclude=("sealed",))
class ChannelCredential(models.Model):
    """Encrypted credentials of a channel. The history has the time and user of each change, and
    never the text."""

    channel = models.OneToOneField(Webhook, on_delete=models.CASCADE, related_name="credential")
    sealed = models.TextField(help_text="Encrypted; never shown, exported or logged.")
    names = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Names of the entered secrets."
    )
    set_at = models.DateTimeField()

    objects = ChannelCredentialQuerySet.as_manager()

    def __str__(self) -> str:
        return f"credentials of channel {self.channel_id}"

    def __repr__(self) -> str:
        return f"<ChannelCredential of channel {self.channel_id}>"


declare_sealed_column("alerts.ChannelCredential", "sealed", owner="channel__name")


class SlackRequestQuerySet(models.QuerySet["SlackRequest"]):
    def visible_to(self, user: Any) -> "SlackRequestQuerySet":
        is_allowed = user.is_authenticated and user.is_active and user.can_read_all
        return self if is_allowed else self.none()


class SlackRequest(models.Model):
    """A button or choice that somebody used in a Slack message, received with a valid signature.
    Not in the history: what it changed is in the history of the alerts."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    channel = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="slack_requests")
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the signature; a request counts once."
    )
    message = models.CharField(
        max_length=200, help_text="Message-ID of the delivery that the message belongs to."
    )
    item = models.PositiveSmallIntegerField(help_text="Place of the item in the message.")
    action = models.CharField(max_length=20, help_text="acknowledge, take or assign.")
    assignee_id = models.BigIntegerField(null=True, blank=True, help_text="User to assign to.")
    slack_user = models.CharField(max_length=40)
    sealed_response_url = models.TextField(
        help_text="Encrypted URL to which Slack expects the answer; valid for 30 minutes."
    )
    state = models.CharField(max_length=8, choices=State, default=State.RECEIVED)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="User whose address the Slack user has.",
    )
    sentence = models.CharField(max_length=500, blank=True, help_text="Result for the Slack user.")
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(
        null=True, blank=True, help_text="Time at which Slack accepted the answer."
    )

    objects = SlackRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(
                fields=["received_at"],
                name="slack_request_open",
                condition=Q(answered_at__isnull=True),
            ),
            models.Index(fields=["message", "item"], name="slack_request_of_item"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.slack_user}"


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    def visible_to(self, user: Any) -> "CalendarFeedQuerySet":
        """Select the user's own feeds."""
        return self.filter(own(user)) if user.is_authenticated and user.is_active else self.none()


@track_history(exclude=("last_used_at",))
class CalendarFeed(models.Model):
    """A secret URL under which an app that cannot sign in (calendar or feed reader) reads what the
    user can view. Only the SHA-256 of the secret is stored."""

    class Kind(models.TextChoices):
        CALENDAR = "calendar", "Calendar"
        ALERTS = "alerts", "Alert feed (Atom)"
        CHANGES = "changes", "Change feed (Atom)"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feeds"
    )
    kind = models.CharField(
        max_length=8, choices=Kind, default=Kind.CALENDAR, db_default=Kind.CALENDAR
    )
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
