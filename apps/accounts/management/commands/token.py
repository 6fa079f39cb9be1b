import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.actions import RefusedAccount, issue_token
from apps.accounts.models import Team, User
from apps.accounts.roles import Scope
from apps.common.time import now


class Command(BaseCommand):
    help = "Creates an API token and prints it once, as JSON. Without --scope it may only read."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="the username, or the e-mail address")
        parser.add_argument(
            "--scope", nargs="+", action="extend", choices=Scope.values, metavar="S", help="read, write, intake, gate"
        )
        parser.add_argument("--name", default="command line", help="what lists call it")
        parser.add_argument("--team", metavar="SLUG", help="bind it to what this team and those below own")

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["user"]
        user = User.objects.filter(username=name).first() or User.objects.filter(email__iexact=name).first()
        if user is None:
            raise CommandError(f"No user is called '{name}'. Add the person in the admin first.")
        if not user.is_active:
            raise CommandError(f"The account of '{name}' is closed, so a token would not work. Open it first.")
        team = Team.objects.filter(slug=options["team"]).first() if options["team"] else None
        if options["team"] and team is None:
            raise CommandError(f"No team has the slug '{options['team']}'.")
        try:
            token, text = issue_token(
                user=user, name=options["name"], scopes=options["scope"] or [Scope.READ], at=now(), by=None, team=team
            )
        except RefusedAccount as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(json.dumps({"token": text, "expires": token.expires_at.isoformat().replace("+00:00", "Z")}))
