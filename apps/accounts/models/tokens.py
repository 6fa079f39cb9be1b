"""API tokens as stored."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models.users import Team, User, manageable_by, own
from apps.accounts.roles import Scope
from apps.common.history.context import track_history


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable_at(self, moment: datetime) -> "ApiTokenQuerySet":
        return self.filter(Q(expires_at__gt=moment), revoked_at__isnull=True, user__is_active=True)

    def visible_to(self, user: Any) -> "ApiTokenQuerySet":
        """Return the user's own tokens, and those of service accounts that the user manages;
        administrators and the auditor see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_administrator or (user.can_read_all and not user.is_governance):
            return self
        return self.filter(
            own(user) | Q(user__in=User.objects.services().filter(manageable_by(user)))
        )


@track_history(exclude=("last_used_at", "old_last_used_at"))
class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 digest is stored: 256 random bits need no slow hash.

    `team` binds it to that team and those below, whatever its user can access. After a rotation the
    previous secret is valid until `old_until`; the row stays, and with it what refers to the token
    (bindings, last use).
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        max_length=16, unique=True, help_text="The part that is shown in lists."
    )
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    # deleted with its team: a token that lost its binding would have access to everything
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="api_tokens"
    )
    per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Requests per minute; empty: the default limit."
    )
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    old_digest = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    old_until = models.DateTimeField(
        null=True, blank=True, help_text="The previous secret expires at this time."
    )
    old_last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="api_token_has_scope",
                condition=~Q(scopes=[]),
                violation_error_message=(
                    "An API token needs at least one scope: read, write, intake or gate."
                ),
            ),
            models.CheckConstraint(
                name="api_token_old_secret_ends",
                condition=Q(old_digest__isnull=True, old_until__isnull=True)
                | Q(old_digest__isnull=False, old_until__isnull=False),
                violation_error_message="The previous secret needs an expiry time.",
            ),
            models.CheckConstraint(
                name="api_token_rate_above_zero",
                condition=Q(per_minute__isnull=True) | Q(per_minute__gt=0),
                violation_error_message=(
                    "An API token must allow at least 1 request per minute. Revoke it to stop it."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_good_at(self, moment: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > moment

    def has_old_secret_at(self, moment: datetime) -> bool:
        """Return whether the secret before the last rotation is still valid."""
        return self.is_good_at(moment) and self.old_until is not None and self.old_until > moment
