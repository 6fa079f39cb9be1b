"""manage.py rebuild_footing [--check]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.models import NodeKind


class Command(BaseCommand):
    help = (
        "Compare the stored footing with the catalogue and correct it. Exit code 1 if "
        "--check finds a difference."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="report differences without correcting them"
        )
        parser.add_argument(
            "--limit", type=int, default=50, help="number of differences to print; all are counted"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            catalogue_lock()
            differences = footing_differences()
            n_changed = 0 if options["check"] else refresh_footing()
        result = {
            "differences": len(differences),
            "rows_changed": n_changed,
            "first": [
                {
                    "offering": difference.offering_id,
                    "node": f"{NodeKind(difference.kind).label}:{difference.ref}",
                    "stored": difference.stored,
                    "due": difference.due,
                }
                for difference in differences[: options["limit"]]
            ],
        }
        self.stdout.write(json.dumps(result))
        if options["check"] and differences:
            raise SystemExit(1)
