"""manage.py seed_portfolio --applications N [--seed S]"""

import json
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.common.time import day_of, now
from tools.seeding.seed import SeedError, seed_portfolio


class Command(BaseCommand):
    help = (
        "Create a synthetic portfolio with its own synthetic catalogue, for measurements and "
        "trials. A previous synthetic portfolio with other numbers is replaced; real rows are "
        "not changed. Not available in production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--applications",
            type=int,
            required=True,
            help="number of applications; about five dependencies each",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed creates the same portfolio"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = perf_counter()
        try:
            seeded = seed_portfolio(
                n_applications=options["applications"], seed=options["seed"], on=day_of(now())
            )
        except SeedError as error:
            raise CommandError(str(error), returncode=2) from None
        if not seeded.is_new:
            self.stderr.write("This portfolio already exists. Nothing was changed.")
        elif not connection.in_atomic_block:
            with connection.cursor() as cursor:
                # marks pages as visible to all, which reads of the footing by index alone rely on
                cursor.execute("VACUUM")
        summary = {
            "applications": seeded.applications,
            "dependencies": seeded.dependencies,
            "seconds": round(perf_counter() - began, 2),
        }
        self.stdout.write(json.dumps(summary))
