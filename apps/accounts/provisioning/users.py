"""Users as the identity provider writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.accounts.actions import add_user, change_user, revoke_token
from apps.accounts.events.log import record_event
from apps.accounts.models import (
    AccountEventKind,
    ApiToken,
    PersonState,
    ProvisionedMember,
    ProvisionedUser,
    User,
)
from apps.accounts.models.provisioning import MAX_NAME_LENGTH
from apps.accounts.people.addresses import split_name
from apps.accounts.people.queries import person_by_address
from apps.accounts.provisioning.errors import ScimError, ScimType, invalid, not_unique
from apps.accounts.provisioning.group_roles import update_roles
from apps.accounts.provisioning.patches import (
    apply_operation,
    lower_names,
    objects_of,
    read_operations,
)
from apps.accounts.provisioning.resources import (
    named_users,
    provisionable_users,
    provisioned_name,
)
from apps.accounts.provisioning.schemas import IGNORED_ATTRIBUTES
from apps.accounts.sign_in.sessions import end_sessions
from apps.accounts.single_sign_on.actions import free_username, has_set_own_email
from apps.common.history.context import audit_context

_STORED = frozenset({"username", "externalid", "displayname", "name", "emails", "active"})
_NAME_PARTS = frozenset({"givenname", "familyname"})
_IGNORED_NAME_PARTS = frozenset({"formatted", "middlename", "honorificprefix", "honorificsuffix"})
_BOOLEANS = {"true": True, "false": False}
_MAX_PART_LENGTH = 150
_MAX_TYPE_LENGTH = 20


@dataclass(frozen=True, slots=True)
class UserFacts:
    """The stored attributes of a user."""

    user_name: str
    external_id: str = ""
    display_name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    email_type: str = "work"
    active: bool = True


def read_user(body: Mapping[str, Any]) -> UserFacts:
    """Return what a POST or PUT says of a user. Raises ScimError."""
    return _facts_of(
        {name: value for name, value in lower_names(body).items() if name in _STORED},
        default_active=True,
    )


def _facts_of(attributes: Mapping[str, Any], *, default_active: bool) -> UserFacts:
    user_name = _text(attributes.get("username"), "userName").strip()
    if not user_name:
        raise invalid("A user needs a userName.")
    name = attributes.get("name")
    parts = lower_names(name) if isinstance(name, Mapping) else {}
    email = _choose_email(objects_of(attributes.get("emails")))
    address = _text(email.get("value"), "emails.value").strip().lower()
    if not address and _is_address(user_name):
        # Entra ID sends no address of users without a mailbox, and their name has its form
        address = user_name.lower()
    if address and not _is_address(address):
        raise invalid(f"“{address[:100]}” is not an email address.")
    active = attributes.get("active")
    return UserFacts(
        user_name=user_name,
        external_id=_text(attributes.get("externalid"), "externalId"),
        display_name=_text(attributes.get("displayname"), "displayName"),
        given_name=_text(parts.get("givenname"), "name.givenName", _MAX_PART_LENGTH),
        family_name=_text(parts.get("familyname"), "name.familyName", _MAX_PART_LENGTH),
        email=address,
        email_type=_text(email.get("type") or "work", "emails.type", _MAX_TYPE_LENGTH),
        active=default_active if active is None else _boolean(active, "active"),
    )


def _choose_email(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the primary address, otherwise that of work, otherwise the first."""
    candidates = [value for value in values if value.get("value")]
    primary = (value for value in candidates if str(value.get("primary")).lower() == "true")
    work = (value for value in candidates if value.get("type") == "work")
    return next(primary, None) or next(work, None) or next(iter(candidates), {})


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _text(value: Any, name: str, max_length: int = MAX_NAME_LENGTH) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"“{name}” must be a text.")
    if len(value) > max_length:
        raise invalid(f"“{name}” can have at most {max_length} characters.")
    return value


def _boolean(value: Any, name: str) -> bool:
    """Return a boolean; Entra ID sends the texts "True" and "False" where its option
    aadOptscim062020 is not set."""
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise invalid(f"“{name}” must be true or false.")
    return found


@transaction.atomic
def create_user(facts: UserFacts, *, by: User, at: datetime) -> User:
    """Create an account, or return one that SCIM has deleted before. A contact with the address
    becomes the user. Raises ScimError."""
    former = _find_former(facts)
    if former is not None:
        with audit_context(user=by, reason="SCIM: user created again"):
            ProvisionedUser.objects.filter(pk=former.pk).update(removed_at=None)
        return change_provisioned_user(_locked(former.user_id), facts, by=by, at=at)
    taken = ProvisionedUser.objects.filter(user_name__iexact=facts.user_name).exists()
    existing = person_by_address(facts.email) if facts.email else None
    if taken or provisionable_users().filter(named_users(facts.user_name)).exists():
        raise not_unique(f"The userName “{facts.user_name}” is taken.")
    if existing is not None and not existing.is_contact:
        raise not_unique(f"Another user has the email address {facts.email}.")
    first, last = _names_of(facts)
    with _Uniqueness():
        person = add_user(
            facts={
                "username": existing.username
                if existing is not None
                else free_username(facts.user_name.partition("@")[0]),
                "email": facts.email,
                "first_name": first,
                "last_name": last,
            },
            by=by,
        )
        _store(person, facts, by=by)
    if not facts.active:
        change_user(person=person, facts={"is_active": False}, by=by, reason="SCIM: deactivated")
    return person


def _find_former(facts: UserFacts) -> ProvisionedUser | None:
    rows = ProvisionedUser.objects.exclude(removed_at=None)
    found = rows.filter(user_name__iexact=facts.user_name).first()
    if found is None and facts.external_id:
        found = rows.filter(external_id=facts.external_id).first()
    return found


def replace_user(user: User, body: Mapping[str, Any], *, by: User, at: datetime) -> User:
    """Change a user to what a PUT says. Access stays as it is if the body says nothing of it."""
    attributes = {name: value for name, value in lower_names(body).items() if name in _STORED}
    facts = _facts_of(attributes, default_active=user.is_active)
    return change_provisioned_user(user, facts, by=by, at=at)


def patch_user(user: User, body: Mapping[str, Any], *, by: User, at: datetime) -> User:
    """Carry out the operations of a PATCH: all of them, or with a ScimError none."""
    attributes = _attributes_of(user)
    for operation in read_operations(body):
        if operation.attribute in IGNORED_ATTRIBUTES:
            continue
        if operation.attribute not in _STORED or (
            operation.attribute == "name"
            and operation.sub_attribute not in {"", *_NAME_PARTS, *_IGNORED_NAME_PARTS}
        ):
            raise invalid(
                f"“{operation.attribute[:60]}” is not an attribute of users here.",
                ScimType.INVALID_PATH,
            )
        apply_operation(operation, attributes, multi=operation.attribute == "emails")
    facts = _facts_of(attributes, default_active=user.is_active)
    return change_provisioned_user(user, facts, by=by, at=at)


def _attributes_of(user: User) -> dict[str, Any]:
    facts = current_facts(user)
    return {
        "username": facts.user_name,
        "externalid": facts.external_id,
        "displayname": facts.display_name,
        "name": {"givenname": facts.given_name, "familyname": facts.family_name},
        "emails": [{"value": facts.email, "type": facts.email_type, "primary": True}]
        if facts.email
        else [],
        "active": facts.active,
    }


def current_facts(user: User) -> UserFacts:
    facts = UserFacts(
        user_name=provisioned_name(user),
        given_name=user.first_name,
        family_name=user.last_name,
        email=user.email,
        active=user.is_active,
    )
    provisioning = getattr(user, "provisioning", None)
    if provisioning is None:
        return facts
    return replace(
        facts,
        external_id=provisioning.external_id,
        display_name=provisioning.display_name,
        email_type=provisioning.email_type,
    )


def change_provisioned_user(user: User, facts: UserFacts, *, by: User, at: datetime) -> User:
    """Change a user of `provisionable_users`, and take over an account that is not provisioned yet.
    Raises ScimError, and AccountChangeError for the last administrator."""
    row = _locked(user.pk)
    before = current_facts(row)
    if facts == before and hasattr(row, "provisioning"):
        return row
    take_over(row, by=by)
    first, last = facts.given_name, facts.family_name
    if not first and not last and facts.display_name != before.display_name:
        first, last = _names_of(facts)
    changed: dict[str, Any] = {
        name: value
        for name, value, current in (
            ("first_name", first, row.first_name),
            ("last_name", last, row.last_name),
            ("email", facts.email, row.email.lower()),
            ("is_active", facts.active, row.is_active),
        )
        if value != current
    }
    loses_access = row.is_active and not facts.active
    with transaction.atomic(), _Uniqueness():
        if changed:
            reason = (
                "SCIM: user deactivated"
                if loses_access
                else "SCIM: user reactivated"
                if changed.get("is_active")
                else "SCIM: user changed"
            )
            row = change_user(person=row, facts=changed, by=by, reason=reason)
        _store(row, facts, by=by)
        if loses_access:
            end_access(row, by=by, at=at)
    return row


def delete_user(user: User, *, by: User, at: datetime) -> None:
    """Deactivate the account, end its sessions and tokens, and take it out of all groups. What
    refers to the person stays, and is shown as without an active owner."""
    row = _locked(user.pk)
    with transaction.atomic():
        take_over(row, by=by)
        if row.is_active:
            row = change_user(
                person=row, facts={"is_active": False}, by=by, reason="SCIM: user deleted"
            )
        end_access(row, by=by, at=at)
        with audit_context(user=by, reason="SCIM: user deleted"):
            ProvisionedUser.objects.filter(user=row).update(removed_at=at)
            is_member = ProvisionedMember.objects.filter(user=row).delete()[0]
        if is_member:
            update_roles(row, by=by)


def end_access(user: User, *, by: User, at: datetime) -> None:
    """End the sessions of a deactivated user, and revoke the API tokens: a reactivated user starts
    without them. Calendars and feeds of inactive users answer nothing."""
    end_sessions(user)
    record_event(
        AccountEventKind.SESSIONS_ENDED,
        request=None,
        user=user,
        actor=by,
        detail="all, and API tokens revoked, by SCIM",
    )
    for token in ApiToken.objects.filter(user=user, revoked_at=None):
        revoke_token(token=token, at=at, by=by)


def take_over(user: User, *, by: User) -> ProvisionedUser:
    """Return the record of a provisioned account; an account that is not provisioned yet becomes
    so. Raises ScimError for accounts that SCIM may not change."""
    if user.is_superuser or user.is_staff:
        raise ScimError(
            403, f"{user.username} has technical rights, so only the operator changes this account."
        )
    provisioning: ProvisionedUser | None = getattr(user, "provisioning", None)
    if provisioning is not None:
        return provisioning
    if user.email and has_set_own_email(user):
        raise ScimError(
            409,
            f"{user.username} has entered this email address in the own account, so it does not "
            "prove who it is. An administrator must confirm the address first.",
        )
    with audit_context(user=by, reason="SCIM: account taken over"):
        provisioning = ProvisionedUser.objects.create(
            user=user, user_name=provisioned_name(user)[:MAX_NAME_LENGTH]
        )
    user.provisioning = provisioning
    return provisioning


def _store(user: User, facts: UserFacts, *, by: User) -> None:
    with audit_context(user=by, reason="SCIM: user changed"):
        ProvisionedUser.objects.update_or_create(
            user=user,
            defaults={
                "user_name": facts.user_name,
                "external_id": facts.external_id,
                "display_name": facts.display_name,
                "email_type": facts.email_type,
            },
        )
    user.refresh_from_db()


def _names_of(facts: UserFacts) -> tuple[str, str]:
    if facts.given_name or facts.family_name:
        return facts.given_name, facts.family_name
    return split_name(facts.display_name)


def _locked(pk: int) -> User:
    row = User.objects.people().select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None or row.merged_into_id is not None or row.state == PersonState.CONTACT:
        raise ScimError(404, "There is no user with this ID.")
    return row


class _Uniqueness:
    """Context that turns a violated uniqueness into its ScimError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, IntegrityError):
            raise not_unique(
                "Another user has this userName, externalId or email address."
            ) from error
        if isinstance(error, ValidationError):
            fields = error.message_dict if hasattr(error, "error_dict") else {}
            sentence = " ".join(error.messages)
            taken = "email" in fields or "username" in fields or "__all__" in fields
            raise (not_unique(sentence) if taken else invalid(sentence)) from error
