"""Users, service accounts and teams: ownership and visibility."""

from collections.abc import Hashable, Iterable
from copy import copy
from typing import Any, ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Lower

from apps.accounts.models.team_roles import MembershipState, read_membership_state
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.database.tree_triggers import refuse_cycles
from apps.common.history.context import track_history

# held by writers of addresses, so that no address is both a user's own and another person's alias
ADDRESS_LOCK = "hashtextextended('accounts_address', 0)"


def own(user: Any, field: str = "user") -> Q:
    """Return the condition for rows that are `user`'s own, by the path `field`; none for a token
    bound to a team, which represents the team and not the user."""
    return Q(pk__in=()) if getattr(user, "bound_team_id", None) else Q(**{field: user})


def manageable_by(user: Any) -> Q:
    """Return the condition for service accounts that `user` may change: all for governance,
    otherwise those of the teams that the user owns."""
    if user.is_governance:
        return Q()
    owned_team_ids = [
        team_id for team_id, rank in user.team_roles().items() if rank >= TeamRole.OWNER.rank
    ]
    return Q(service_team__in=owned_team_ids)


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: Any) -> "TeamQuerySet":
        """Return the teams whose records `user` may view: all for organisation roles, otherwise the
        user's teams with those below."""
        if not user.is_authenticated:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(pk__in=user.team_roles())


@track_history()
class Team(models.Model):
    """A team in the tree of the organisation; a role on a team also applies to every team below
    it."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    email = models.EmailField(
        blank=True, help_text="Mailbox that receives alerts; if empty, the owners receive them."
    )
    time_zone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", help_text="Time zone of the mailbox."
    )
    digest_hour = models.PositiveSmallIntegerField(
        default=7, db_default=7, help_text="Local hour at which the digest is sent to the mailbox."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        triggers = [
            refuse_cycles(
                "team_no_circle",
                "accounts_team",
                "parent_id",
                "This would place the team below itself. Choose another parent.",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="team_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message="A team cannot be its own parent.",
            ),
            models.CheckConstraint(
                name="team_digest_hour_of_day",
                condition=Q(digest_hour__lte=23),
                violation_error_message="The digest hour must be between 0 and 23.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # read the current tree: a parent that was loaded before might have been moved since
        parents = dict(Team.objects.order_by().values_list("pk", "parent"))
        ancestor_id, passed = self.parent_id, set[int]()
        while ancestor_id is not None and ancestor_id not in passed:
            if ancestor_id == self.pk:
                raise ValidationError(
                    {"parent": "This would place the team below itself. Choose another parent."}
                )
            passed.add(ancestor_id)
            ancestor_id = parents.get(ancestor_id)


class PersonState(models.TextChoices):
    """How far a person has access. A service account is active or closed."""

    CONTACT = "contact", "Contact"
    INVITED = "invited", "Invited"
    ACTIVE = "active", "Active"
    CLOSED = "closed", "Closed"


OPEN_STATES = (PersonState.INVITED, PersonState.ACTIVE)


class PersonName(models.Func):
    """Name of a person, by the database's own function; the username where no name is known."""

    function = "person_name"
    output_field = models.CharField()

    def __init__(self, path: str = "") -> None:
        """`path` leads to the person, such as `owner__`; empty: of the rows themselves."""
        self.path = path
        super().__init__(f"{path}first_name", f"{path}last_name", f"{path}username")

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return "apps.accounts.models.users.PersonName", (self.path,) if self.path else (), {}


class Users(UserManager["User"]):
    def people(self) -> models.QuerySet["User"]:
        """All persons: contacts as well as users with an account."""
        return self.filter(is_service=False)

    def with_account(self) -> models.QuerySet["User"]:
        """Persons with an account, open or closed."""
        return self.people().exclude(state=PersonState.CONTACT).filter(merged_into=None)

    def contacts(self) -> models.QuerySet["User"]:
        return self.people().filter(state=PersonState.CONTACT)

    def contact_with(self, address: str) -> models.QuerySet["User"]:
        """The contact with this address, or none; by index."""
        contacts = self.contacts().exclude(email="").alias(address=Lower("email"))
        return contacts.filter(address=address.strip().lower())

    def services(self) -> models.QuerySet["User"]:
        return self.filter(is_service=True)


@track_history(exclude=("last_login", "password"))
class User(AbstractUser):
    """A person, or a service account that uses tokens only.

    `state` says how far a person has access, and agrees with `is_active`: a contact is known by
    address and cannot sign in, an invited person has not signed in yet. `merged_into` is the person
    who has taken over the references of this one.

    `organisation_role` is the role that applies. If single sign-on gives one,
    `sso_organisation_role` holds it, and `manual_organisation_role` holds the one assigned here,
    which applies again when the group is gone.
    """

    email = models.EmailField(blank=True)
    organisation_role = models.CharField(
        max_length=12, choices=OrganisationRole, blank=True, default=""
    )
    sso_organisation_role = models.CharField(
        max_length=12,
        choices=OrganisationRole,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    manual_organisation_role = models.CharField(
        max_length=12,
        choices=OrganisationRole,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    digest_hour = models.PositiveSmallIntegerField(
        default=7, help_text="Local hour at which digests are sent."
    )
    is_service = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A service account has API tokens and no password.",
    )
    service_team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="services",
        help_text="Team that owns the service account; empty: the organisation.",
    )
    about = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="Purpose of the service account.",
    )

    state = models.CharField(
        max_length=7,
        choices=PersonState,
        default=PersonState.ACTIVE,
        db_default=PersonState.ACTIVE,
        editable=False,
    )
    mail_confirmed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=(
            "Time at which governance confirmed that the address of the contact may receive email."
        ),
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="merged",
        editable=False,
    )

    objects: ClassVar[Users] = Users()

    # the team that the token of this request is bound to; set on this object only, not stored
    bound_team_id: int | None = None

    class Meta:
        ordering = ["username"]
        indexes = [
            models.Index(
                OpClass(Lower("email"), name="text_pattern_ops"), name="user_email_prefix"
            ),
            models.Index(
                OpClass(Lower("last_name"), name="text_pattern_ops"), name="user_last_name_prefix"
            ),
            models.Index(
                OpClass(Lower(PersonName()), name="text_pattern_ops"), name="user_name_prefix"
            ),
            models.Index(
                OpClass(Lower("username"), name="text_pattern_ops"), name="user_username_prefix"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="own_address_is_no_alias",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("email"),
                func=f"""
                    IF NEW.email = '' OR TG_OP = 'UPDATE' AND lower(NEW.email) = lower(OLD.email) THEN
                        RETURN NULL;
                    END IF;
                    PERFORM pg_advisory_xact_lock_shared({ADDRESS_LOCK});
                    IF EXISTS (
                        SELECT 1 FROM accounts_emailalias WHERE lower(email) = lower(NEW.email)
                    ) THEN
                        RAISE EXCEPTION 'Another person has this email address. Enter another one.'
                            USING ERRCODE = 'unique_violation', CONSTRAINT = 'own_address_is_no_alias';
                    END IF;
                    RETURN NULL;
                """,  # noqa: E501
            )
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                condition=~Q(email=""),
                violation_error_message="Another user has this email address. Enter another one.",
            ),
            models.CheckConstraint(
                name="user_digest_hour_of_day",
                condition=Q(digest_hour__lte=23),
                violation_error_message="The digest hour must be between 0 and 23.",
            ),
            models.CheckConstraint(
                name="service_cannot_sign_in",
                # Django begins an unusable password with an exclamation mark
                condition=Q(is_service=False)
                | Q(password__startswith="!", email="", is_staff=False, is_superuser=False),  # noqa: S106
                violation_error_message=(
                    "A service account cannot have a password, an email address or "
                    "access to the admin."
                ),
            ),
            models.CheckConstraint(
                name="user_state_agrees_with_access",
                condition=Q(is_active=True, state__in=OPEN_STATES)
                | Q(is_active=False, state__in=[PersonState.CONTACT, PersonState.CLOSED]),
                violation_error_message=(
                    "Only invited and active users can sign in. Invite the person first."
                ),
            ),
            models.CheckConstraint(
                name="contact_has_no_access",
                condition=~Q(state=PersonState.CONTACT)
                | (
                    Q(
                        password__startswith="!",  # noqa: S106
                        is_staff=False,
                        is_superuser=False,
                        organisation_role="",
                    )
                    & ~Q(email="")
                ),
                violation_error_message=(
                    "A contact has an email address, and no password or organisation role."
                ),
            ),
            models.CheckConstraint(
                name="service_is_active_or_closed",
                condition=Q(is_service=False)
                | Q(state__in=[PersonState.ACTIVE, PersonState.CLOSED]),
                violation_error_message="A service account is active or closed.",
            ),
            models.CheckConstraint(
                name="merged_person_is_closed",
                condition=Q(merged_into__isnull=True)
                | (Q(state=PersonState.CLOSED) & ~Q(merged_into=F("id"))),
                violation_error_message="A merged person is closed.",
            ),
            models.CheckConstraint(
                name="service_does_not_administer",
                condition=Q(is_service=False) | ~Q(organisation_role=OrganisationRole.ADMIN),
                violation_error_message=(
                    "A service account cannot be an administrator. Choose another "
                    "organisation role."
                ),
            ),
            models.CheckConstraint(
                name="only_services_belong_to_a_team",
                condition=Q(is_service=True) | Q(service_team__isnull=True),
                violation_error_message=(
                    "Only service accounts belong to a team. Assign users a role on a team instead."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def clean(self) -> None:
        super().clean()
        self._align_state()
        if self.email and _is_alias(self.email):
            raise ValidationError(
                {"email": "Another person has this email address. Enter another one."}
            )

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save with the state that agrees with `is_active`."""
        self._align_state()
        if update_fields is not None and "is_active" in (fields := set(update_fields)):
            update_fields = fields | {"state"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def _align_state(self) -> None:
        if self.is_active and self.state not in OPEN_STATES:
            has_signed_in = self.last_login is not None or self.has_usable_password()
            self.state = PersonState.ACTIVE if has_signed_in else PersonState.INVITED
        elif not self.is_active and self.state in OPEN_STATES:
            self.state = PersonState.CLOSED
        if self.is_service and self.state == PersonState.INVITED:
            self.state = PersonState.ACTIVE

    @property
    def is_contact(self) -> bool:
        return self.state == PersonState.CONTACT

    @property
    def _has_organisation_role(self) -> bool:
        """Return whether organisation roles apply to this object; not through a bound token, for
        which `team_roles` includes what remains of the role."""
        return self.is_active and self.bound_team_id is None

    @property
    def can_read_all(self) -> bool:
        return self._has_organisation_role and (self.is_superuser or self.organisation_role != "")

    @property
    def is_governance(self) -> bool:
        """Whether the user may change the catalogue, the sources and the applications of all
        teams."""
        return self._has_organisation_role and (
            self.is_superuser
            or self.organisation_role in {OrganisationRole.GOVERNANCE, OrganisationRole.ADMIN}
        )

    @property
    def is_administrator(self) -> bool:
        """Whether the user may add users and assign organisation roles."""
        return self._has_organisation_role and (
            self.is_superuser or self.organisation_role == OrganisationRole.ADMIN
        )

    def bound_to(self, team: "Team | int | None") -> "User":
        """Return this user as restricted by a token bound to `team`.

        The user acts within that team and those below, and there as far as their own roles reach.
        This is the only place that restricts a user: `visible_to`, `may`, `is_governance` and
        `team_roles` all follow from it. A bound user stays bound; None changes nothing. A worker
        that continues for a bound token calls this again.
        """
        if team is None:
            return self
        bound_user = copy(self)
        bound_user.bound_team_id = team if isinstance(team, int) else team.pk
        roles = self.team_roles() if self.bound_team_id else None
        bound_user._team_roles = None
        if roles is not None:
            # already bound: the second binding must not restore what the first one excluded
            bound_user._team_roles = {
                team: rank for team, rank in bound_user.team_roles().items() if team in roles
            }
            bound_user._membership_state = None
        return bound_user

    _team_roles: dict[int, int] | None = None
    # where _team_roles follow from; read with the token, or at the first use
    _membership_state: MembershipState | None = None

    def team_roles(self) -> dict[int, int]:
        """Return {team ID: rank of the strongest role on it or on a team above}; one statement per
        user object.

        With a bound token, return only the bound team and those below; an organisation role counts
        as the rank that allows the same there.
        """
        if self._team_roles is None:
            if not self.is_active or not self.pk:
                self._team_roles = {}
            elif self.bound_team_id is None:
                self._team_roles = self._read_memberships().held_roles()
            else:
                self._team_roles = self._read_memberships().bound_roles(
                    self.bound_team_id, self._organisation_role_rank()
                )
        return self._team_roles

    def team_roles_key(self) -> Hashable:
        """Return a short value that is equal only if `team_roles` are equal; one statement per user
        object, as for `team_roles`. Two thousand teams need not be compared."""
        if not self.is_active or not self.pk:
            return ()
        if self._membership_state is None and self._team_roles is not None:
            # bound twice: the roles follow from both bindings
            return tuple(self._team_roles.items())
        rank = self._organisation_role_rank() if self.bound_team_id is not None else 0
        return self._read_memberships().key, self.bound_team_id, rank

    def forget_team_roles(self) -> None:
        """Read the roles again at their next use, after a change of memberships."""
        self._team_roles = self._membership_state = None

    def _read_memberships(self) -> MembershipState:
        if self._membership_state is None:
            self._membership_state = read_membership_state(self.pk)
        return self._membership_state

    def _organisation_role_rank(self) -> int:
        if self.is_superuser or self.organisation_role in {
            OrganisationRole.GOVERNANCE,
            OrganisationRole.ADMIN,
        }:
            return TeamRole.OWNER.rank
        return TeamRole.VIEWER.rank if self.organisation_role else 0

    def may(self, role: TeamRole, team: "Team | int") -> bool:
        """Return whether the user has at least `role` on the team, by membership or organisation
        role."""
        if self.is_governance:
            return True
        team_id = team if isinstance(team, int) else team.pk
        return self.team_roles().get(team_id, 0) >= role.rank


def _is_alias(address: str) -> bool:
    aliases: Any = User._meta.get_field("email_aliases").related_model
    rows = aliases.objects.annotate(address=Lower("email")).filter(address=address.lower())
    return bool(rows.exists())


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, user: Any) -> "MembershipQuerySet":
        """Return the roles on teams that `user` may view, as the pages of the teams show them."""
        if not user.is_authenticated:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(team__in=user.team_roles())


@track_history()
class Membership(models.Model):
    """A user's role on a team. `role` is the one that applies. If single sign-on gives one,
    `sso_role` holds it, and `manual_role` holds the one assigned here, which applies again when the
    group is gone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(
        choices=TeamRole.choices(), default=TeamRole.VIEWER.rank
    )
    sso_role = models.PositiveSmallIntegerField(
        choices=TeamRole.choices(), null=True, blank=True, editable=False
    )
    manual_role = models.PositiveSmallIntegerField(
        choices=TeamRole.choices(), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["team", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "team"],
                name="membership_once",
                violation_error_message=(
                    "This user already has a role on this team. Change that role instead."
                ),
            ),
            models.CheckConstraint(
                name="membership_role_known",
                condition=Q(role__in=[role.rank for role in TeamRole]),
                violation_error_message="The role must be viewer, editor or owner.",
            ),
            models.CheckConstraint(
                name="membership_role_is_the_stronger",
                condition=Q(sso_role__isnull=True, manual_role__isnull=True)
                | Q(manual_role__isnull=True, role=F("sso_role"))
                | Q(role=Greatest(F("sso_role"), F("manual_role"))),
                violation_error_message=(
                    "The stronger of the assigned role and the single sign-on role must apply."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

    def clean(self) -> None:
        if self.role == TeamRole.OWNER.rank and self.user_id and self.user.is_service:
            raise ValidationError(
                {"role": "A service account cannot own a team. Make it an editor."}
            )
