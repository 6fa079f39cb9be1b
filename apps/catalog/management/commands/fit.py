"""manage.py fit < pairs"""

import json
import sys
from collections.abc import Iterator
from itertools import batched
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from apps.catalog.capabilities.fields import InvalidValueError
from apps.catalog.capabilities.offering_fits import FitAnswer, FitQuestion, answer_questions
from apps.common.time import now

_BATCH_SIZE = 500


class Command(BaseCommand):
    help = (
        "Read pairs of offerings from stdin as JSON lines and print whether the new one does what "
        "is used of the old one, as JSON lines."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for batch in batched(read_questions(sys.stdin), _BATCH_SIZE, strict=False):
            try:
                answers = answer_questions(batch, at=now())
            except InvalidValueError as error:
                raise CommandError(str(error), returncode=2) from None
            for answer in answers:
                self.stdout.write(json.dumps(as_line(answer), ensure_ascii=False))


def read_questions(stream: TextIO) -> Iterator[FitQuestion]:
    """Yield the question of each non-empty line."""
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            old, new = (
                (str(entry[side]["host"]), str(entry[side]["api_id"])) for side in ("old", "new")
            )
            uses = None if entry.get("uses") is None else [*entry["uses"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CommandError(
                f'Line {number} is not a JSON object with "old" and "new", each with "host" and '
                '"api_id", and "uses" as a list or null. Correct it.',
                returncode=2,
            ) from None
        yield FitQuestion(old, new, uses)


def as_line(answer: FitAnswer) -> dict[str, Any]:
    """Return the answer in the form of contracts.md section 7; `reason` is there only if the
    catalogue does not know an offering."""
    line: dict[str, Any] = {
        "verdict": answer.fit.verdict,
        "items": [
            {
                "field": item.field,
                "needed": item.needed,
                "new": item.new.value,
                "verdict": item.verdict,
            }
            for item in answer.fit.items
        ],
        "price_ratio": dict(answer.price_ratio),
    }
    if answer.missing:
        names = " and ".join(f"{api_id} at {host}" for host, api_id in answer.missing)
        line["reason"] = f"The catalogue does not know {names}."
    return line
