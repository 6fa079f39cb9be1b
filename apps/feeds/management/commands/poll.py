"""manage.py poll [SOURCE ...] [--url URL] [--at ISO]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.models import Incident, ProviderEvent, Source
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
            help="Source slugs, such as litellm or status:openai; default: all enabled sources.",
        )
        parser.add_argument(
            "--url",
            help="Poll this URL instead (http, https or file); only with exactly one source.",
        )
        parser.add_argument("--at", help="Observation time, ISO 8601; default: now.")

    def handle(self, *args: Any, **options: Any) -> None:
        slugs = [Source.stored_slug(spelling) for spelling in options["sources"]]
        if options["url"] and len(slugs) != 1:
            raise CommandError(
                "--url requires exactly one source. Name one source slug.", returncode=2
            )
        try:
            at = parse_moment(options["at"]) if options["at"] else None
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        sources = self._find_sources(slugs)
        has_failed = False
        for source in sources:
            try:
                result = poll_source(source, at=at, url=options["url"], trigger="command")
            except AlreadyPollingError as polling_error:
                self.stderr.write(str(polling_error))
                has_failed = True
                continue
            if result.run.status == FeedRun.Status.FAILED:
                self.stderr.write(f"{source.public_slug}: {result.run.error}")
                has_failed = True
            self.stdout.write(json.dumps(as_report(result)))
        if has_failed:
            raise CommandError(
                "At least one source could not be polled. See the errors above.", returncode=1
            )

    def _find_sources(self, slugs: list[str]) -> list[Source]:
        if not slugs:
            return list(Source.objects.polled())
        sources_by_slug = {source.slug: source for source in Source.objects.filter(slug__in=slugs)}
        unknown_slugs = [slug for slug in slugs if slug not in sources_by_slug]
        if unknown_slugs:
            known_slugs = ", ".join(
                source.public_slug for source in Source.objects.exclude(kind__in=Source.UNPOLLED)
            )
            raise CommandError(
                f"Unknown source: {', '.join(unknown_slugs)}. Use one of: {known_slugs}.",
                returncode=2,
            )
        return [sources_by_slug[slug] for slug in slugs]


def as_report(result: PollResult) -> dict[str, Any]:
    """Build the report of one poll as JSON-compatible data. `error` is set only if the poll failed,
    `held` only if changes were put on hold."""
    run = result.run
    events = (
        ProviderEvent.objects.filter(pk__in=[event.pk for event in result.events])
        .select_related("source", "offering__host")
        .order_by("detected_at", "pk")
    )
    incidents = (
        Incident.objects.filter(pk__in=[incident.pk for incident in result.incidents])
        .select_related("source", "host")
        .order_by("started_at", "pk")
    )
    report: dict[str, Any] = {
        "source": run.source.public_slug,
        "status": run.status,
        "rows": run.rows or 0,
        "quarantined": run.rows_quarantined or 0,
        "vanished": run.rows_vanished or 0,
        "assertions_changed": result.n_assertions_changed,
        "events": [row.as_line() for row in (*events, *incidents)],
    }
    if run.error:
        report["error"] = run.error
    if run.held:
        report["held"] = run.held
    return report
