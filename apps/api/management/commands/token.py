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
    help = "Creates an API token and prints it once, as JSON. Without --scope it may only read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "user",
            metavar="USER",
            help="the username, of a person or a program, or the e-mail address",
        )
        parser.add_argument(
            "--scope",
            nargs="+",
            action="extend",
            choices=Scope.values,
            metavar="S",
            help="read, write, intake, gate",
        )
        parser.add_argument("--name", default="command line", help="what lists call it")
        parser.add_argument(
            "--team", metavar="SLUG", help="bind it to what this team and those below own"
        )
        parser.add_argument(
            "--application",
            metavar="SLUG",
            help="of the scope intake: all that it sends is about this application",
        )
        parser.add_argument(
            "--environment", default="", help="with --application: where what it sends runs"
        )
        parser.add_argument(
            "--days",
            type=int,
            default=DEFAULT_TOKEN_LIFETIME.days,
            help=f"how long it is good, {DEFAULT_TOKEN_LIFETIME.days} unless set",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = _user(options["user"])
        team, application = (
            _found(Team, "team", options["team"]),
            _found(Application, "application", options["application"]),
        )
        if not 1 <= options["days"] <= MAX_TOKEN_LIFETIME.days:
            raise CommandError(
                f"A token is good for 1 to {MAX_TOKEN_LIFETIME.days} days.", returncode=2
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
                f"{user} needs the role of an editor on the application's team to bind a token to "
                "it.",
                returncode=1,
            ) from None
        except (AccountChangeError, IntakePermissionError, InvalidStateError) as refusal:
            raise CommandError(str(refusal), returncode=1) from None
        self.stdout.write(
            json.dumps(
                {"token": text, "expires": token.expires_at.isoformat().replace("+00:00", "Z")}
            )
        )


def _user(name: str) -> User:
    user = (
        User.objects.filter(username=name).first()
        or User.objects.filter(email__iexact=name).first()
    )
    if user is None:
        raise CommandError(
            f"No user is called '{name}'. People are invited under Settings, People, programs "
            "added under Settings,"
            " Programs; 'manage.py createsuperuser' makes the first one.",
            returncode=2,
        )
    if not user.is_active:
        raise CommandError(
            f"The account of '{name}' is closed, so a token would not work. Open it first.",
            returncode=1,
        )
    return user


def _found[M: (Team, Application)](model: type[M], word: str, slug: str | None) -> M | None:
    if not slug:
        return None
    found = model._default_manager.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"No {word} has the slug '{slug}'.", returncode=2)
    return found
