"""Prometheus metrics: request times counted by the processes of the web server, and gauges read
from the database.

Requests are counted in memory that all web workers share (files in PROMETHEUS_MULTIPROC_DIR, which
the web server creates before it forks). Everything else is read at each scrape by the functions in
settings.METRICS, one per app, with a fixed number of statements each. If a function fails, its
gauges are missing from the response and `registry_metrics_available{part}` is 0 for it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from apps.common import heartbeat
from apps.common.jobs import Job
from apps.common.models import PeriodicJob
from apps.common.periodic_jobs import recorded_jobs
from apps.common.time import now

log = structlog.get_logger(__name__)

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# period in which failed jobs are counted; the gauge falls again by itself, so that an alarm ends
FAILED_WITHIN = timedelta(days=1)
UNKNOWN_ROUTE = "unmatched"

# in seconds; a person notices half a second, and no proxy waits for a minute
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

# omit the creation time of series, on which several processes cannot agree
disable_created_metrics()
# counts of this process, or shared by the processes of the web server
_requests_registry = CollectorRegistry()
_request_seconds = Histogram(
    "registry_http_request_duration_seconds",
    (
        "Seconds until the response started, for requests that reached the application, "
        "by part of the interface."
    ),
    ["interface"],
    buckets=_BUCKETS,
    registry=_requests_registry,
)
_requests = Counter(
    "registry_http_requests",
    "Requests that reached the application, by method, route and status.",
    ["method", "route", "status"],
    registry=_requests_registry,
)

type Gauges = Iterable[GaugeMetricFamily]


def count_request(*, method: str, route: str, interface: str, status: int, seconds: float) -> None:
    """Count one completed request. `route` is the URL pattern, not the path, which keeps the number
    of series bounded."""
    _requests.labels(method, route, str(status)).inc()
    _request_seconds.labels(interface).observe(seconds)


def gauge(name: str, help_text: str, value: float | None) -> GaugeMetricFamily:
    """Return a gauge without labels; without a sample where `value` is None."""
    family = GaugeMetricFamily(name, help_text)
    if value is not None:
        family.add_metric([], value)
    return family


def labelled_gauge(
    name: str,
    help_text: str,
    labels: tuple[str, ...],
    rows: Iterable[tuple[tuple[str, ...], float | None]],
) -> GaugeMetricFamily:
    """Return a gauge with one sample for each row of (values of the labels, value); None is left
    out."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for values, value in rows:
        if value is not None:
            family.add_metric(list(values), value)
    return family


def age_seconds(moment: datetime | None, *, at: datetime) -> float | None:
    """Return the seconds since `moment`; 0 if it is in the future, None if it is unknown."""
    return None if moment is None else max((at - moment).total_seconds(), 0.0)


def render_metrics(accept: str) -> tuple[bytes, str]:
    """Return all metrics and their content type, in the format that the Accept header prefers."""
    registry = CollectorRegistry()
    if os.environ.get(MULTIPROCESS_FOLDER):
        MultiProcessCollector(registry)
    else:
        registry = _requests_registry
    collector = _CombinedCollector(registry, _AppGauges())
    encode, content_type = choose_encoder(accept)
    return encode(collector), content_type


class _CombinedCollector(Collector):
    """Several collectors as one registry."""

    def __init__(self, *collectors: "CollectorRegistry | _AppGauges") -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors:
            yield from collector.collect()


class _AppGauges:
    """Collects the gauges of all functions in settings.METRICS at the time of the scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges of all apps, read from the database and the broker at each scrape. An
        app whose gauges cannot be read is left out, and reported as unavailable in the last
        gauge."""
        at = now()
        available: list[tuple[tuple[str, ...], float]] = []
        for app, path in settings.METRICS.items():
            collect: Callable[[datetime], Gauges] = import_string(path)
            try:
                gauges = list(collect(at))
            except (DatabaseError, PoolTimeout, redis.RedisError) as error:
                log.warning("metrics_unavailable", part=app, error=type(error).__name__)
                available.append(((app,), 0))
                continue
            available.append(((app,), 1))
            yield from gauges
        yield labelled_gauge(
            "registry_metrics_available",
            (
                "1 if the gauges of this part were read, 0 if the database or broker did not "
                "respond."
            ),
            ("part",),
            available,
        )


def broker_gauges(at: datetime) -> Gauges:
    """Yield the number of waiting messages, and the age of the last worker heartbeat."""
    with redis.Redis.from_url(
        settings.BROKER_CLIENT_URL,
        socket_timeout=heartbeat.TIMEOUT_SECONDS,
        socket_connect_timeout=heartbeat.TIMEOUT_SECONDS,
    ) as connection:
        queue = settings.CELERY_TASK_DEFAULT_QUEUE
        n_waiting = cast("int", connection.llen(queue))
    yield labelled_gauge(
        "registry_queue_messages",
        "Messages in the broker that no worker has taken.",
        ("queue",),
        [((queue,), n_waiting)],
    )
    seen_at = heartbeat.last_heartbeat()
    yield gauge(
        "registry_worker_up",
        "1 if a worker sent a heartbeat within 100 seconds.",
        float(seen_at is not None),
    )
    yield gauge(
        "registry_worker_heartbeat_age_seconds",
        "Seconds since the last worker heartbeat; missing after 100 seconds.",
        age_seconds(seen_at, at=at),
    )


def job_gauges(at: datetime) -> Gauges:
    """Yield gauges of the background jobs that users wait for, one statement per kind, and of the
    periodic jobs."""
    job_counts, ages = [], []
    for model in job_models():
        kind = model._meta.label_lower
        counts = model._default_manager.aggregate(
            queued=Count("pk", filter=Q(state=Job.State.QUEUED)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            failed=Count(
                "pk", filter=Q(state=Job.State.FAILED, finished_at__gte=at - FAILED_WITHIN)
            ),
            silent_since=Min("heartbeat_at", filter=Q(state=Job.State.RUNNING)),
        )
        job_counts += [
            ((kind, state), float(counts[state])) for state in ("queued", "running", "failed")
        ]
        ages.append(((kind,), age_seconds(counts["silent_since"], at=at)))
    yield labelled_gauge(
        "registry_jobs",
        "Jobs that a user waits for; failed: within the last 24 hours.",
        ("kind", "state"),
        job_counts,
    )
    yield labelled_gauge(
        "registry_job_heartbeat_age_seconds",
        "Longest time since the last heartbeat of a running job.",
        ("kind",),
        ages,
    )
    cadences = recorded_jobs()
    last_successes = dict(
        PeriodicJob.objects.filter(name__in=cadences).values_list("name", "succeeded_at")
    )
    yield labelled_gauge(
        "registry_periodic_job_age_seconds",
        "Seconds since a periodic job last succeeded; missing if it never did.",
        ("job",),
        [((name,), age_seconds(last_successes.get(name), at=at)) for name in cadences],
    )
    yield labelled_gauge(
        "registry_periodic_job_interval_seconds",
        "Interval of a periodic job.",
        ("job",),
        [((name,), interval.total_seconds()) for name, interval in cadences.items()],
    )


def job_models() -> list[type[Job]]:
    """Return the models of background jobs, concrete ones only."""
    models, unseen = [], [Job]
    while unseen:
        for model in unseen.pop().__subclasses__():
            unseen.append(model)
            if not model._meta.abstract:
                models.append(model)
    return sorted(models, key=lambda model: model._meta.label_lower)
