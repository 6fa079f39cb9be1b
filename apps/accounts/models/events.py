"""Account events: sign-ins and attempts, passwords, second factors, email addresses, tokens."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models.tokens import ApiToken
from apps.accounts.models.users import User, own


class AccountEventKind(models.TextChoices):
    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    LOCKED_OUT = "locked_out", "Too many failed sign-ins"
    SIGNED_OUT = "signed_out", "Signed out"
    SESSIONS_ENDED = "sessions_ended", "Sessions ended"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    PASSWORD_RESET = "password_reset", "Password reset"
    MFA_ADDED = "mfa_added", "Two-factor method added"
    MFA_REMOVED = "mfa_removed", "Two-factor method removed"
    MFA_RESET = "mfa_reset", "Two-factor authentication reset by an administrator"
    MFA_FAILED = "mfa_failed", "Two-factor code rejected"
    CODES_REPLACED = "codes_replaced", "Recovery codes replaced"
    CODE_USED = "code_used", "Recovery code used"
    EMAIL_REQUESTED = "email_requested", "New email address requested"
    EMAIL_CHANGED = "email_changed", "Email address changed"
    TOKEN_NETWORK = "token_network", "API token used from a new network"
    INVITED = "invited", "Invited"


class EmailState(models.TextChoices):
    """State of the email about an event."""

    NONE = "", "No email"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not sent"


class AccountEventQuerySet(models.QuerySet["AccountEvent"]):
    def visible_to(self, user: Any) -> "AccountEventQuerySet":
        """Return the user's own events; organisation roles see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.can_read_all else self.filter(own(user))

    def unsent(self, *, at: datetime) -> "AccountEventQuerySet":
        return self.filter(email_state=EmailState.QUEUED, email_due_at__lte=at).order_by(
            "email_due_at", "pk"
        )


class AccountEvent(models.Model):
    """One event, or several of one kind within an hour (failed attempts, counted by `n`).

    `user` is the owner of the account, empty for unknown names, which are not stored because users
    sometimes type passwords there. `actor` is the acting user, if another one. The email about the
    event is sent by `apps/accounts/events/emails.py`.
    """

    kind = models.CharField(max_length=16, choices=AccountEventKind)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="account_events"
    )
    actor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    token = models.ForeignKey(
        ApiToken, on_delete=models.CASCADE, null=True, blank=True, related_name="events"
    )
    detail = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    network = models.CharField(max_length=50, blank=True)
    device = models.CharField(max_length=60, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    n = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    email_to = ArrayField(models.EmailField(), default=list, blank=True)
    email_state = models.CharField(
        max_length=7, choices=EmailState, blank=True, default=EmailState.NONE
    )
    email_due_at = models.DateTimeField(null=True, blank=True)
    email_attempts = models.PositiveSmallIntegerField(default=0)

    objects = AccountEventQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-last_at"], name="account_event_of_user"),
            models.Index(fields=["-last_at", "-id"], name="account_event_latest"),
            models.Index(
                fields=["email_due_at"],
                name="account_event_unsent",
                condition=Q(email_state=EmailState.QUEUED),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["token", "network"],
                name="token_network_once",
                condition=Q(kind=AccountEventKind.TOKEN_NETWORK),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.user or 'no account'}"
