"""manage.py capabilities < offerings"""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import batched
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.capabilities.offering_lookup import WrittenId, find_offerings
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import UNKNOWN, SettledValue

_BATCH_SIZE = 500


class Command(BaseCommand):
    help = (
        "Read offerings from stdin as JSON lines and print what is known of their capabilities as "
        "JSON lines. Unknown is null."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for batch in batched(read_offerings(sys.stdin), _BATCH_SIZE, strict=False):
            offering_ids = find_offerings(batch)
            values = settled_values(list(offering_ids.values()))
            for written in batch:
                settled = values.get(offering_ids.get(written, 0), {})
                line = as_line(written, settled, is_known=written in offering_ids)
                self.stdout.write(json.dumps(line, ensure_ascii=False))


def read_offerings(stream: TextIO) -> Iterator[WrittenId]:
    """Yield (host, model ID) of each non-empty line."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            host, api_id = entry["host"], entry["api_id"]
        except (ValueError, KeyError, TypeError, AttributeError):
            host = api_id = None
        if not isinstance(host, str) or not isinstance(api_id, str):
            raise CommandError(
                f'Line {number} is not a JSON object with "host" and "api_id". Correct it.',
                returncode=2,
            )
        yield host, api_id


def as_line(
    written: WrittenId, settled: Mapping[str, SettledValue], *, is_known: bool
) -> dict[str, Any]:
    """Return the capabilities in the form of contracts.md section 7; `reason` is there only if the
    catalogue does not know the offering."""
    host, api_id = written
    line: dict[str, Any] = {
        "host": host,
        "api_id": api_id,
        "capabilities": {key: _field_line(settled.get(key, UNKNOWN)) for key in CAPABILITY_FIELDS},
    }
    if not is_known:
        line["reason"] = f"The catalogue does not know {api_id} at {host}."
    return line


def _field_line(value: SettledValue) -> dict[str, Any] | None:
    """Return the value with its source; None if no source states it, and a null value if sources
    contradict each other."""
    if value.value is None and not value.contradicted:
        return None
    line = {"value": value.value, "source": value.source, "at": value.at, "agreed": value.agreed}
    return line | ({"contradicted": True} if value.contradicted else {})
