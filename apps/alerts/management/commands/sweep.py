"""manage.py sweep [--at ISO]"""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.alerts.actions import maintain_alerts, queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.delivery.dispatch import send_due_deliveries
from apps.alerts.retention import purge_old_messages
from apps.catalog.ingestion.ingest import apply_due_facts
from apps.common.history.context import audit_context
from apps.common.time import day_of, now, parse_moment
from apps.exposure.actions.events import handle_events
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.actions.scenarios import run_queued
from apps.exposure.campaigns.maintenance import update_campaigns
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.snapshots.daily import take_snapshot, thin_snapshots
from apps.feeds.actions import apply_expired_holds, purge_old_payloads, record_disagreements
from apps.feeds.polls.pipeline import close_dead_runs
from apps.inventory.read_models import refresh_stale_applications
from apps.issues.evaluation import evaluate_everything
from apps.risks.actions.counts import count_changed_risk
from apps.risks.actions.refresh import refresh_risks


class Command(BaseCommand):
    help = (
        "Run everything that beat would run at that time except polling, in order; prints counts "
        "per job as JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", help="Time of the run, ISO 8601; default: now.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run all periodic work once, at the given time or now, and print the counts as JSON."""
        try:
            at = parse_moment(options["at"]) if options["at"] else now()
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        with audit_context(job="sweep"):
            with transaction.atomic():
                due_facts = apply_due_facts(at=at)
            accepted_events = apply_expired_holds(at=at)
            disagreements = record_disagreements(at=at)
            n_dead_runs = close_dead_runs(at=at)
            refresh_result = refresh(on=day_of(at))
            events_handled = handle_events(at=at)
            risks = refresh_risks(at)
            campaigns = update_campaigns(at=at)
            flags = evaluate_flags(at=at)
            n_findings = refresh_stale_applications(on=day_of(at))
            issues = evaluate_everything(at=at)
            n_raised = raise_alerts(at=at) + raise_due_alerts(at=at)
            alert_counts = maintain_alerts(at=at)
            purged = purge_old_messages(at=at, keep_days=settings.LEDGER_DAYS)
            counts = {
                "due_facts": len(due_facts),
                "holds_ended": len(accepted_events),
                "disagreements_told": len(disagreements),
                "dead_runs_closed": n_dead_runs,
                "applications_refreshed": refresh_result.n_applications,
                "findings_kept": n_findings,
                "events_handled": events_handled,
                **{f"risks_{name}": n for name, n in asdict(risks).items()},
                **{f"campaign_tasks_{name}": n for name, n in campaigns.items()},
                "flags_opened": flags.opened,
                "flags_worsened": flags.worsened,
                "acceptances_expired": flags.acceptance_expired,
                "flags_resolved": flags.resolved,
                **{f"alerts_{name}": n for name, n in alert_counts.items()},
                **{f"issues_{name}": n for name, n in asdict(issues).items()},
                "alerts_raised": n_raised,
                # All alerts of this time exist already, so there is nothing to gather.
                "digests_queued": queue_digests(at=at, gather=timedelta(0)),
                "mails_sent": send_due_deliveries(at=at),
                "smallest_sets_written": store_minimal_cut_sets(on=day_of(at)),
                "risk_counts_made": int(count_changed_risk(at)),
                "snapshot_rows": take_snapshot(on=day_of(at)),
                "snapshot_rows_thinned": thin_snapshots(on=day_of(at)),
                "what_ifs_answered": run_queued(at=at),
                "payloads_forgotten": purge_old_payloads(at=at),
                "notices_forgotten": purged.n_notices,
                "deliveries_forgotten": purged.n_deliveries,
            }
        self.stdout.write(json.dumps(counts))
