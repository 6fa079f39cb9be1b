"""The parts of `manage.py bench`, in the order in which they run."""

from collections.abc import Collection, Iterator
from datetime import date

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.common.time import day_of, now
from tools.benchmarks.alerts import measure_alerts
from tools.benchmarks.bulk import measure_bulk
from tools.benchmarks.handler import measure_handler
from tools.benchmarks.jobs import measure_jobs
from tools.benchmarks.measurement import BenchmarkLine, rolled_back
from tools.benchmarks.pages import measure_pages, measure_pages_after_import
from tools.benchmarks.queries import measure_queries
from tools.benchmarks.refreshes import measure_refreshes
from tools.benchmarks.rest import measure_rest
from tools.benchmarks.traces import measure_traces

PARTS = (
    "reading",
    "changing",
    "jobs",
    "serving",
    "telling",
    "pages",
    "import",
    "rest",
    "bulk",
    "traces",
)


def measure_parts(
    parts: Collection[str], *, n_recipients: int, pages: Collection[str] = ()
) -> Iterator[BenchmarkLine]:
    """Measure each of `parts`, one line after the other; nothing that is written stays.

    Needs exposure to have been built once. `n_recipients` people receive alerts in `telling`;
    `pages` limits the part of that name to some routes.
    """
    yield from _measure_exposure(parts, on=day_of(now()))
    if "jobs" in parts:
        yield from measure_jobs()
    if "telling" in parts:
        yield from measure_alerts(at=now(), n_recipients=n_recipients)
    if "pages" in parts:
        yield from measure_pages(pages)
    if "import" in parts:
        yield from measure_pages_after_import()
    if "rest" in parts:
        yield from measure_rest()
    if "bulk" in parts:
        yield from measure_bulk(with_jobs=True)
    if "traces" in parts:
        yield from measure_traces()


def _measure_exposure(parts: Collection[str], *, on: date) -> Iterator[BenchmarkLine]:
    with rolled_back():
        user = User.objects.create_user("bench", organisation_role=OrganisationRole.AUDITOR)
        if "reading" in parts:
            yield from measure_queries(user=user, on=on)
        if "serving" in parts:
            yield from measure_handler(user=user)
    if "changing" in parts:
        yield from measure_refreshes(on=on)
