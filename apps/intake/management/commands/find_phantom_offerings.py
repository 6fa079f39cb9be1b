"""manage.py find_phantom_offerings [--apply]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.common.time import now
from apps.intake.phantom_offerings import (
    correct_phantom_offerings,
    describe_phantoms,
    find_phantom_offerings,
)


class Command(BaseCommand):
    help = (
        "Print offerings that were made from a name and are no model ID, as JSON lines, with what "
        "they become. --apply turns them into names."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="turn them into names, in one transaction"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = now()
        phantoms = find_phantom_offerings()
        rows = describe_phantoms(phantoms, at=at) if phantoms else []
        for row in rows:
            self.stdout.write(json.dumps(row, default=str, ensure_ascii=False))
        if options["apply"]:
            correct_phantom_offerings(phantoms, at=at, by=None)
        self.stdout.write(
            json.dumps({"found": len(phantoms), "turned_into_names": options["apply"]})
        )
