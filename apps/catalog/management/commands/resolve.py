"""manage.py resolve [--host-hint H] < strings"""

import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.catalog.identity.known_ids import build_resolver
from apps.catalog.identity.resolver.resolve import Resolution


class Command(BaseCommand):
    help = (
        "Read raw model strings from stdin, one per line or as JSON lines, and print what "
        "each one means as JSON lines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host-hint", help="host of the strings, unless a line names its own")

    def handle(self, *args: Any, **options: Any) -> None:
        resolver = build_resolver()
        for raw, hint in strings(sys.stdin, options["host_hint"]):
            self.stdout.write(json.dumps(as_line(resolver.resolve(raw, hint)), ensure_ascii=False))


def strings(stream: TextIO, hint: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield (raw string, host hint) for each non-empty line; a line that is a JSON object can
    contain its own hint."""
    for number, line in enumerate(stream, start=1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        if text.lstrip().startswith("{"):
            try:
                entry = json.loads(text)
                yield str(entry["raw"]), entry.get("host_hint") or hint
            except (ValueError, KeyError, AttributeError):
                raise CommandError(
                    f'Line {number} is not a JSON object with "raw". Correct it.', returncode=2
                ) from None
        else:
            yield text, hint


def as_line(resolution: Resolution) -> dict[str, Any]:
    """Return the resolution in the form of contracts.md section 2."""
    return {
        "raw": resolution.raw,
        "host_hint": resolution.host_hint,
        "canonical": resolution.canonical,
        "kind": resolution.kind,
        "host": resolution.host,
        "region": resolution.region,
        "variant": list(resolution.variant),
        "confidence": resolution.confidence,
        "why": "; ".join(resolution.steps),
    }
