"""Changes to users, teams and tokens.

If `by` is None, the operator acts on the command line; the command sets the audit context
(`audit_context(job="manage.py team")`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, QuerySet, RestrictedError
from django.utils.text import slugify

from apps.accounts.api_tokens.secrets import digest_of, new_secret, new_token
from apps.accounts.models import ApiToken, Membership, PersonState, Team, User
from apps.accounts.roles import OrganisationRole, Scope, TeamRole, stronger_organisation_role
from apps.accounts.sign_in.email_change import record_email_change
from apps.common.errors import ConflictError, ForbiddenError
from apps.common.history.context import audit_context
from apps.common.validators import validate_time_zone

DEFAULT_TOKEN_LIFETIME = timedelta(days=90)
MAX_TOKEN_LIFETIME = timedelta(days=732)
# long enough to replace the secret in all clients, short enough not to be forgotten
MAX_ROTATION_OVERLAP = timedelta(days=30)


class AccountChangeError(ConflictError):
    """A rejected change of users, service accounts, teams or tokens; the text is a sentence for the
    user."""


class SameNameError(ValidationError):
    """The team has the name of a sibling; contains the field, like every ValidationError."""


@transaction.atomic
def issue_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[Scope | str],
    at: datetime,
    by: User | None,
    lifetime: timedelta = DEFAULT_TOKEN_LIFETIME,
    team: Team | None = None,
    per_minute: int | None = None,
) -> tuple[ApiToken, str]:
    """Create a token and return it with its text, which cannot be read again. `by` is None for the
    operator's command line.

    `team` binds it to that team and those below; rejected if the user has no role there. Only
    administrators create tokens with the scope `scim`, which give and end access.
    """
    if Scope.SCIM in scopes:
        _check_provisioning_token(user=user, scopes=scopes, team=team, by=by)
    if team is not None and not user.bound_to(team).team_roles():
        raise AccountChangeError(
            f"{user} does not have a role on {team} or a team below it, so an API token bound "
            "to it would have no access. Assign a role first."
        )
    prefix, text = new_token()
    with audit_context(
        user=by, job="" if by else "manage.py token", reason=f"token for {user.username}"
    ):
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            digest=digest_of(text),
            # in the order of Scope, without duplicates
            scopes=[scope.value for scope in Scope if scope in set(scopes)],
            team=team,
            per_minute=per_minute,
            expires_at=at + lifetime,
        )
    return token, text


def _check_provisioning_token(
    *, user: User, scopes: Sequence[Scope | str], team: Team | None, by: User | None
) -> None:
    """Raise unless `by` may create this token, and it does nothing but provision."""
    if by is not None and not by.is_administrator:
        raise ForbiddenError(
            "You need the administrator role to create an API token with the scope scim, because "
            "it gives and ends access."
        )
    if set(scopes) != {Scope.SCIM} or team is not None:
        raise AccountChangeError(
            "An API token with the scope scim cannot have other scopes or be limited to a team. "
            "Create an API token of its own.",
            field="scopes",
        )
    if not can_provision(user):
        raise AccountChangeError(
            "An API token with the scope scim belongs to an administrator, or to a service account "
            "of the organisation. Choose one of these.",
            field="scopes",
        )


def can_provision(user: User) -> bool:
    """Return whether a token of `user` with the scope `scim` counts: of an administrator, or of a
    service account that belongs to no team."""
    if user.is_service:
        return user.is_active and user.service_team_id is None
    return user.is_administrator


@transaction.atomic
def rotate_token(
    *,
    token: ApiToken,
    at: datetime,
    by: User,
    old_until: datetime | None = None,
    lifetime: timedelta | None = None,
) -> tuple[ApiToken, str]:
    """Create a new secret for the same token and return the token and its text.

    The previous secret is valid until `old_until`, or not at all without it; one from before that
    expires now. `lifetime` counts from `at`; without it the expiry is unchanged. The caller has
    checked that `by` manages the service account; a user's token is rotated by that user only,
    because the new secret acts in their name.
    """
    current = (
        ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
    )
    if current.user_id != by.pk and not current.user.is_service:
        raise AccountChangeError(
            f"Only {current.user} can rotate this API token, because the new secret gives "
            "access to their data. Revoke the token instead."
        )
    if Scope.SCIM in current.scopes and not by.is_administrator:
        raise ForbiddenError(
            "You need the administrator role to rotate an API token with the scope scim, because "
            "it gives and ends access."
        )
    if not current.is_good_at(at):
        raise AccountChangeError("This API token has expired or was revoked. Create a new one.")
    if old_until is not None and not at <= old_until <= at + MAX_ROTATION_OVERLAP:
        raise AccountChangeError(
            f"The previous secret can remain valid for at most {MAX_ROTATION_OVERLAP.days} "
            "days, and its expiry must be in the future. Enter another time."
        )
    text = new_secret(current.prefix)
    overlaps = old_until is not None and old_until > at
    current.old_digest, current.old_until = (
        (current.digest, old_until) if overlaps else (None, None)
    )
    # the last use of the current secret becomes that of the old secret
    current.old_last_used_at, current.last_used_at = (
        (current.last_used_at if overlaps else None),
        None,
    )
    current.digest = digest_of(text)
    if lifetime is not None:
        current.expires_at = at + lifetime
    with audit_context(user=by, reason="token rotated"):
        current.save(
            update_fields=[
                "digest",
                "old_digest",
                "old_until",
                "old_last_used_at",
                "last_used_at",
                "expires_at",
            ]
        )
    return current, text


@transaction.atomic
def revoke_token(*, token: ApiToken, at: datetime, by: User) -> bool:
    """Revoke the token with both of its secrets; return False if it was no longer valid."""
    with audit_context(user=by, reason="token revoked"):
        n_revoked = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(
            revoked_at=at
        )
    return bool(n_revoked)


@transaction.atomic
def set_membership(*, user: User, team: Team, role: TeamRole, by: User | None) -> Membership:
    """Assign the user this role on the team, replacing a role assigned manually before. A role from
    single sign-on remains as well, and the stronger one applies."""
    if user.is_service and role is TeamRole.OWNER:
        raise AccountChangeError(
            "A service account cannot own a team: owners are notified of alerts and assign "
            "roles. Make it an editor."
        )
    with audit_context(user=by, reason=f"{role.word} of {team.name}"):
        membership, is_new = Membership.objects.select_for_update().get_or_create(
            user=user, team=team, defaults={"role": role.rank}
        )
        if not is_new:
            by_sign_on = membership.sso_role
            membership.manual_role = None if by_sign_on is None else role.rank
            membership.role = max(role.rank, by_sign_on or 0)
            membership.save(update_fields=["role", "manual_role"])
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, by: User | None) -> None:
    """Remove the manually assigned role. Rejected if only single sign-on gives the role."""
    locked_membership = Membership.objects.select_for_update().get(pk=membership.pk)
    if locked_membership.sso_role is not None and locked_membership.manual_role is None:
        raise AccountChangeError(
            "This role comes from a group of the identity provider. Remove the user from "
            "that group there."
        )
    with audit_context(user=by, reason="membership ended"):
        if locked_membership.sso_role is None:
            locked_membership.delete()
        else:
            locked_membership.role, locked_membership.manual_role = locked_membership.sso_role, None
            locked_membership.save(update_fields=["role", "manual_role"])


TEAM_FIELDS = ("name", "parent", "email", "time_zone", "digest_hour")
USER_FIELDS = ("first_name", "last_name", "email", "organisation_role", "is_active")
_IS_ADMINISTRATOR = Q(is_superuser=True) | Q(organisation_role=OrganisationRole.ADMIN)


@transaction.atomic
def add_team(*, facts: Mapping[str, Any], by: User | None, slug: str = "") -> Team:
    """Add a team with this slug, or with one derived from its name. Raises ValidationError, which
    contains the fields, and SameNameError."""
    _lock_teams()
    team = Team(**facts)
    team.slug = slug or _find_free_slug(team.name)
    _refuse_same_name(team)
    _check_team(team)
    with audit_context(user=by, reason="team added"):
        team.save()
    return team


@transaction.atomic
def change_team(*, team: Team, facts: Mapping[str, Any], by: User | None) -> Team:
    """Change the team except its slug, which is part of URLs. Raises ValidationError and
    SameNameError."""
    before = locked_team(team)
    for name, value in facts.items():
        setattr(team, name, value)
    if (team.name, team.parent_id) != (before.name, before.parent_id):
        _refuse_same_name(team)
    _check_team(team)
    with audit_context(user=by, reason="team changed"):
        team.save()
    return team


def locked_team(team: Team) -> Team:
    """Return the current team; other changes of any team wait until the transaction ends.

    All teams are locked, because two teams that are concurrently put below each other would form a
    cycle.
    """
    _lock_teams()
    return Team.objects.get(pk=team.pk)


def teams_by_name(name: str) -> QuerySet[Team]:
    """Return the teams of this name, ignoring case."""
    return Team.objects.filter(name__iexact=name.strip())


def _lock_teams() -> None:
    list(Team.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _refuse_same_name(team: Team) -> None:
    """Raise SameNameError if a sibling has this name; teams below different parents may have the
    same name."""
    sibling = teams_by_name(team.name).filter(parent=team.parent_id).exclude(pk=team.pk).first()
    if sibling is not None:
        raise SameNameError(
            {
                "name": (
                    f"{sibling.parent.name} already has a team named {sibling.name} "
                    f"({sibling.slug}). Choose another name."
                    if sibling.parent
                    else f"A top-level team named {sibling.name} already exists ({sibling.slug}). "
                    "Choose another name."
                )
            }
        )


@transaction.atomic
def remove_team(*, team: Team, by: User | None) -> None:
    """Delete a team that owns nothing, with its memberships."""
    try:
        with audit_context(user=by, reason="team removed"), transaction.atomic():
            team.delete()
    except (ProtectedError, RestrictedError, IntegrityError) as error:
        raise AccountChangeError(
            f"{team.name} still owns applications, service accounts or sub-teams. Assign "
            "those to another team first."
        ) from error


@transaction.atomic
def add_user(*, facts: Mapping[str, Any], by: User | None) -> User:
    """Add a user, who can sign in after setting a password with the link of an invitation. A
    contact with that address becomes the user. Raises ValidationError."""
    contact = (
        User.objects.contact_with(facts.get("email") or "").select_for_update(of=("self",)).first()
    )
    person = contact or User()
    person.is_active, person.state = True, PersonState.INVITED
    for name, value in facts.items():
        # a contact keeps its name where none is given
        if value or contact is None:
            setattr(person, name, value)
    person.set_unusable_password()
    person.full_clean(exclude=["password"])
    with audit_context(user=by, reason="user added"):
        person.save()
    return person


@transaction.atomic
def change_user(
    *,
    person: User,
    facts: Mapping[str, Any],
    by: User | None,
    request: Any = None,
    reason: str = "user changed",
) -> User:
    """Change a user. Rejected if no administrator would remain, or if `by` changes a superuser
    without being one. A changed email address is recorded as coming from `request`, and the old
    address is informed."""
    old_email = User.objects.values_list("email", flat=True).get(pk=person.pk)
    if person.is_superuser and by is not None and not by.is_superuser:
        raise AccountChangeError(
            "Only a superuser can change a superuser. Ask a superuser to make this change."
        )
    was_administrator = is_active_administrator(person)
    for name, value in facts.items():
        setattr(person, name, value)
    if "organisation_role" in facts and person.sso_organisation_role:
        person.manual_organisation_role = facts["organisation_role"]
        person.organisation_role = stronger_organisation_role(
            person.manual_organisation_role, person.sso_organisation_role
        )
    person.full_clean(exclude=["password"])
    with audit_context(user=by, reason=reason):
        person.save()
    if was_administrator:
        require_administrator()
    if person.email != old_email:
        record_email_change(user=person, previous_address=old_email, by=by, request=request)
    return person


def is_active_administrator(person: User) -> bool:
    """Return whether the person is one of the administrators who can sign in, as stored."""
    return User.objects.filter(_IS_ADMINISTRATOR, pk=person.pk, is_active=True).exists()


def require_administrator() -> None:
    """Raise AccountChangeError unless an active administrator remains. Locks all of them: two who
    concurrently remove each other's role must not both succeed."""
    administrators = User.objects.select_for_update().filter(is_active=True).order_by("pk")
    if not administrators.filter(_IS_ADMINISTRATOR).exists():
        raise AccountChangeError(
            "At least one administrator is required. Assign the role to another user first."
        )


def _check_team(team: Team) -> None:
    team.full_clean()
    try:
        validate_time_zone(team.time_zone)
    except ValidationError as error:
        raise ValidationError({"time_zone": error}) from None


def _find_free_slug(name: str) -> str:
    stem = slugify(name)[:70] or "team"
    existing_slugs = set(Team.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(
        slug for n in count(1) if (slug := stem if n == 1 else f"{stem}-{n}") not in existing_slugs
    )


OWN_FIELDS = ("first_name", "last_name", "time_zone", "digest_hour")


@transaction.atomic
def change_own_account(*, user: User, facts: Mapping[str, Any]) -> User:
    """Change the fields that every user can change of their own account. Raises ValidationError."""
    for name in OWN_FIELDS:
        setattr(user, name, facts[name])
    user.full_clean(exclude=["password"])
    with audit_context(user=user, reason="own profile changed"):
        user.save(update_fields=OWN_FIELDS)
    return user
