"""manage.py bench [--json] [--part PART ...], with the parts of tools/benchmarks/parts.py"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.exposure.engine.scenarios import TablesNotBuiltError, day_of_tables
from apps.exposure.models import ScopedApplication
from apps.inventory.models import Application, Dependency
from tools.benchmarks.http import RequestFailedError
from tools.benchmarks.measurement import BenchmarkLine
from tools.benchmarks.parts import PARTS, measure_parts
from tools.benchmarks.peak_memory import peak_memory_mb


class Command(BaseCommand):
    help = (
        "Measure the questions of docs/bench.md on the present data, beside the best "
        "hand-written statement on the same tables. All changes are rolled back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object instead of a table"
        )
        parser.add_argument(
            "--part", action="append", choices=PARTS, help="only this part; can be repeated"
        )
        parser.add_argument(
            "--page", action="append", help="only this route in `pages`; can be repeated"
        )
        parser.add_argument(
            "--recipients", type=int, default=10_000, help="recipients of the alerts in `telling`"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lines: list[BenchmarkLine] = []
        peak_mb = 0.0
        try:
            day_of_tables()
            for line in measure_parts(
                options["part"] or PARTS,
                n_recipients=options["recipients"],
                pages=options["page"] or (),
            ):
                lines.append(line)
                # a part may have let the peak begin again
                peak_mb = max(peak_mb, peak_memory_mb())
                if not options["json"]:
                    self.stdout.write(_as_text(line))
        except (TablesNotBuiltError, RequestFailedError) as error:
            raise CommandError(str(error)) from None
        summary = {
            "applications": Application.objects.count(),
            "in_scope": ScopedApplication.objects.count(),
            "dependencies": Dependency.objects.count(),
            "postgresql": _server_version(),
            "peak_memory_mb": round(peak_mb),
        }
        if options["json"]:
            self.stdout.write(
                json.dumps({**summary, "questions": [_as_row(line) for line in lines]})
            )
        else:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in summary.items()))


def _server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version: str = cursor.fetchone()[0]
    return version


def _as_row(line: BenchmarkLine) -> dict[str, Any]:
    timing = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in asdict(line.product).items()
    }
    return {
        "question": line.question,
        "p50_ms": timing["p50"],
        "p95_ms": timing["p95"],
        "rows": timing["rows"],
        "statements": timing["statements"],
        "by_hand_ms": None if line.by_hand is None else round(line.by_hand, 3),
        "ratio": None if line.ratio is None else round(line.ratio, 2),
        "note": line.note,
    }


def _as_text(line: BenchmarkLine) -> str:
    beside = "" if line.ratio is None else f"  by hand {line.by_hand:9.1f}  x {line.ratio:5.2f}"
    rows = "" if line.product.rows is None else f"{line.product.rows} rows"
    return (
        f"{line.question:62} {line.product.p50:9.1f} ms  p95 {line.product.p95:9.1f}"
        f"  {line.product.statements:3d} statements {rows:>12}{beside}  {line.note}"
    )
