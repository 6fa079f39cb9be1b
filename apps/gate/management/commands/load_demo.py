"""`manage.py load_demo`: the demo portfolio and its users; prints one JSON array of logins."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.alerts.demo import load_voice
from apps.common.time import day_of, now
from apps.exposure.demo import load_demo, load_what_ifs
from apps.gate.demo import load_questions
from apps.intake.demo import load_seen
from apps.inventory.demo import Day, DemoRefused
from apps.inventory.keeping import keep_findings


class Command(BaseCommand):
    help = "Load the demo portfolio of a fictional insurer. Safe to repeat; refused in production."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            moment = now()
            logins = load_demo(at=moment)
            load_seen(day=Day(moment))
            load_what_ifs(at=moment)
            load_voice(at=moment)
            load_questions(day=Day(moment))
            # what the worker does within a minute: the first page says how many are too late to move
            keep_findings(on=day_of(moment))
        except DemoRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(json.dumps([asdict(login) for login in logins]))
