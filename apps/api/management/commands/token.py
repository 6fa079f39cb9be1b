import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.actions import (
    DEFAULT_TOKEN_LIFETIME,
    MAX_TOKEN_LIFETIME,
    AccountChangeError,
    issue_token,
)
from apps.accounts.models import Team, User
from apps.accounts.roles import Scope
from apps.common.time import now
from apps.intake.connections.service_links import bind_token
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.models import Application


class Command(BaseCommand):
    help = "Create an API token and print it once, as JSON. Without --scope it can only read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "user",
            metavar="USER",
            help="username of a user or service account, or email address",
        )
        parser.add_argument(
            "--scope",
            nargs="+",
            action="extend",
            choices=Scope.values,
            metavar="S",
            help="scope: read, write, intake, gate or scim",
        )
        parser.add_argument("--name", default="command line", help="name of the token in lists")
        parser.add_argument(
            "--team", metavar="SLUG", help="bind the token to this team and its sub-teams"
        )
        parser.add_argument(
            "--application",
            metavar="SLUG",
            help="for scope intake: everything the token sends is about this application",
        )
        parser.add_argument(
            "--environment", default="", help="with --application: environment of the data"
        )
        parser.add_argument(
            "--days",
            type=int,
            default=DEFAULT_TOKEN_LIFETIME.days,
            help=f"validity in days, {DEFAULT_TOKEN_LIFETIME.days} unless set",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create an API token and print it, with its expiry date, as JSON."""
        user = _find_user(options["user"])
        team, application = (
            _find_by_slug(Team, "team", options["team"]),
            _find_by_slug(Application, "application", options["application"]),
        )
        if not 1 <= options["days"] <= MAX_TOKEN_LIFETIME.days:
            raise CommandError(
                f"Enter a validity of 1 to {MAX_TOKEN_LIFETIME.days} days.", returncode=2
            )
        try:
            with transaction.atomic():
                token, text = issue_token(
                    user=user,
                    name=options["name"],
                    scopes=options["scope"] or [Scope.READ],
                    at=now(),
                    by=None,
                    team=team,
                    lifetime=timedelta(days=options["days"]),
                )
                if application is not None:
                    bind_token(
                        token=token,
                        application=application,
                        by=user,
                        environment=options["environment"],
                    )
        except ForbiddenChangeError:
            raise CommandError(
                f"{user} needs the editor role on the team of the application to bind "
                "an API token to it.",
                returncode=1,
            ) from None
        except (AccountChangeError, IntakePermissionError, InvalidStateError) as error:
            raise CommandError(str(error), returncode=1) from None
        self.stdout.write(
            json.dumps(
                {"token": text, "expires": token.expires_at.isoformat().replace("+00:00", "Z")}
            )
        )


def _find_user(name: str) -> User:
    """Return the active user with this username or email address. Raise CommandError without
    one."""
    user = (
        User.objects.filter(username=name).first()
        or User.objects.filter(email__iexact=name).first()
    )
    if user is None:
        raise CommandError(
            f'No user "{name}" found. Invite users under Settings → Users, add service '
            "accounts under Settings → Service accounts; 'manage.py createsuperuser' "
            "creates the first user.",
            returncode=2,
        )
    if not user.is_active:
        raise CommandError(
            f'The account of "{name}" is closed, so the API token would not work. '
            "Reopen the account first.",
            returncode=1,
        )
    return user


def _find_by_slug[M: (Team, Application)](model: type[M], noun: str, slug: str | None) -> M | None:
    if not slug:
        return None
    record = model._default_manager.filter(slug=slug).first()
    if record is None:
        raise CommandError(f'No {noun} "{slug}" found. Check the slug.', returncode=2)
    return record
