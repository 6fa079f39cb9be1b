"""manage.py doctor"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.common.installation.diagnosis import CheckedPart, Level, diagnose_installation
from apps.common.text import pluralize
from apps.common.time import now


class Command(BaseCommand):
    help = (
        "Check this installation: settings, files, database, broker, worker, email, accounts, "
        "catalogue, feeds and messages. Changes nothing. Exit code 1 if something does not work."
    )
    # the checks of the settings are part of the report
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        parts = diagnose_installation(at=now())
        if options["json"]:
            self.stdout.write(json.dumps(_describe_parts(parts), indent=2))
        else:
            self._write_parts(parts)
        if any(part.level is Level.ERROR for part in parts):
            sys.exit(1)

    def _write_parts(self, parts: list[CheckedPart]) -> None:
        for part in parts:
            self.stdout.write(part.name)
            for diagnosis in part.diagnoses:
                self.stdout.write(f"  {diagnosis.level:<7}  {diagnosis.sentence}")
                if diagnosis.remedy:
                    self.stdout.write(f"           {diagnosis.remedy}")
        n_errors, n_warnings = (
            sum(d.level is level for part in parts for d in part.diagnoses)
            for level in (Level.ERROR, Level.WARNING)
        )
        self.stdout.write(
            pluralize(n_errors, "1 error, ", f"{n_errors} errors, ")
            + pluralize(n_warnings, "1 warning", f"{n_warnings} warnings")
        )


def _describe_parts(parts: list[CheckedPart]) -> dict[str, Any]:
    return {
        "parts": [
            {
                "name": part.name,
                "level": part.level,
                "diagnoses": [
                    {
                        "level": diagnosis.level,
                        "sentence": diagnosis.sentence,
                        "remedy": diagnosis.remedy,
                    }
                    for diagnosis in part.diagnoses
                ],
            }
            for part in parts
        ]
    }
