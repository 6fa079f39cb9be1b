"""manage.py ingest FORMAT FILE [--application SLUG] [--team SLUG]"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import Team
from apps.common.time import now
from apps.intake.models import Import
from apps.intake.queries import refused_rows
from apps.intake.sheets.importing import ingest_sheet
from apps.intake.sheets.limits import MOST_BYTES
from apps.intake.sheets.tables import Unreadable
from apps.inventory.models import Application

SHEETS = ("csv", "xlsx")
LATER = ("cyclonedx", "spdx", "litellm-config", "otlp", "backstage", "evals")


class Command(BaseCommand):
    help = "Take a file into the inventory, with the rights of the operator; prints what became of it as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "format", metavar="FORMAT", help=f"one of {', '.join(SHEETS)}; later also {', '.join(LATER)}"
        )
        parser.add_argument("file", metavar="FILE", help="- reads standard input")
        parser.add_argument("--application", default="", help="slug: what rows are about that name no application")
        parser.add_argument("--team", default="", help="slug: where new applications go whose row names no team")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = options["format"]
        if kind in LATER:
            raise CommandError(f"{kind} cannot be read yet. Sheets can: csv and xlsx.", returncode=2)
        if kind not in SHEETS:
            raise CommandError(f"'{kind}' is no format. Known: {', '.join((*SHEETS, *LATER))}.", returncode=2)
        application, team = options["application"], options["team"]
        if application and not Application.objects.filter(slug=application).exists():
            raise CommandError(f"There is no application '{application}'.", returncode=2)
        if team and not Team.objects.filter(slug=team).exists():
            raise CommandError(f"There is no team '{team}'.", returncode=2)
        content, name = self._content(options["file"])
        try:
            done = ingest_sheet(content=content, file_name=name, application=application, team=team, at=now())
        except Unreadable as unreadable:
            raise CommandError(str(unreadable), returncode=1) from None
        self.stdout.write(json.dumps(as_report(done), ensure_ascii=False))

    def _content(self, file: str) -> tuple[bytes, str]:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1), ""
        try:
            with Path(file).open("rb") as stream:
                return stream.read(MOST_BYTES + 1), Path(file).name
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=2) from None


def as_report(done: Import) -> dict[str, Any]:
    """The shape of contracts.md section 2: records (applications and uses) by outcome, and every refused row."""
    counts = done.counts

    def n(outcome: str) -> int:
        return sum(counts.get(kind, {}).get(outcome, 0) for kind in ("applications", "uses"))

    return {
        "created": n("added"),
        "updated": n("changed"),
        "unchanged": n("unchanged"),
        "rejected": [{"where": row.where, "reason": row.reason} for row in refused_rows(done)],
    }
