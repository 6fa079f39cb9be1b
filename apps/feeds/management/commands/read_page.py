"""manage.py read_page FILE --host HOST [--source SLUG | --mapping FILE.json]"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.models import Source
from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.pages.builtin import built_in_page
from apps.feeds.pages.child_reader import propose_page_mapping, read_page_by_definition
from apps.feeds.pages.definition import KIND
from apps.feeds.pages.records import PageReading, PageRow
from apps.feeds.parsers.payload import InvalidPayloadError


class Command(BaseCommand):
    help = (
        "Read a saved lifecycle page of a provider and print one JSON object per row. Without "
        "--source or --mapping the built-in mapping of the host is used, else a mapping is "
        "proposed from the page and printed to stderr. Nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="The page, as Markdown or HTML.")
        parser.add_argument("--host", required=True, help="Host of the models, such as bedrock.")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--source", metavar="SLUG", help="Read by the mapping of this source.")
        ways.add_argument(
            "--mapping", metavar="FILE.json", help="Read by the mapping in this file."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        body = _read_file(options["file"])
        host: str = options["host"]
        definition = _chosen_definition(options)
        try:
            if definition is None:
                reading = self._read_without_mapping(body, host)
            else:
                reading = _require_rows(read_page_by_definition(body, definition, host))
        except InvalidMappingError as error:
            raise CommandError(f"The mapping is not valid. {error}", returncode=2) from None
        except InvalidPayloadError as error:
            raise CommandError(str(error), returncode=1) from None
        for sentence in reading.refused:
            self.stderr.write(sentence)
        for row in reading.rows:
            self.stdout.write(json.dumps(as_line(row), ensure_ascii=False))

    def _read_without_mapping(self, body: bytes, host: str) -> PageReading:
        """Read by the built-in mapping of the host; by a proposal if there is none, or if it finds
        no row because the page has another form."""
        page = built_in_page(host)
        if page is not None:
            reading = read_page_by_definition(body, page.mapping, host)
            if reading.rows:
                return reading
            self.stderr.write(
                f"The built-in mapping of {page.name} finds no row in this page, so a mapping is "
                "proposed from the page itself."
            )
        definition = propose_page_mapping(body, host)
        self.stderr.write(json.dumps(definition, ensure_ascii=False))
        return _require_rows(read_page_by_definition(body, definition, host))


def as_line(row: PageRow) -> dict[str, Any]:
    """Return the row in the form of contracts.md section 6."""
    return {
        "host": row.host,
        "model_id": row.model_id,
        "version": row.version or None,
        "kind": row.kind,
        "announced_on": row.announced_on or None,
        "legacy_on": row.legacy_on or None,
        "extended_access_from": row.extended_access_from or None,
        "retires_on": row.retires_on or None,
        "date_kind": row.date_kind or None,
        "replacement": row.replacement or None,
        "stage": row.stage or None,
        "regions": list(row.regions),
        "table": row.table,
        "row": row.row,
    }


def _read_file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(
            f"The file {name} cannot be read: {error.strerror}.", returncode=2
        ) from None


def _chosen_definition(options: dict[str, Any]) -> object:
    """Return the stored form of the mapping that the options name, None without one."""
    if options["mapping"]:
        try:
            definition: object = json.loads(_read_file(options["mapping"]))
        except ValueError as error:
            raise CommandError(
                f"{options['mapping']} is not a JSON file: {error}.", returncode=2
            ) from None
        return definition
    if not options["source"]:
        return None
    source = Source.objects.filter(slug=options["source"]).select_related("mapping").first()
    if source is None:
        raise CommandError(f"There is no source with the slug {options['source']}.", returncode=2)
    mapping = getattr(source, "mapping", None)
    if source.kind != KIND or mapping is None:
        raise CommandError(
            f"{source.name} is not a lifecycle page. Name a source of this kind.", returncode=2
        )
    stored: object = mapping.settings
    return stored


def _require_rows(reading: PageReading) -> PageReading:
    if not reading.rows:
        raise InvalidPayloadError(
            reading.refused[0]
            if reading.refused
            else "No table of the page fits the mapping. Compare its headings and headers with the "
            "page."
        )
    return reading
