"""People, teams and tokens: who owns and who may see."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from apps.accounts.roles import OrganisationRole, Scope, TeamRole
from apps.common.history import tracked


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: Any) -> "TeamQuerySet":
        """The teams whose things `user` may read: all for the organisation's roles, else the own subtree."""
        if not user.is_authenticated:
            return self.none()
        if user.reads_everything:
            return self
        return self.filter(pk__in=user.team_roles())


@tracked()
class Team(models.Model):
    """A node of the organisation's tree; roles held on a team hold for everything below it."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    email = models.EmailField(blank=True, help_text="The mailbox that is told; without one, the owners are.")
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC", help_text="Of the mailbox's mails.")
    digest_hour = models.PositiveSmallIntegerField(
        default=7, db_default=7, help_text="Local hour at which the mailbox gets its digest."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="team_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message="A team cannot be its own parent.",
            ),
            models.CheckConstraint(
                name="team_digest_hour_of_day",
                condition=Q(digest_hour__lte=23),
                violation_error_message="The digest hour is between 0 and 23.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above = self.parent
        while above is not None:
            if above.pk == self.pk:
                raise ValidationError({"parent": "This would put the team below itself. Choose another parent."})
            above = above.parent


class Users(UserManager["User"]):
    pass


@tracked(exclude=("last_login", "password"))
class User(AbstractUser):
    """A person or a service that signs in."""

    email = models.EmailField(blank=True)
    organisation_role = models.CharField(max_length=12, choices=OrganisationRole, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    digest_hour = models.PositiveSmallIntegerField(default=7, help_text="Local hour at which digests are sent.")

    objects: ClassVar[Users] = Users()

    class Meta:
        ordering = ["username"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                condition=~Q(email=""),
                violation_error_message="Another user has this e-mail address.",
            ),
            models.CheckConstraint(
                name="user_digest_hour_of_day",
                condition=Q(digest_hour__lte=23),
                violation_error_message="The digest hour is between 0 and 23.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def reads_everything(self) -> bool:
        return self.is_active and (self.is_superuser or self.organisation_role != "")

    @property
    def governs(self) -> bool:
        """May change the catalogue, the sources and everyone's applications."""
        return self.is_active and (
            self.is_superuser or self.organisation_role in {OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN}
        )

    def team_roles(self) -> dict[int, int]:
        """{team id: rank of the strongest role held there or on a team above}; one statement per user object."""
        cached: dict[int, int] | None = getattr(self, "_team_roles", None)
        if cached is None:
            cached = Membership.objects.effective_roles(self) if self.is_active and self.pk else {}
            self._team_roles = cached
        return cached

    def may(self, role: TeamRole, team: "Team | int") -> bool:
        """True where the user holds at least `role` on the team, by membership or by office."""
        if self.governs:
            return True
        team_id = team if isinstance(team, int) else team.pk
        return self.team_roles().get(team_id, 0) >= role.rank


class MembershipQuerySet(models.QuerySet["Membership"]):
    def effective_roles(self, user: User) -> dict[int, int]:
        """{team id: role rank} with roles inherited down the team tree; UNION cuts circles."""
        with_roles = Team.objects.raw(
            """
            WITH RECURSIVE held(team_id, rank) AS (
                SELECT m.team_id, m.role FROM accounts_membership m WHERE m.user_id = %s
                UNION
                SELECT t.id, held.rank FROM held JOIN accounts_team t ON t.parent_id = held.team_id
            )
            SELECT team_id AS id, max(rank) AS rank FROM held GROUP BY team_id
            """,
            [user.pk],
        )
        return {row.pk: row.rank for row in with_roles}  # type: ignore[attr-defined]


@tracked()
class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=TeamRole.choices(), default=TeamRole.VIEWER.rank)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["team", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "team"],
                name="membership_once",
                violation_error_message="This person already has a role in this team; change it instead.",
            ),
            models.CheckConstraint(
                name="membership_role_known",
                condition=Q(role__in=[role.rank for role in TeamRole]),
                violation_error_message="The role is viewer, editor or owner.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable_at(self, moment: datetime) -> "ApiTokenQuerySet":
        return self.filter(Q(expires_at__gt=moment), revoked_at__isnull=True, user__is_active=True)


@tracked(exclude=("last_used_at",))
class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is kept: 256 random bits need no slow hash."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True, help_text="The part shown in lists.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="api_token_has_scope",
                condition=~Q(scopes=[]),
                violation_error_message="A token needs at least one scope: read, write, intake or gate.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: Any) -> "SavedFilterQuerySet":
        """One's own, and what colleagues have shared with everybody."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(user=user) | Q(is_shared=True))

    def of_page(self, path: str) -> "SavedFilterQuerySet":
        return self.filter(path=path)


@tracked()
class SavedFilter(models.Model):
    """A list as somebody likes to look at it: the page's path and the query of its address."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    path = models.CharField(max_length=200)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "path", "name"],
                name="saved_filter_once",
                violation_error_message="You have a saved filter of that name on this page. Choose another name.",
            ),
        ]
        indexes = [models.Index(fields=["path"], name="saved_filter_of_page")]

    def __str__(self) -> str:
        return self.name
