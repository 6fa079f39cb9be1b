"""Writes of single sign-on: roles derived from groups at each sign-in, and linked accounts."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Membership, PersonState, Team, User
from apps.accounts.roles import stronger_organisation_role
from apps.accounts.single_sign_on.rules import Grant, roles_of_groups
from apps.common.history.context import audit_context

JOB = "sign-on"


@transaction.atomic
def apply_groups(
    *, user: User, groups: Iterable[str], rules: Iterable[Grant], by: User | None = None
) -> bool:
    """Assign `user` the roles of `groups` and remove those given by earlier groups; return whether
    anything changed.

    Manually assigned roles are unchanged, and the stronger of both applies. Unknown teams are
    skipped. `by` is the account of the API token if the groups come by SCIM; otherwise they come
    with a sign-in.
    """
    group_names = sorted(set(groups))
    roles = roles_of_groups(rules, group_names)
    row = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    teams = {
        team.pk: roles.roles[team.slug].rank for team in Team.objects.filter(slug__in=roles.roles)
    }
    origin = "single sign-on groups" if by is None else "SCIM groups"
    with audit_context(
        user=by,
        job="" if by else JOB,
        reason=f"{origin}: {', '.join(group_names)[:400] or 'none'}",
    ):
        has_changed = _set_organisation_role(row, roles.organisation_role)
        for membership in row.memberships.select_for_update().order_by("pk"):
            has_changed |= _set_team_role(membership, teams.pop(membership.team_id, None))
        for team_id, rank in teams.items():
            Membership.objects.create(user=row, team_id=team_id, role=rank, sso_role=rank)
            has_changed = True
    if has_changed:
        user.refresh_from_db()
        user.forget_team_roles()
    return has_changed


def _set_organisation_role(user: User, organisation_role: str) -> bool:
    if organisation_role == user.sso_organisation_role:
        return False
    manual_role = (
        user.manual_organisation_role if user.sso_organisation_role else user.organisation_role
    )
    user.sso_organisation_role = organisation_role
    user.manual_organisation_role = manual_role if organisation_role else ""
    user.organisation_role = stronger_organisation_role(manual_role, organisation_role)
    user.save(
        update_fields=["sso_organisation_role", "manual_organisation_role", "organisation_role"]
    )
    return True


def _set_team_role(membership: Membership, rank: int | None) -> bool:
    before = membership.sso_role
    if rank == before:
        return False
    manual_role = membership.role if before is None else membership.manual_role
    if rank is None and manual_role is None:
        membership.delete()
        return True
    membership.sso_role = rank
    membership.manual_role = None if rank is None else manual_role
    membership.role = max(rank or 0, manual_role or 0)
    membership.save(update_fields=["sso_role", "manual_role", "role"])
    return True


def user_by_verified_email(address: str) -> User | None:
    """Return the account that a verified email address can be linked to: an active account without
    technical rights whose address was set by another user. Users who enter another person's address
    in their own account must not be linked to that person's sign-in."""
    user = (
        User.objects.people()
        .filter(email__iexact=address, is_active=True, is_superuser=False, is_staff=False)
        .first()
    )
    return None if user is None or has_set_own_email(user) else user


def provisioned_user(*, account: Any, address: str) -> User | None:
    """Return the active person whom SCIM has made for the subject of a sign-in: with the external
    ID that the provider calls the subject, or with this verified address; without technical rights.

    `account` is the account of the sign-in with its claims. By SAML the NameID may also be the
    userName.
    """
    claims = account.extra_data
    ids = {str(claims[name]) for name in ("sub", "oid") if claims.get(name)}
    people = User.objects.people().filter(
        provisioning__removed_at=None, is_active=True, is_superuser=False, is_staff=False
    )
    condition = Q(provisioning__external_id__in=ids)
    if account.provider == "saml" and claims.get("sub"):
        condition |= Q(provisioning__user_name__iexact=claims["sub"])
    if address:
        condition |= Q(provisioning__isnull=False, email__iexact=address)
    found = list(people.filter(condition)[:2])
    # two people would be a contradiction of the provider
    return found[0] if len(found) == 1 and not has_set_own_email(found[0]) else None


@transaction.atomic
def activate_contact(person: User) -> User:
    """Activate the account of a contact who signs in by single sign-on with a verified address."""
    row = User.objects.contacts().select_for_update(of=("self",)).get(pk=person.pk)
    row.is_active, row.state = True, PersonState.ACTIVE
    row.save(update_fields=["is_active", "state"])
    return row


def has_set_own_email(person: User) -> bool:
    """Return whether the person has entered the present address in the own account."""
    entries = person.history.order_by("-pgh_id").values_list("email", "pgh_context__metadata")  # type: ignore[attr-defined]
    first_with_it: dict[str, object] = {}
    for email, metadata in entries:
        if email.lower() != person.email.lower():
            break
        first_with_it = metadata or {}
    return first_with_it.get("user") == person.pk


def free_username(preferred: str) -> str:
    """Return the requested username, with a number appended if it is taken."""
    stem = (
        "".join(letter for letter in preferred if letter.isalnum() or letter in "@.+-_")[:140]
        or "person"
    )
    existing_names = set(
        User.objects.filter(username__istartswith=stem).values_list("username", flat=True)
    )
    lowercase_names = {name.lower() for name in existing_names}
    if stem.lower() not in lowercase_names:
        return stem
    n = 2
    while f"{stem}-{n}".lower() in lowercase_names:
        n += 1
    return f"{stem}-{n}"
