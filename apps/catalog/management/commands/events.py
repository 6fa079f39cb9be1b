"""manage.py events [--since ISO] [--kind K] [--source S]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.models import ProviderEvent, Source
from apps.common.time import parse_moment


class Command(BaseCommand):
    help = "Print accepted provider events, oldest first, one JSON object per line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="only events detected at or after this ISO 8601 time")
        parser.add_argument("--kind", choices=ProviderEvent.Kind.values)
        parser.add_argument("--source", help="slug of a source")

    def handle(self, *args: Any, **options: Any) -> None:
        events = ProviderEvent.objects.select_related(
            "source", "offering__host", "provider"
        ).order_by("detected_at", "pk")
        if options["since"]:
            try:
                events = events.filter(detected_at__gte=parse_moment(options["since"]))
            except ValueError as error:
                raise CommandError(str(error), returncode=2) from None
        if options["kind"]:
            events = events.filter(kind=options["kind"])
        if options["source"]:
            slugs = Source.objects.order_by("slug").values_list("slug", flat=True)
            if options["source"] not in slugs:
                raise CommandError(
                    f"Source '{options['source']}' was not found. Use one of: {', '.join(slugs)}.",
                    returncode=2,
                )
            events = events.filter(source__slug=options["source"])
        for event in events.iterator(chunk_size=2000):
            self.stdout.write(json.dumps(event.as_line() | {"key": event.key}))
