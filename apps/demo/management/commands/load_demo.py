"""`manage.py load_demo`: the demo portfolio and its users; prints one JSON array of logins."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.time import day_of, now
from apps.demo.alerts import load_alerts
from apps.demo.exposure import load_demo, load_scenarios
from apps.demo.fixtures import DemoError, LoadingDay
from apps.demo.gate import load_gate_runs
from apps.demo.intake import load_observations
from apps.inventory.keeping import keep_findings


class Command(BaseCommand):
    help = "Load the demo portfolio of a fictional insurer. Safe to repeat; refused in production."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            moment = now()
            logins = load_demo(at=moment)
            load_observations(day=LoadingDay(moment))
            load_scenarios(at=moment)
            load_alerts(at=moment)
            load_gate_runs(day=LoadingDay(moment))
            # what the worker does within a minute: the first page says how many are too late to move
            keep_findings(on=day_of(moment))
        except DemoError as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(json.dumps([asdict(login) for login in logins]))
