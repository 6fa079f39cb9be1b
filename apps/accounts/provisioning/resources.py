"""Users and groups as SCIM resources."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson
from django.conf import settings
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from apps.accounts.models import PersonState, ProvisionedGroup, ProvisionedMember, User
from apps.accounts.provisioning.errors import ScimError
from apps.accounts.provisioning.filters import attribute_name
from apps.accounts.provisioning.schemas import GROUP, MESSAGES, USER

PREFIX = "/scim/v2"
_ALWAYS = frozenset({"schemas", "id", "meta"})


def base_url() -> str:
    """Return the URL to enter at the identity provider, without a slash at its end."""
    return f"{settings.PUBLIC_URL}{PREFIX}"


def provisionable_users() -> QuerySet[User]:
    """Return people with an account, whether they are provisioned or not, as far as the identity
    provider has not deleted them; with `scim_name` and other lower-case columns for filters.

    People who are not provisioned are shown as well, so that the provider finds and takes over
    existing accounts: by their address, or by the username without one.
    """
    people = User.objects.with_account().filter(provisioning__removed_at=None)
    # what remains of erased contacts is nobody's account
    people = people.exclude(state=PersonState.CLOSED, username__startswith="erased-")
    own_name = Coalesce(NullIf("email", Value("")), "username", output_field=CharField())
    return people.select_related("provisioning").annotate(
        scim_name=Lower(Coalesce("provisioning__user_name", own_name, output_field=CharField())),
        scim_email=Lower("email"),
        scim_email_type=Coalesce("provisioning__email_type", Value("work")),
        scim_external_id=F("provisioning__external_id"),
    )


def named_users(name: str) -> Q:
    """Return the condition for the user of this name, in a form that indexes answer."""
    name = name.lower()
    unprovisioned = Q(provisioning=None)
    return (
        Q(provisioning__user_name__iexact=name)
        | (unprovisioned & Q(scim_email=name))
        | (unprovisioned & Q(email="", username__iexact=name))
    )


def provisioned_name(user: User) -> str:
    provisioning = getattr(user, "provisioning", None)
    return provisioning.user_name if provisioning else user.email or user.username


def user_resources(users: Sequence[User], *, with_groups: bool = True) -> list[dict[str, Any]]:
    """Return the resources of these users; one statement for all their groups."""
    groups: dict[int, list[dict[str, Any]]] = {}
    if with_groups and users:
        rows = ProvisionedMember.objects.filter(user__in=users).select_related("group")
        for row in rows.order_by("group__display_name"):
            groups.setdefault(row.user_id, []).append(
                {
                    "value": str(row.group_id),
                    "$ref": f"{base_url()}/Groups/{row.group_id}",
                    "display": row.group.display_name,
                    "type": "direct",
                }
            )
    return [_user_resource(user, groups.get(user.pk, [])) for user in users]


def _user_resource(user: User, groups: list[dict[str, Any]]) -> dict[str, Any]:
    provisioning = getattr(user, "provisioning", None)
    name = {
        "familyName": user.last_name,
        "givenName": user.first_name,
    }
    resource: dict[str, Any] = {
        "schemas": [USER],
        "id": str(user.pk),
        "externalId": provisioning.external_id if provisioning else "",
        "userName": provisioned_name(user),
        "name": {key: text for key, text in name.items() if text},
        "displayName": provisioning.display_name if provisioning else user.get_full_name(),
        "emails": [
            {
                "value": user.email,
                "type": provisioning.email_type if provisioning else "work",
            }
        ]
        if user.email
        else [],
        "active": user.is_active,
        "groups": groups,
    }
    created = provisioning.created_at if provisioning else user.date_joined
    changed = provisioning.updated_at if provisioning else user.date_joined
    return _finished(resource, "User", created, changed)


def group_resources(
    groups: Sequence[ProvisionedGroup], *, with_members: bool = True
) -> list[dict[str, Any]]:
    """Return the resources of these groups; one statement for all their members."""
    members: dict[int, list[dict[str, Any]]] = {}
    if with_members and groups:
        rows = ProvisionedMember.objects.filter(
            group__in=groups, user__provisioning__removed_at=None
        )
        for group_id, user_id in rows.order_by("pk").values_list("group_id", "user_id"):
            members.setdefault(group_id, []).append(
                {
                    "value": str(user_id),
                    "$ref": f"{base_url()}/Users/{user_id}",
                    "type": "User",
                }
            )
    return [
        _finished(
            {
                "schemas": [GROUP],
                "id": str(group.pk),
                "externalId": group.external_id,
                "displayName": group.display_name,
                "members": members.get(group.pk, []),
            },
            "Group",
            group.created_at,
            group.updated_at,
        )
        for group in groups
    ]


def _finished(resource: dict[str, Any], kind: str, created: Any, changed: Any) -> dict[str, Any]:
    """Return the resource without unassigned attributes (RFC 7643, section 2.5) and with its
    metadata. The version is a digest of the contents."""
    resource = {name: value for name, value in resource.items() if value not in ("", [], {}, None)}
    digest = blake2b(orjson.dumps(resource), digest_size=12).hexdigest()
    resource["meta"] = {
        "resourceType": kind,
        "created": created.isoformat(),
        "lastModified": changed.isoformat(),
        "location": f"{base_url()}/{kind}s/{resource['id']}",
        "version": f'W/"{digest}"',
    }
    return resource


def select_attributes(
    resource: Mapping[str, Any], *, included: Iterable[str], excluded: Iterable[str]
) -> dict[str, Any]:
    """Return the resource with the attributes that were asked for (RFC 7644, section 3.9)."""
    wanted, unwanted = _paths(included), _paths(excluded)
    selected: dict[str, Any] = {}
    for name, value in resource.items():
        key = name.lower()
        if name in _ALWAYS or (not wanted and not unwanted):
            selected[name] = value
        elif wanted:
            if key in wanted:
                parts = wanted[key]
                selected[name] = _parts(value, lambda part, parts=parts: not parts or part in parts)
        elif key not in unwanted:
            selected[name] = value
        elif unwanted[key]:
            parts = unwanted[key]
            selected[name] = _parts(value, lambda part, parts=parts: part not in parts)
    return selected


def _paths(names: Iterable[str]) -> dict[str, set[str]]:
    """Return {attribute: its parts}; without parts the whole attribute is meant."""
    paths: dict[str, set[str]] = {}
    for name in names:
        attribute, _, part = attribute_name(name.strip()).partition(".")
        if attribute:
            parts = paths.setdefault(attribute, set())
            if part:
                parts.add(part)
    return paths


def _parts(value: Any, keeps: Any) -> Any:
    if isinstance(value, list):
        return [_parts(each, keeps) for each in value]
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if keeps(name.lower())}
    return value


def list_response(resources: list[dict[str, Any]], *, total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [f"{MESSAGES}:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def error_body(error: ScimError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "schemas": [f"{MESSAGES}:Error"],
        "status": str(error.status),
        "detail": error.sentence,
    }
    if error.scim_type:
        body["scimType"] = error.scim_type.value
    return body
