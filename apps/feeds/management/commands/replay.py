"""manage.py replay SOURCE MANIFEST"""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.builtin import CATALOGUE, load_catalogue
from apps.catalog.models import ProviderEvent, Source
from apps.common.scratch import ScratchRefused, scratch_database
from apps.feeds.models import FeedRun
from apps.feeds.parsers import ADAPTERS
from apps.feeds.replay import BadManifest, read_manifest, replay


def _load_identities() -> None:
    load_catalogue(identities_only=True)


def _fingerprint() -> str:
    """Changes with the built-in catalogue, so that the scratch template is built anew with a new release."""
    digest = hashlib.sha256()
    for file in sorted(CATALOGUE.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Command(BaseCommand):
    help = "Poll a recorded history in order, in a scratch database; prints the events it raised, one JSON line each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help=f"One of {', '.join(ADAPTERS)}.")
        parser.add_argument("manifest", type=Path, help='JSON lines {"at", "path", "status", "headers"}.')

    def handle(self, *args: Any, **options: Any) -> None:
        kind: str = options["source"]
        if kind not in ADAPTERS:
            raise CommandError(f"No adapter reads '{kind}'. Known: {', '.join(ADAPTERS)}.", returncode=2)
        try:
            observations = read_manifest(options["manifest"])
        except (BadManifest, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
        try:
            with scratch_database(_load_identities, purpose="replay", fingerprint=_fingerprint()):
                source, _ = Source.objects.get_or_create(slug=kind, defaults={"name": kind, "kind": kind})
                for polled in replay(source, observations):
                    if polled.run.status == FeedRun.Status.FAILED:
                        self.stderr.write(f"{polled.run.queued_at:%H:%M:%S}: {polled.run.error}")
                    self._print(polled.events)
        except ScratchRefused as refusal:
            raise CommandError(str(refusal), returncode=1) from None

    def _print(self, events: list[ProviderEvent]) -> None:
        rows = ProviderEvent.objects.filter(pk__in=[event.pk for event in events])
        for event in rows.select_related("source", "offering__host").order_by("detected_at", "pk"):
            self.stdout.write(json.dumps(event.as_line()))
