"""The cost of a change until exposure is up to date: part `changing`. Everything is rolled back."""

from collections.abc import Iterator
from datetime import date

from django.db import connection

from apps.common.history.context import audit_context
from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.snapshots.daily import take_snapshot
from tools.benchmarks.measurement import (
    BenchmarkLine,
    Timing,
    rolled_back,
    time_rolled_back,
    time_runs,
)


def measure_refreshes(*, on: date) -> Iterator[BenchmarkLine]:
    """Measure refreshes after an event on an offering that few, some and many use; a full rebuild;
    the day's snapshot.
    """
    with rolled_back():
        # the tables may be of an earlier day; what that costs is not the question here
        refresh(on=on)
        yield BenchmarkLine("refresh, nothing touched", time_runs(lambda: refresh(on=on)))
        for offering_id, n_applications in _used_offerings():
            yield BenchmarkLine(
                f"refresh after an event on an offering of {n_applications} applications",
                _after_event(offering_id, on),
            )
        yield BenchmarkLine("rebuild of everything", time_rolled_back(lambda: rebuild(on=on)))
        yield BenchmarkLine("daily snapshot", time_rolled_back(lambda: take_snapshot(on=on)))


def _used_offerings() -> list[tuple[int, int]]:
    """(offering, applications) for about 5, about 100, and the most used but one in ten of the
    portfolio at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH used AS (SELECT offering_id, count(DISTINCT application_id) AS n
            FROM exposure_activedependency GROUP BY 1),
            wanted(n) AS (SELECT unnest(ARRAY[
                5, 100, (SELECT count(*) / 20 FROM exposure_scopedapplication)
            ]))
            SELECT DISTINCT ON (w.n) u.offering_id, u.n FROM wanted w CROSS JOIN used u
            ORDER BY w.n, abs(u.n - w.n), u.offering_id
            """
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _after_event(offering_id: int, on: date) -> Timing:
    """Its end is announced for a day inside the horizon, as a poll would."""
    with rolled_back():
        with audit_context(job="bench"), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_offering SET retires_on = %s::date + 30, date_kind = 'firm', "
                "lifecycle = 'deprecated'"
                " WHERE id = %s",
                [on, offering_id],
            )
        return time_rolled_back(lambda: refresh(on=on))
