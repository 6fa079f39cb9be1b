"""manage.py poll [SOURCE ...] [--url URL] [--at ISO]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.models import ProviderEvent, Source
from apps.common.time import parse_moment
from apps.feeds.models import FeedRun
from apps.feeds.polls.pipeline import AlreadyPollingError, PollResult, poll_source


class Command(BaseCommand):
    help = "Poll sources now and wait for the result; prints one JSON object per source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "sources",
            nargs="*",
            metavar="SOURCE",
            help="Source slugs; default: all enabled sources.",
        )
        parser.add_argument(
            "--url",
            help="Poll this URL instead (http, https or file); only with exactly one source.",
        )
        parser.add_argument("--at", help="Observation time, ISO 8601; default: now.")

    def handle(self, *args: Any, **options: Any) -> None:
        slugs: list[str] = options["sources"]
        if options["url"] and len(slugs) != 1:
            raise CommandError(
                "--url requires exactly one source. Name one source slug.", returncode=2
            )
        try:
            at = parse_moment(options["at"]) if options["at"] else None
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        sources = self._sources(slugs)
        failed = False
        for source in sources:
            try:
                polled = poll_source(source, at=at, url=options["url"], trigger="command")
            except AlreadyPollingError as busy:
                self.stderr.write(str(busy))
                failed = True
                continue
            if polled.run.status == FeedRun.Status.FAILED:
                self.stderr.write(f"{source.slug}: {polled.run.error}")
                failed = True
            self.stdout.write(json.dumps(as_report(polled)))
        if failed:
            raise CommandError(
                "At least one source could not be polled. See the errors above.", returncode=1
            )

    def _sources(self, slugs: list[str]) -> list[Source]:
        if not slugs:
            return list(Source.objects.polled())
        found = {source.slug: source for source in Source.objects.filter(slug__in=slugs)}
        unknown = [slug for slug in slugs if slug not in found]
        if unknown:
            known = ", ".join(
                Source.objects.exclude(kind__in=Source.UNPOLLED).values_list("slug", flat=True)
            )
            raise CommandError(
                f"Unknown source: {', '.join(unknown)}. Use one of: {known}.", returncode=2
            )
        return [found[slug] for slug in slugs]


def as_report(polled: PollResult) -> dict[str, Any]:
    """The shape of contracts.md section 2, with the run's error where it failed."""
    run = polled.run
    events = (
        ProviderEvent.objects.filter(pk__in=[event.pk for event in polled.events])
        .select_related("source", "offering__host")
        .order_by("detected_at", "pk")
    )
    report: dict[str, Any] = {
        "source": run.source.slug,
        "status": run.status,
        "rows": run.rows or 0,
        "quarantined": run.rows_quarantined or 0,
        "vanished": run.rows_vanished or 0,
        "assertions_changed": polled.n_assertions_changed,
        "events": [event.as_line() for event in events],
    }
    if run.error:
        report["error"] = run.error
    if run.held:
        report["held"] = run.held
    return report
