"""manage.py periodic_jobs"""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from apps.common.models import PeriodicJob
from apps.common.periodic_jobs import recorded_jobs


class Command(BaseCommand):
    help = (
        "Print when each job that runs less often than every minute last started and "
        "succeeded, in UTC."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = {row.name: row for row in PeriodicJob.objects.all()}
        lines = [("job", "every", "began", "succeeded")]
        for name, interval in sorted(recorded_jobs().items(), key=lambda job: (job[1], job[0])):
            row = rows.get(name, PeriodicJob(name=name))
            lines.append(
                (
                    name,
                    str(interval),
                    _format_moment(row.started_at),
                    _format_moment(row.succeeded_at),
                )
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(map(str.ljust, line, widths)).rstrip())


def _format_moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "never"
