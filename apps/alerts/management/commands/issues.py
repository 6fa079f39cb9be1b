"""manage.py issues [--state S] [--kind K]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.alerts.issues.links import link_issues
from apps.alerts.queries import last_notifications
from apps.common.time import day_of, now
from apps.issues.models import CauseKind, Issue
from apps.issues.queries import issue_records


class Command(BaseCommand):
    help = "Print every issue as governance sees it, most urgent first, as JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--state", choices=Issue.State.values, help="Only issues in this state."
        )
        parser.add_argument("--kind", choices=CauseKind.values, help="Only issues of this kind.")

    def handle(self, *args: Any, **options: Any) -> None:
        # also of what was written since the last run of the worker
        link_issues()
        issues = Issue.objects.all()
        if options["state"]:
            issues = issues.filter(state=options["state"])
        if options["kind"]:
            issues = issues.filter(cause__kind=options["kind"])
        for record in issue_records(issues, today=day_of(now()), load_notified=last_notifications):
            self.stdout.write(json.dumps(record))
