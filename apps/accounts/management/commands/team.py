"""manage.py team [SLUG] [--name N] [--parent SLUG|none] [--email E] [--time-zone Z] [--digest-hour
H] [--remove]"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.accounts.actions import TEAM_FIELDS, add_team, change_team, locked_team, remove_team
from apps.accounts.management.rows import NONE, RowCommand, refusals, team_of
from apps.accounts.models import Team
from apps.common.history.context import audit_context

JOB = "manage.py team"


class Command(RowCommand):
    help = (
        "Add or change a team and print it as JSON. Without SLUG, list all teams, one JSON "
        "object per line. Repeating the command changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "slug",
            metavar="SLUG",
            nargs="?",
            help="cannot be changed later, because URLs contain it",
        )
        parser.add_argument("--name", metavar="N", help="required for a new team")
        parser.add_argument(
            "--parent",
            metavar="SLUG",
            help="slug of the parent team, whose roles apply here too, or none",
        )
        parser.add_argument(
            "--email", metavar="E", help="mailbox that receives its emails; '' removes it"
        )
        parser.add_argument(
            "--time-zone", metavar="Z", help="time zone of the mailbox, such as Europe/Berlin"
        )
        parser.add_argument(
            "--digest-hour", metavar="H", type=int, help="local hour of its digest, 0 to 23"
        )
        parser.add_argument(
            "--remove",
            action="store_true",
            help="remove the team; rejected if it still owns anything",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        facts = {name: options[name] for name in TEAM_FIELDS if options[name] is not None}
        if options["slug"] is None:
            if facts or options["remove"]:
                raise CommandError("A team is required: manage.py team SLUG.", returncode=2)
            for team in Team.objects.select_related("parent").order_by("slug"):
                self.write_row(row_of(team))
            return
        if options["remove"] and facts:
            raise CommandError(
                "A team cannot be changed and removed in one command. Omit --remove or the "
                "changes.",
                returncode=2,
            )
        if "parent" in facts:
            facts["parent"] = None if facts["parent"] == NONE else team_of(facts["parent"])
        with refusals(), audit_context(job=JOB), transaction.atomic():
            self._remove_team(options["slug"]) if options["remove"] else self._save_team(
                options["slug"], facts
            )

    def _save_team(self, slug: str, facts: dict[str, Any]) -> None:
        """Add the team or change its facts that differ, and print the row with what was done."""
        existing_team = Team.objects.filter(slug=slug).first()
        team = None if existing_team is None else locked_team(existing_team)
        if team is None:
            if "name" not in facts:
                raise CommandError(
                    f"Team '{slug}' was not found. Use --name to add it.", returncode=2
                )
            self.write_row({**row_of(add_team(facts=facts, slug=slug, by=None)), "change": "added"})
        elif changed_facts := {
            name: value for name, value in facts.items() if getattr(team, name) != value
        }:
            self.write_row(
                {
                    **row_of(change_team(team=team, facts=changed_facts, by=None)),
                    "change": "changed",
                }
            )
        else:
            self.write_row({**row_of(team), "change": "unchanged"})

    def _remove_team(self, slug: str) -> None:
        team = Team.objects.filter(slug=slug).first()
        if team is not None:
            remove_team(team=team, by=None)
        self.write_row({"slug": slug, "change": "unchanged" if team is None else "removed"})


def row_of(team: Team) -> dict[str, Any]:
    return {
        "slug": team.slug,
        "name": team.name,
        "parent": team.parent.slug if team.parent else None,
        "email": team.email,
        "time_zone": team.time_zone,
        "digest_hour": team.digest_hour,
    }
