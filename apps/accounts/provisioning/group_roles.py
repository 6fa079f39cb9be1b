"""Roles that follow from groups of SCIM.

As soon as the identity provider sends groups by SCIM, they decide for the people it provisions, and
the groups of their sign-ins are not read any more: two sources of the same roles would take turns.
"""

from collections.abc import Iterable

from django.conf import settings

from apps.accounts.actions import is_active_administrator, require_administrator
from apps.accounts.models import ProvisionedGroup, ProvisionedMember, ProvisionedUser, User
from apps.accounts.single_sign_on.actions import apply_groups
from apps.accounts.single_sign_on.rules import Grant


def has_groups_by_scim(user: User) -> bool:
    """Return whether the groups of SCIM decide on the roles of this person."""
    is_provisioned = ProvisionedUser.objects.filter(user=user.pk, removed_at=None).exists()
    return is_provisioned and ProvisionedGroup.objects.exists()


def group_names(user: User) -> set[str]:
    """Return what rules can call the groups of the person: their names and external IDs. Entra ID
    names groups by ID in its sign-ins, so rules may contain either."""
    rows = ProvisionedMember.objects.filter(user=user.pk)
    pairs = rows.values_list("group__display_name", "group__external_id")
    return {name for pair in pairs for name in pair if name}


def update_roles(user: User, *, by: User | None) -> bool:
    """Give the person the roles of the groups of SCIM; return whether anything changed. Raises
    AccountChangeError if no administrator would remain."""
    was_administrator = is_active_administrator(user)
    has_changed = apply_groups(
        user=user, groups=group_names(user), rules=settings.GROUP_RULES, by=by
    )
    if has_changed and was_administrator:
        require_administrator()
    return has_changed


def apply_sign_in_groups(*, user: User, groups: Iterable[str], rules: Iterable[Grant]) -> bool:
    """Give the person the roles of a sign-in: of its groups, unless groups of SCIM decide."""
    if has_groups_by_scim(user):
        return apply_groups(user=user, groups=group_names(user), rules=settings.GROUP_RULES)
    return apply_groups(user=user, groups=groups, rules=rules)


def has_rule(group: ProvisionedGroup) -> bool:
    names = {group.display_name, group.external_id} - {""}
    return any(rule.group in names for rule in settings.GROUP_RULES)
