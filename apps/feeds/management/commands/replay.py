"""manage.py replay SOURCE MANIFEST"""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.identity.hosts import host_slug
from apps.catalog.ingestion.builtin_catalogue import CATALOGUE, load_catalogue
from apps.catalog.models import Incident, Provider, ProviderEvent, ProviderRole, Source
from apps.common.database.scratch_database import ScratchDatabaseError, scratch_database
from apps.feeds.mapping.definition import KIND, read_mapping
from apps.feeds.models import FeedRun, SourceMapping
from apps.feeds.parsers import ADAPTERS
from apps.feeds.polls.replay import InvalidManifestError, read_manifest, replay_history


def _load_identities() -> None:
    load_catalogue(identities_only=True)


def _find_host(name: str) -> Provider:
    """Return the host whose status page a source reads, by its slug or another spelling. The
    scratch database gets a host of that name if none is known."""
    provider = Provider.objects.filter(slug__in=[name, host_slug(name) or name]).first()
    return provider or Provider.objects.create(slug=name, name=name, roles=[ProviderRole.HOST])


def _compute_fingerprint() -> str:
    """Return a digest of the built-in catalogue, so that a new release rebuilds the template of the
    scratch database."""
    digest = hashlib.sha256()
    for file in sorted(CATALOGUE.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Command(BaseCommand):
    help = (
        "Poll a recorded history in order, in a scratch database; prints the events that it "
        "raises, one JSON line each. Of a status page it prints each incident once, as it stands "
        "at the end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source",
            help=f"One of {', '.join(ADAPTERS)}, the slug of a source with a mapping, or a status "
            "page such as status:openai.",
        )
        parser.add_argument(
            "manifest",
            type=Path,
            help='JSON lines {"at", "path", "status", "headers"}; paths are relative to this file.',
        )
        parser.add_argument(
            "--mapping", type=Path, help="JSON file with the mapping to use, for any slug."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug = Source.stored_slug(options["source"])
        is_status_page = slug != options["source"] or slug.startswith(f"{Source.STATUS}-")
        mapping = None if is_status_page else self._load_mapping(slug, options["mapping"])
        try:
            observations = read_manifest(options["manifest"])
        except InvalidManifestError as error:
            raise CommandError(str(error), returncode=2) from None
        except OSError as error:
            raise CommandError(
                f"{options['manifest']} cannot be read: {error.strerror}. Check the path.",
                returncode=2,
            ) from None
        try:
            with scratch_database(
                _load_identities, purpose="replay", fingerprint=_compute_fingerprint()
            ):
                kind = slug if mapping is None else KIND
                if is_status_page:
                    kind = Source.STATUS
                source, _ = Source.objects.update_or_create(
                    slug=slug, defaults={"kind": kind}, create_defaults={"kind": kind, "name": slug}
                )
                if mapping is not None:
                    SourceMapping.objects.create(source=source, settings=mapping)
                if is_status_page and source.host is None:
                    source.host = _find_host(slug.removeprefix(f"{Source.STATUS}-"))
                    source.save(update_fields=["host"])
                for result in replay_history(source, observations):
                    if result.run.status == FeedRun.Status.FAILED:
                        self.stderr.write(f"{result.run.queued_at:%H:%M:%S}: {result.run.error}")
                    self._print_events(result.events)
                if is_status_page:
                    self._print_incidents(source)
        except ScratchDatabaseError as scratch_error:
            raise CommandError(str(scratch_error), returncode=1) from None

    def _load_mapping(self, slug: str, file: Path | None) -> Any:
        """Return the mapping of the source, from `file` or from the registry's database; None for a
        built-in adapter."""
        if file is not None:
            try:
                mapping = json.loads(file.read_text(encoding="utf-8"))
                read_mapping(mapping)
            except (OSError, ValueError) as error:
                raise CommandError(
                    f"The mapping in {file.name} is not valid: {error}", returncode=2
                ) from None
            return mapping
        if slug in ADAPTERS:
            return None
        source_mapping = SourceMapping.objects.filter(source__slug=slug, source__kind=KIND).first()
        if source_mapping is None:
            mapped_slugs = SourceMapping.objects.order_by("source__slug").values_list(
                "source__slug", flat=True
            )
            known_names = ", ".join((*ADAPTERS, *mapped_slugs))
            raise CommandError(
                f'No adapter reads "{slug}". Use one of: {known_names}.', returncode=2
            )
        return source_mapping.settings

    def _print_events(self, events: list[ProviderEvent]) -> None:
        rows = ProviderEvent.objects.filter(pk__in=[event.pk for event in events])
        for event in rows.select_related("source", "offering__host").order_by("detected_at", "pk"):
            self.stdout.write(json.dumps(event.as_line()))

    def _print_incidents(self, source: Source) -> None:
        rows = Incident.objects.filter(source=source).told().select_related("source", "host")
        for incident in rows.order_by("started_at", "pk"):
            self.stdout.write(json.dumps(incident.as_line()))
