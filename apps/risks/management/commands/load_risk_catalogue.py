"""`manage.py load_risk_catalogue`: update the database to the built-in risk catalogue and print the
counts as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from apps.risks.catalogue import load_risk_catalogue


class Command(BaseCommand):
    help = (
        "Load risk templates and taxonomies. Safe to repeat; templates of your own are not changed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps({"written": load_risk_catalogue()}))
