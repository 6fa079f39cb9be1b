"""What runs in the background on its own, each job twice: on the data as it is, and again when
nothing has changed since: part `jobs`. Everything is rolled back.

Beside each time stand the processor time of this process with its database connection, and the most
memory that the process held meanwhile.
"""

from collections.abc import Iterator

import psutil
from celery import current_app
from django.db import connection

from tools.benchmarks.measurement import BenchmarkLine, rolled_back, time_once
from tools.benchmarks.peak_memory import peak_memory_mb, restart_peak_memory
from tools.benchmarks.processor_time import measure_processor_seconds

# jobs whose work depends on the portfolio, in the order in which they follow from each other
JOBS = (
    "exposure.refresh_exposure",
    "inventory.keep_findings",
    "risks.refresh_risks",
    "risks.count_inherited_risk",
    "exposure.keep_smallest_sets",
    "exposure.keep_campaigns",
    "issues.evaluate",
    "alerts.raise_alerts",
    "alerts.raise_due_alerts",
    "alerts.keep_alerts",
    "intake.find_discrepancies",
    "reports.keep_figures",
    "exposure.take_snapshot",
)


def measure_jobs() -> Iterator[BenchmarkLine]:
    """Measure the periodic jobs, one after the other on what the earlier ones wrote."""
    current_app.loader.import_default_modules()
    with rolled_back():
        processes = [psutil.Process(), *_backend()]
        for name in JOBS:
            for occasion in ("", ", again"):
                restart_peak_memory()
                processor_began = measure_processor_seconds(processes)
                timing = time_once(current_app.tasks[name].run)
                processor_ms = (measure_processor_seconds(processes) - processor_began) * 1_000
                yield BenchmarkLine(
                    f"job {name}{occasion}",
                    timing,
                    note=f"processor {processor_ms:.0f} ms, peak {peak_memory_mb():.0f} MB",
                )


def _backend() -> list[psutil.Process]:
    """Return the process of this database connection, where it runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        try:
            return [psutil.Process(cursor.fetchone()[0])]
        except psutil.NoSuchProcess:
            return []
