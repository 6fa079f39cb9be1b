"""manage.py events [--since ISO] [--kind K] [--source S]"""

import hashlib
import json
from datetime import datetime
from heapq import merge
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.models import Incident, ProviderEvent, Source
from apps.common.time import parse_moment

INCIDENT = "incident"


class Command(BaseCommand):
    help = (
        "Print accepted provider events and incidents of hosts, oldest first, one JSON object per "
        "line. An incident is printed once, as it stands now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="only events detected at or after this ISO 8601 time")
        parser.add_argument("--kind", choices=[*ProviderEvent.Kind.values, INCIDENT])
        parser.add_argument("--source", help="slug of a source")

    def handle(self, *args: Any, **options: Any) -> None:
        events = ProviderEvent.objects.select_related(
            "source", "offering__host", "provider"
        ).order_by("detected_at", "pk")
        incidents = (
            Incident.objects.told()
            .select_related("source", "host")
            .defer("updates")
            .order_by("first_seen", "pk")
        )
        if options["since"]:
            try:
                since = parse_moment(options["since"])
            except ValueError as error:
                raise CommandError(str(error), returncode=2) from None
            events = events.filter(detected_at__gte=since)
            incidents = incidents.filter(first_seen__gte=since)
        if options["kind"] == INCIDENT:
            events = events.none()
        elif options["kind"]:
            events, incidents = events.filter(kind=options["kind"]), incidents.none()
        if options["source"]:
            sources = {source.slug: source for source in Source.objects.order_by("slug")}
            slug = Source.stored_slug(options["source"])
            if slug not in sources:
                names = ", ".join(source.public_slug for source in sources.values())
                raise CommandError(
                    f"Source '{options['source']}' was not found. Use one of: {names}.",
                    returncode=2,
                )
            events = events.filter(source=sources[slug])
            incidents = incidents.filter(source=sources[slug])
        rows: Any = merge(
            events.iterator(chunk_size=2000), incidents.iterator(chunk_size=2000), key=_detected_at
        )
        for row in rows:
            self.stdout.write(json.dumps(row.as_line() | {"key": _key_of(row)}))


def _detected_at(row: Any) -> datetime:
    """Return when an event or an incident became known."""
    moment: datetime = row.detected_at if isinstance(row, ProviderEvent) else row.first_seen
    return moment


def _key_of(row: ProviderEvent | Incident) -> str:
    """Return a key that stays the same, of an incident from its source and ID."""
    if isinstance(row, ProviderEvent):
        return row.key
    text = json.dumps([row.source.slug, row.external_id, INCIDENT])
    return hashlib.sha256(text.encode()).hexdigest()
