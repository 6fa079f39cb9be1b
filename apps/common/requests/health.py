"""Health probes for supervisors, load balancers and monitoring: liveness, readiness, and further
checks."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.module_loading import import_string
from psycopg_pool import PoolTimeout

from apps.common import heartbeat
from apps.common.database.migration_history import (
    UnsupportedDatabaseError,
    check_migration_history,
)
from apps.common.requests.bare_headers import BARE_HEADERS

STATEMENT_TIMEOUT_MS = 2000
log = structlog.get_logger(__name__)


class NotReadyError(Exception):
    """A failed check; the text says what is wrong and why."""


def failed_probe(sentence: str, error: Exception) -> NotReadyError:
    """Return NotReadyError with `sentence`. The text of the error is only logged, because anyone
    can call the probes."""
    log.warning(
        "probe_failed",
        sentence=sentence,
        error=f"{type(error).__name__}: {error}".split("\n", 1)[0][:300],
    )
    return NotReadyError(sentence)


def check_database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout) as error:
        raise failed_probe("The database does not respond.", error) from error
    return "answers"


def check_migrations() -> str:
    try:
        check_migration_history()
        executor = MigrationExecutor(connection)
        pending_migrations = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except UnsupportedDatabaseError as error:
        raise NotReadyError(str(error)) from error
    except (DatabaseError, PoolTimeout) as error:
        raise failed_probe("The migrations cannot be read.", error) from error
    if pending_migrations:
        raise NotReadyError(
            f"{len(pending_migrations)} migrations are not applied. Run manage.py migrate."
        )
    return "applied"


def check_broker() -> str:
    try:
        with heartbeat.client() as client:
            client.ping()
    except redis.RedisError as error:
        raise failed_probe("The broker does not respond.", error) from error
    return "answers"


def check_worker() -> str:
    try:
        seen_at = heartbeat.last_heartbeat()
    except redis.RedisError as error:
        raise failed_probe("The worker's heartbeat cannot be read.", error) from error
    if seen_at is None:
        raise NotReadyError(
            f"No worker has sent a heartbeat for {heartbeat.LIFETIME_SECONDS} seconds. Start "
            "a worker and beat, which schedules the heartbeat, or check their logs."
        )
    return f"seen {seen_at.isoformat(timespec='seconds')}"


# requirements for serving pages and REST; each other check has its own probe
READINESS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
}
# (HTTP status, members of the JSON response)
Report = tuple[int, dict[str, Any]]


def healthz() -> Report:
    """Report that the process responds, and its version. Does not check dependencies, so that their
    outage restarts no process."""
    return HTTPStatus.OK, {"status": "ok", "version": settings.REGISTRY_VERSION}


def readyz() -> Report:
    """Report 200 if database and migrations are in order, otherwise 503, with a sentence for
    each."""
    return _run_checks(READINESS, passed="ready", failed="unready")


def probes() -> dict[str, Callable[[], Report]]:
    """Return the probes by path. Each check in settings.HEALTH_CHECKS has its own path, meant for
    monitoring and not for load balancers."""
    checks = {name: import_string(path) for name, path in settings.HEALTH_CHECKS.items()}
    return {
        "/healthz": healthz,
        "/readyz": readyz,
        **{
            f"/healthz/{name}": partial(_run_checks, {name: check}, passed="ok", failed="failing")
            for name, check in checks.items()
        },
    }


def _run_checks(checks: Mapping[str, Callable[[], str]], *, passed: str, failed: str) -> Report:
    results: dict[str, dict[str, object]] = {}
    for name, check in checks.items():
        try:
            results[name] = {"ok": True, "detail": check()}
        except NotReadyError as unready:
            results[name] = {"ok": False, "detail": str(unready)}
    if all(result["ok"] for result in results.values()):
        return HTTPStatus.OK, {"status": passed, "checks": results}
    return HTTPStatus.SERVICE_UNAVAILABLE, {"status": failed, "checks": results}


class ProbeMiddleware:
    """Responds to the probes before any other check of the request, such as of host, session or
    scheme.

    The product's own web server handles the probes before Django sees them
    (registry/server/probes.py); this is for other web servers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.probes = probes()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = self.probes.get(request.path_info)
        if probe is None or request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        status, members = probe()
        response = JsonResponse(members, status=status, headers=BARE_HEADERS)
        add_never_cache_headers(response)
        return response
