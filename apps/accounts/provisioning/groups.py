"""Groups as the identity provider writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import ProvisionedGroup, ProvisionedMember, User
from apps.accounts.models.provisioning import MAX_NAME_LENGTH
from apps.accounts.provisioning.errors import ScimError, ScimType, invalid, not_unique
from apps.accounts.provisioning.filters import Comparison, Filter
from apps.accounts.provisioning.group_roles import has_rule, update_roles
from apps.accounts.provisioning.patches import (
    Operation,
    lower_names,
    objects_of,
    read_operations,
)
from apps.accounts.provisioning.queries import is_id
from apps.accounts.provisioning.resources import provisionable_users
from apps.accounts.provisioning.users import take_over
from apps.common.history.context import audit_context
from apps.common.time import now


@transaction.atomic
def create_group(body: Mapping[str, Any], *, by: User) -> ProvisionedGroup:
    """Create a group with its members. Raises ScimError."""
    attributes = lower_names(body)
    group = ProvisionedGroup()
    _set_names(group, attributes.get("displayname"), attributes.get("externalid"))
    _save(group, by=by, reason="SCIM: group created")
    _set_members(group, _member_ids(attributes.get("members")), by=by)
    return group


@transaction.atomic
def replace_group(
    group: ProvisionedGroup, body: Mapping[str, Any], *, by: User
) -> ProvisionedGroup:
    """Change a group to what a PUT says. Members stay if the body says nothing of them: Okta sends
    them, and others only the name."""
    attributes, row = lower_names(body), _locked(group)
    had_rule, names = has_rule(row), (row.display_name, row.external_id)
    _set_names(row, attributes.get("displayname"), attributes.get("externalid"))
    _save(row, by=by, reason="SCIM: group changed")
    if "members" in attributes:
        _set_members(row, _member_ids(attributes["members"]), by=by)
    if names != (row.display_name, row.external_id):
        _update_all_roles(row, had_rule=had_rule, by=by)
    return row


@transaction.atomic
def patch_group(group: ProvisionedGroup, body: Mapping[str, Any], *, by: User) -> ProvisionedGroup:
    """Carry out the operations of a PATCH: all of them, or with a ScimError none. Members are
    written as named, without reading the others: a group can have tens of thousands."""
    row = _locked(group)
    had_rule, names = has_rule(row), (row.display_name, row.external_id)
    for operation in read_operations(body):
        match operation.attribute:
            case "members":
                _patch_members(row, operation, by=by)
            case "displayname":
                _set_names(row, operation.value, row.external_id)
            case "externalid":
                value = "" if operation.action == "remove" else operation.value
                _set_names(row, row.display_name, value)
            case _:
                raise invalid(
                    f"“{operation.attribute[:60]}” is not an attribute of groups here.",
                    ScimType.INVALID_PATH,
                )
    if names != (row.display_name, row.external_id):
        _save(row, by=by, reason="SCIM: group changed")
        _update_all_roles(row, had_rule=had_rule, by=by)
    return row


@transaction.atomic
def delete_group(group: ProvisionedGroup, *, by: User) -> None:
    """Delete the group, and with it the roles that it gave."""
    row = _locked(group)
    members = list(User.objects.filter(provisioned_groups__group=row)) if has_rule(row) else []
    with audit_context(user=by, reason=f"SCIM: group {row.display_name[:200]} deleted"):
        row.delete()
    for user in members:
        update_roles(user, by=by)


def _patch_members(group: ProvisionedGroup, operation: Operation, *, by: User) -> None:
    if operation.action == "remove":
        if operation.condition is not None:
            _remove_members(group, _ids_of_condition(operation.condition), by=by)
        elif operation.value in (None, "", []):
            _set_members(group, set(), by=by)
        else:
            # not of the RFC: Entra ID names the members in the value
            _remove_members(group, _member_ids(operation.value), by=by)
    elif operation.condition is not None or operation.sub_attribute:
        raise invalid("Members can be added and removed, not changed.", ScimType.MUTABILITY)
    elif operation.action == "add":
        _add_members(group, _member_ids(operation.value), by=by)
    else:
        _set_members(group, _member_ids(operation.value), by=by)


def _ids_of_condition(condition: Filter) -> set[int]:
    match condition:
        case Comparison("value", "eq", str(text)):
            return {int(text)} if is_id(text) else set()
    raise invalid('Members are selected by members[value eq "ID"].', ScimType.INVALID_PATH)


def _member_ids(value: Any) -> set[int]:
    ids = set()
    for member in objects_of(value):
        text = str(member.get("value") or "")
        if not is_id(text):
            raise invalid(f"There is no user with the ID “{text[:40]}”.")
        ids.add(int(text))
    return ids


def _set_members(group: ProvisionedGroup, ids: set[int], *, by: User) -> None:
    current = set(ProvisionedMember.objects.filter(group=group).values_list("user", flat=True))
    _remove_members(group, current - ids, by=by)
    _add_members(group, ids - current, by=by)


def _add_members(group: ProvisionedGroup, ids: Iterable[int], *, by: User) -> None:
    wanted = set(ids)
    current = ProvisionedMember.objects.filter(group=group, user__in=wanted)
    new = wanted - set(current.values_list("user", flat=True))
    if not new:
        return
    users = list(provisionable_users().filter(pk__in=new).order_by("pk"))
    missing = sorted(new - {user.pk for user in users})
    if missing:
        raise invalid(f"There is no user with the ID “{missing[0]}”.")
    for user in users:
        take_over(user, by=by)
    with audit_context(user=by, reason=f"SCIM: members of {group.display_name[:200]} added"):
        ProvisionedMember.objects.bulk_create(
            [ProvisionedMember(group=group, user=user) for user in users], ignore_conflicts=True
        )
    _finish(group, users, by=by)


def _remove_members(group: ProvisionedGroup, ids: Iterable[int], *, by: User) -> None:
    rows = ProvisionedMember.objects.filter(group=group, user__in=set(ids))
    users = list(User.objects.filter(provisioned_groups__in=rows).order_by("pk"))
    if not users:
        return
    with audit_context(user=by, reason=f"SCIM: members of {group.display_name[:200]} removed"):
        rows.delete()
    _finish(group, users, by=by)


def _finish(group: ProvisionedGroup, users: Iterable[User], *, by: User) -> None:
    with audit_context(user=by, reason="SCIM: members changed"):
        ProvisionedGroup.objects.filter(pk=group.pk).update(updated_at=now())
    if has_rule(group):
        for user in users:
            update_roles(user, by=by)


def _update_all_roles(group: ProvisionedGroup, *, had_rule: bool, by: User) -> None:
    """Apply the rules to all members after the name of the group has changed."""
    if had_rule or has_rule(group):
        for user in User.objects.filter(provisioned_groups__group=group).order_by("pk"):
            update_roles(user, by=by)


def _set_names(group: ProvisionedGroup, name: Any, external_id: Any) -> None:
    for label, value in (("displayName", name), ("externalId", external_id)):
        if value is not None and (not isinstance(value, str) or len(value) > MAX_NAME_LENGTH):
            raise invalid(f"“{label}” must be a text of at most {MAX_NAME_LENGTH} characters.")
    if not name or not name.strip():
        raise invalid("A group needs a displayName.")
    group.display_name = name
    if external_id is not None:
        group.external_id = external_id


def _save(group: ProvisionedGroup, *, by: User, reason: str) -> None:
    try:
        with transaction.atomic(), audit_context(user=by, reason=reason):
            group.save()
    except IntegrityError as error:
        raise not_unique("Another group has this displayName or externalId.") from error


def _locked(group: ProvisionedGroup) -> ProvisionedGroup:
    row = ProvisionedGroup.objects.select_for_update().filter(pk=group.pk).first()
    if row is None:
        raise ScimError(404, "There is no group with this ID.")
    return row
