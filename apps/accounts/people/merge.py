"""Merging two records of one person: every reference moves to the one that stays."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, InternalError, models, transaction
from pghistory.models import Event

from apps.accounts.actions import change_user, revoke_token, set_membership
from apps.accounts.models import (
    ApiToken,
    EmailAlias,
    Membership,
    PersonState,
    User,
)
from apps.accounts.people.contacts import locked_person
from apps.accounts.people.permissions import refuse_without_governance
from apps.accounts.roles import TeamRole
from apps.accounts.sign_in.sessions import end_sessions
from apps.common.errors import ConflictError, ForbiddenError
from apps.common.history.context import audit_context

# what belongs to an account and not to the person: credentials, secret addresses, own settings
KEPT_MODELS = frozenset(
    {
        "account.EmailAddress",
        "accounts.AccountEvent",
        "accounts.ApiToken",
        "accounts.Membership",
        "accounts.User_groups",
        "accounts.User_user_permissions",
        "admin.LogEntry",
        "alerts.CalendarFeed",
        "alerts.Preference",
        "mfa.Authenticator",
        "socialaccount.SocialAccount",
        "usersessions.UserSession",
    }
)


@dataclass(slots=True)
class PeopleMerge:
    """How many references of each model moved, and how many stayed with the merged record because
    the other one has an equal row or they would contradict each other."""

    survivor: User
    moved: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def merge_people(*, survivor: User, duplicate: User, by: User, at: datetime) -> PeopleMerge:
    """Move every reference from `duplicate` to `survivor`, and close the duplicate; its address
    becomes an alias. The history keeps both.

    Governance merges contacts; an account is merged by administrators only, and its API tokens,
    sessions and ways to sign in do not move.
    """
    if survivor.pk == duplicate.pk:
        raise ConflictError("A person cannot be merged with itself. Choose another person.")
    # in the order of IDs, so that two merges do not wait for each other
    rows = {row.pk: row for row in map(locked_person, sorted((survivor, duplicate), key=_key))}
    survivor, duplicate = rows[survivor.pk], rows[duplicate.pk]
    _refuse(survivor, duplicate, by)
    merge = PeopleMerge(survivor)
    address = duplicate.email
    with audit_context(user=by, reason="duplicate merged"):
        _move_memberships(survivor, duplicate, by)
        for token in ApiToken.objects.filter(user=duplicate, revoked_at=None):
            revoke_token(token=token, at=at, by=by)
        _close(duplicate, survivor, by)
        for model, column in _references():
            _move_rows(merge, model, column, duplicate)
        if address:
            EmailAlias.objects.create(user=survivor, email=address.lower())
    survivor.refresh_from_db()
    survivor.forget_team_roles()
    return merge


def _key(person: User) -> int:
    return person.pk


def _refuse(survivor: User, duplicate: User, by: User) -> None:
    if survivor.state == PersonState.CLOSED:
        raise ConflictError(f"{survivor} is closed. Merge into an open person instead.")
    has_account = not duplicate.is_contact and (
        duplicate.state != PersonState.CLOSED or duplicate.last_login is not None
    )
    if not has_account:
        refuse_without_governance(by, "merge persons")
        return
    if survivor.is_contact:
        raise ConflictError(
            f"{duplicate} has an account and {survivor} does not. Merge {survivor} into "
            f"{duplicate} instead."
        )
    if not by.is_administrator or (duplicate.is_superuser and not by.is_superuser):
        raise ForbiddenError(
            "You need the administrator role to merge an account. Only a superuser can merge a "
            "superuser."
        )


def _move_memberships(survivor: User, duplicate: User, by: User) -> None:
    """Give the survivor the stronger role on each team."""
    roles = dict(Membership.objects.filter(user=survivor).values_list("team_id", "role"))
    for membership in Membership.objects.filter(user=duplicate).select_related("team"):
        if membership.role > roles.get(membership.team_id, 0) and not survivor.is_contact:
            set_membership(
                user=survivor, team=membership.team, role=TeamRole(membership.role), by=by
            )
        membership.delete()


def _close(duplicate: User, survivor: User, by: User) -> None:
    if duplicate.is_active:
        change_user(person=duplicate, facts={"is_active": False}, by=by)
        end_sessions(duplicate)
    duplicate.state = PersonState.CLOSED
    duplicate.email = ""
    duplicate.merged_into = survivor
    duplicate.mail_confirmed_at = None
    duplicate.save()


def _references() -> list[tuple[type[models.Model], str]]:
    """Return (model, field) of everything that refers to persons and moves with them."""
    references = []
    for relation in User._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete or relation.many_to_many:
            continue
        # versions in the history stay as they were written
        model: Any = relation.related_model
        if issubclass(model, Event) or model._meta.app_label == "pghistory":
            continue
        if model._meta.label not in KEPT_MODELS:
            references.append((model, relation.field.name))  # type: ignore[union-attr]
    return references


def _move_rows(merge: PeopleMerge, model: type[models.Model], column: str, duplicate: User) -> None:
    rows = model._base_manager.filter(**{column: duplicate.pk})
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return
    label = model._meta.label
    if _moves(rows, column, merge.survivor):
        merge.moved[label] = merge.moved.get(label, 0) + len(ids)
        return
    for pk in ids:
        moves = _moves(model._base_manager.filter(pk=pk), column, merge.survivor)
        counts = merge.moved if moves else merge.kept
        counts[label] = counts.get(label, 0) + 1


def _moves(rows: Any, column: str, survivor: User) -> bool:
    """Move the rows; False, and none moved, where the database refuses one."""
    try:
        with transaction.atomic():
            rows.update(**{column: survivor.pk})
    except (IntegrityError, InternalError):
        return False
    return True
