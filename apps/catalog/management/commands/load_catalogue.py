"""`manage.py load_catalogue`: load or update the built-in catalogue; prints counts as JSON."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.catalog.ingestion.builtin_catalogue import catalogue_counts, load_catalogue


class Command(BaseCommand):
    help = "Load the built-in catalogue. Can be repeated; data entered by users is not changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--identities-only",
            action="store_true",
            help="load only providers, foundations, versions, aliases, lineage and sources",
        )

    def handle(self, *args: Any, identities_only: bool, **options: Any) -> None:
        started_at = time.monotonic()
        counts = load_catalogue(identities_only=identities_only)
        seconds = round(time.monotonic() - started_at, 2)
        self.stdout.write(
            json.dumps({"written": counts, "holds": catalogue_counts(), "seconds": seconds})
        )
