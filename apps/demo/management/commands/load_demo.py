"""`manage.py load_demo`: load the demo portfolio and its users; prints one JSON array of logins."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.time import now
from apps.demo.fixtures import DemoError
from apps.demo.loader import load_demo


class Command(BaseCommand):
    help = (
        "Load the demo portfolio of a fictional insurer. Can be repeated safely; not available "
        "in production."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            logins = load_demo(at=now())
        except DemoError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps([asdict(login) for login in logins]))
