"""manage.py sweep [--at ISO]"""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.sending import send_due
from apps.catalog.recording import apply_due_facts
from apps.common.history import acting
from apps.common.time import now, parse_moment
from apps.exposure.actions import evaluate_flags, handle_events
from apps.feeds.actions import end_holds, forget_old_payloads, tell_disagreements
from apps.feeds.pipeline import close_dead_runs


class Command(BaseCommand):
    help = "Everything beat would do at that moment but polling, in order; prints counts per job as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", help="The moment, ISO 8601; now when not given.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            at = parse_moment(options["at"]) if options["at"] else now()
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        with acting(job="sweep"):
            with transaction.atomic():
                due = apply_due_facts(at=at)
            held = end_holds(at=at)
            disagreements = tell_disagreements(at=at)
            dead = close_dead_runs(at=at)
            events_handled = handle_events(at=at)
            flags = evaluate_flags(at=at)
            counts = {
                "due_facts": len(due),
                "holds_ended": len(held),
                "disagreements_told": len(disagreements),
                "dead_runs_closed": dead,
                "events_handled": events_handled,
                "flags_opened": flags.opened,
                "flags_resolved": flags.resolved,
                "alerts_raised": raise_alerts(at=at),
                # all that this moment brings has been raised by now, so there is nothing to wait for
                "digests_queued": queue_digests(at=at, gather=timedelta(0)),
                "mails_sent": send_due(at=at),
                "payloads_forgotten": forget_old_payloads(at=at),
            }
        self.stdout.write(json.dumps(counts))
