"""manage.py user [USERNAME] [--email E] [--first-name F] [--last-name L] [--role R]
[--close|--open] [--invite] ..."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.accounts.actions import USER_FIELDS, add_user, change_user
from apps.accounts.management.rows import NONE, RowCommand, refusals
from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.accounts.sign_in.invitations import invitation_url, send_invitation
from apps.common.history.context import audit_context

JOB = "manage.py user"


class Command(RowCommand):
    help = (
        "Add or change a user and print it as JSON. Without USERNAME, list all users, one "
        "JSON object per line. Repeating the command changes nothing. Accounts are "
        "deactivated, not deleted, because the history names them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "username",
            metavar="USERNAME",
            nargs="?",
            help="name to sign in with; cannot be changed later",
        )
        parser.add_argument("--email", metavar="E", help="required for a new user")
        parser.add_argument("--first-name", metavar="F")
        parser.add_argument("--last-name", metavar="L")
        parser.add_argument(
            "--role",
            choices=[*OrganisationRole.values, NONE],
            help="organisation role; most users do not need one",
        )
        is_open = parser.add_mutually_exclusive_group()
        is_open.add_argument(
            "--close",
            dest="is_active",
            action="store_false",
            default=None,
            help="the user cannot sign in",
        )
        is_open.add_argument(
            "--open",
            dest="is_active",
            action="store_true",
            default=None,
            help="the user can sign in again",
        )
        parser.add_argument(
            "--invite",
            action="store_true",
            help="send an email with a link to set a password",
        )
        parser.add_argument(
            "--link",
            action="store_true",
            help="print that link; it signs in as this user, so keep it secret",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["role"]
        values = {**options, "organisation_role": "" if role == NONE else role}
        facts = {name: values[name] for name in USER_FIELDS if values[name] is not None}
        invites = options["invite"] or options["link"]
        if options["username"] is None:
            if facts or invites:
                raise CommandError("A user is required: manage.py user USERNAME.", returncode=2)
            for person in User.objects.with_account().order_by("username"):
                self.write_row(row_of(person))
            return
        with refusals(), audit_context(job=JOB), transaction.atomic():
            person, change = _save_user(options["username"], facts)
            if invites and not (person.is_active and person.email):
                raise CommandError(
                    f"{person.username} cannot be invited: the account is deactivated or has "
                    "no email address. Activate it or set --email first.",
                    returncode=1,
                )
        row = {**row_of(person), "change": change}
        if options["link"]:
            row["link"] = invitation_url(person)
        self.write_row(row)
        if options["invite"]:
            _invite(person)


def _save_user(username: str, facts: dict[str, Any]) -> tuple[User, str]:
    """Add the user or change the given facts; return (user, "added", "changed" or "unchanged")."""
    person = User.objects.select_for_update(of=("self",)).filter(username=username).first()
    if person is None:
        if not facts.get("email"):
            raise CommandError(
                f"User '{username}' was not found. Use --email to add it; 'manage.py user' "
                "lists all users.",
                returncode=2,
            )
        return add_user(facts={**facts, "username": username}, by=None), "added"
    if person.is_service:
        raise CommandError(
            f"'{username}' is a service account. Change it under Settings → Service accounts "
            "or with the REST API.",
            returncode=2,
        )
    previous_values = {name: getattr(person, name) for name in USER_FIELDS}
    if person.sso_organisation_role:
        previous_values["organisation_role"] = person.manual_organisation_role
    changed_facts = {name: value for name, value in facts.items() if previous_values[name] != value}
    if not changed_facts:
        return person, "unchanged"
    return change_user(person=person, facts=changed_facts, by=None), "changed"


def _invite(person: User) -> None:
    try:
        send_invitation(person=person, by=None)
    except OSError as error:
        raise CommandError(
            f"The email to {person.email} was not sent ({error}). Correct EMAIL_URL and send "
            f"it again, or print the link with 'manage.py user {person.username} --link' and "
            "pass it on yourself.",
            returncode=1,
        ) from None


def row_of(person: User) -> dict[str, Any]:
    return {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "organisation_role": person.organisation_role,
        "organisation_role_by_sign_on": person.sso_organisation_role,
        "is_superuser": person.is_superuser,
        "is_active": person.is_active,
        "last_login": person.last_login.isoformat().replace("+00:00", "Z")
        if person.last_login
        else None,
    }
